"""One reading for all formats, and no picture that is read in part."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.pictures import encoded, palette_bmp, steel, tiff, turned_jpeg

from steelsight.dataset.layouts.mask_images import read_mask
from steelsight.imaging.read import ImageError, decode_image, stated_orientation

GREY = steel(1, (256, 400))
GREY_16 = GREY.astype(np.uint16) * 256
JPEG = encoded(".jpg", GREY)


def read(content: bytes, **how: bool) -> np.ndarray:
    return decode_image(content, Path("a.img"), **how)


def refused(content: bytes) -> str:
    with pytest.raises(ImageError) as error:
        read(content)
    assert str(error.value).startswith("a.img: ")
    return str(error.value)


@pytest.mark.parametrize(
    "damaged",
    [JPEG[: len(JPEG) // 3] + b"\xff\xd9", JPEG[: len(JPEG) // 2] + JPEG[len(JPEG) // 2 + 3000 :], JPEG[:-2]],
    ids=["filled up to its end marker", "with a hole", "without its end marker"],
)
def test_what_the_decoder_warns_of_is_an_error_with_the_files_name(damaged: bytes) -> None:
    assert "remature end" in refused(damaged)


@pytest.mark.parametrize("kind", [cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR])
def test_a_jpeg_has_the_pixels_that_opencv_gives_it(kind: int) -> None:
    colour = np.dstack([steel(seed, (64, 96)) for seed in (1, 2, 3)])
    for pixels in (GREY, colour):
        content = encoded(".jpg", pixels)
        expected = cv2.imdecode(np.frombuffer(content, np.uint8), kind)
        found = read(content, grey=kind == cv2.IMREAD_GRAYSCALE)
        found = np.dstack([found] * 3) if kind == cv2.IMREAD_COLOR and found.ndim == 2 else found
        np.testing.assert_array_equal(found if found.ndim == 2 else found[..., ::-1], expected)


@pytest.mark.parametrize("compression", [5, 8, 32946], ids=["LZW", "deflate", "old deflate"])
def test_a_damaged_strip_of_a_tiff_is_refused_and_a_whole_one_is_not(compression: int) -> None:
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 16]
    content = encoded(".tif", GREY, options)
    np.testing.assert_array_equal(read(content), GREY)
    for share in (0.2, 0.5, 0.8):
        at = int(share * len(content))
        damaged = bytearray(content)
        damaged[at : at + 40] = bytes(40)
        assert "damaged" in refused(bytes(damaged))


def test_packbits_are_read() -> None:
    """They have neither codes nor sums: damage that changes none of their counts cannot be noticed."""
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 32773, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 16]
    np.testing.assert_array_equal(read(encoded(".tif", GREY, options)), GREY)


def test_long_runs_of_lzw_are_read() -> None:
    flat = np.full((300, 500), 7, np.uint8)
    flat[100:200, 100:300] = GREY[:100, :200]
    content = encoded(".tif", flat, [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 300])
    np.testing.assert_array_equal(read(content), flat)


def test_a_strip_that_the_file_does_not_hold_is_refused() -> None:
    content = tiff(GREY)
    at = content.index(b"\x11\x01\x04\x00") + 8  # the value of StripOffsets
    beyond = content[:at] + (len(content)).to_bytes(4, "little") + content[at + 4 :]
    assert "beyond the end" in refused(beyond)


def test_a_png_with_a_wrong_check_sum_is_refused() -> None:
    content = bytearray(encoded(".png", GREY))
    content[-1] ^= 1
    assert "IEND" in refused(bytes(content))


def test_a_file_of_several_pictures_is_refused() -> None:
    first, second = steel(1), steel(2)
    assert "2 pages" in refused(tiff(first, second))
    assert "more than one picture" in refused(encoded(".jpg", first) + encoded(".jpg", second))
    still = encoded(".png", first)
    control = b"acTL" + (2).to_bytes(4, "big") + bytes(4)
    chunk = (8).to_bytes(4, "big") + control + zlib.crc32(control).to_bytes(4, "big")
    assert "more than one picture" in refused(still[:33] + chunk + still[33:])


@pytest.mark.parametrize("alpha", [0, 128, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_in_every_format_and_multiplies_nothing(alpha: int, dtype: type) -> None:
    grey = GREY if dtype == np.uint8 else GREY_16
    planes = [grey, grey, grey, np.full_like(grey, alpha)]
    for content in (tiff(np.dstack(planes), photometric=2, extra=2), encoded(".png", np.dstack(planes))):
        np.testing.assert_array_equal(read(content), grey)
        np.testing.assert_array_equal(read(content, grey=True), grey)
    assert "multiplied by an alpha" in refused(tiff(np.dstack(planes), photometric=2, extra=1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_white_is_zero_it_is_turned_round_in_any_depth(dtype: type) -> None:
    grey = GREY if dtype == np.uint8 else GREY_16
    np.testing.assert_array_equal(read(tiff(np.iinfo(dtype).max - grey, photometric=0)), grey)


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_orientation_turns_no_pixels_in_any_format_and_is_told(orientation: int) -> None:
    stored = tiff(GREY, orientation=orientation)
    np.testing.assert_array_equal(read(stored), GREY)
    jpeg = turned_jpeg(GREY, orientation)
    np.testing.assert_array_equal(read(jpeg), read(JPEG))
    assert [stated_orientation(one) for one in (stored, jpeg, JPEG, tiff(GREY))] == [orientation, orientation, 1, 1]


def test_a_palette_gives_a_mask_its_indices_in_every_format(tmp_path: Path) -> None:
    indices = np.zeros((20, 30), np.uint8)
    indices[2:9, 3:12], indices[12:15, 20:25] = 1, 2
    colours = [(0, 0, 0), (255, 0, 0), (0, 255, 0)]
    path = tmp_path / "a.bmp"
    path.write_bytes(palette_bmp(indices, colours))
    np.testing.assert_array_equal(read_mask(path), indices)
    red, green = read(path.read_bytes())[4, 5], read(path.read_bytes())[13, 22]
    assert (red.tolist(), green.tolist()) == ([255, 0, 0], [0, 255, 0])


@pytest.mark.parametrize(
    "content", [tiff(GREY)[:90], b"II*\0" + bytes(40), b"II*\0\x08\0\0\0\xff\xff" + bytes(60), b"BM"]
)
def test_nonsense_is_refused_in_one_sentence(content: bytes) -> None:
    refused(content)
