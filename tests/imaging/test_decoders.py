"""One reading for all formats, and no picture that is read in part."""

import zlib

import numpy as np
import pytest
from helpers.decoded import GREY, GREY_16, read, refused
from helpers.pictures import encoded, steel, tiff


def test_a_png_with_a_wrong_check_sum_is_refused() -> None:
    content = bytearray(encoded(".png", GREY))
    content[-1] ^= 1
    assert "IEND" in refused(bytes(content))


def test_a_file_of_several_pictures_is_refused() -> None:
    first, second = steel(1), steel(2)
    assert "2 pages" in refused(tiff(first, second))
    assert "more than one picture" in refused(encoded(".jpg", first) + encoded(".jpg", second))
    assert "more than one picture" in refused(encoded(".png", first) + encoded(".png", second))
    still = encoded(".png", first)
    np.testing.assert_array_equal(read(still + b"made by a camera"), read(still))
    assert "more than one picture" in refused(
        still[:33] + chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4)) + still[33:]
    )


def test_an_animation_of_one_picture_is_that_picture_alone() -> None:
    """A browser shows the frame in `fdAT`, and a decoder would read the other picture in `IDAT`."""
    still, one = encoded(".png", steel(1)), chunk(b"acTL", (1).to_bytes(4, "big") + bytes(4))
    np.testing.assert_array_equal(read(still[:33] + one + still[33:]), read(still))
    frame = chunk(b"fdAT", bytes(4) + zlib.compress(bytes(100)))
    assert "more than one picture" in refused(still[:33] + one + still[33:-12] + frame + still[-12:])


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


@pytest.mark.parametrize("suffix", [".webp", ".pgm", ".jp2"])
def test_another_format_that_opencv_knows_is_refused_whatever_its_name(suffix: str) -> None:
    assert "save it again as JPEG, PNG, BMP or TIFF" in refused(encoded(suffix, steel(1)))


@pytest.mark.parametrize("alpha", [0, 128, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_in_every_format_and_multiplies_nothing(alpha: int, dtype: type) -> None:
    grey = GREY if dtype == np.uint8 else GREY_16
    planes = [grey, grey, grey, np.full_like(grey, alpha)]
    for content in (tiff(np.dstack(planes), photometric=2, extra=2), encoded(".png", np.dstack(planes))):
        np.testing.assert_array_equal(read(content), grey)
        np.testing.assert_array_equal(read(content, grey=True), grey)
    assert "multiplied by an alpha" in refused(tiff(np.dstack(planes), photometric=2, extra=1))


@pytest.mark.parametrize(
    "content", [tiff(GREY)[:90], b"II*\0" + bytes(40), b"II*\0\x08\0\0\0\xff\xff" + bytes(60), b"BM"]
)
def test_nonsense_is_refused_in_one_sentence(content: bytes) -> None:
    refused(content)
