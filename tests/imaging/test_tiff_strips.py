"""Strips of a TIFF hold all of their pixels, or are refused."""

import cv2
import numpy as np
import pytest
from helpers.decoded import GREY, read, refused
from helpers.pictures import encoded, tiff


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
