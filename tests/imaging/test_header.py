"""The header tells the size that a decoder finds, and a decompression bomb is refused by it."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.imaging.header import Header, image_format, read_header
from steelsight.imaging.read import ImageError, TooManyPixels, decode_image

FORMATS = {".jpg": "jpeg", ".png": "png", ".bmp": "bmp", ".tif": "tiff"}
NAME = Path("a")


def encode(suffix: str, height: int, width: int, channels: int = 1) -> bytes:
    image = np.random.default_rng(height).integers(0, 256, (height, width, channels), np.uint8)
    return bytes(cv2.imencode(suffix, image)[1])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(entries: list[tuple[int, int, int, int]], order: str = "<", big: bool = False) -> bytes:
    """A TIFF of one directory without pixels; an entry is tag, type, count, value."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    if big:
        head += struct.pack(order + "HHQQ", 8, 0, 16, len(entries))
        return head + b"".join(struct.pack(order + "HHQQ", *one) for one in entries) + bytes(8)
    head += struct.pack(order + "IH", 8, len(entries))
    layout = {1: "HHIBxxx", 3: "HHIHxx", 4: "HHII"}
    return head + b"".join(struct.pack(order + layout[one[1]], *one) for one in entries) + bytes(4)


@given(st.sampled_from(sorted(FORMATS)), st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 3]))
@settings(max_examples=60, deadline=None)
def test_the_header_tells_the_size(suffix: Any, height: Any, width: Any, channels: Any) -> None:
    content = encode(suffix, height, width, channels)
    header = read_header(content)
    assert image_format(content) == FORMATS[suffix]
    assert (header.height, header.width) == (height, width)
    assert decode_image(content, NAME, max_pixels=header.pixels).shape[:2] == (height, width)
    if header.pixels > 1:
        with pytest.raises(TooManyPixels, match=f"{height} x {width} pixels exceed the {header.pixels - 1} "):
            decode_image(content, NAME, max_pixels=header.pixels - 1)


@given(st.sampled_from(sorted(FORMATS)), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_is_done_to_a_file_no_more_is_decoded_than_allowed(suffix: Any, data: Any) -> None:
    content = bytearray(encode(suffix, 6, 7))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(content) - 1, 200)))
        content[at] = data.draw(st.integers(0, 255))
    try:
        image = decode_image(bytes(content), NAME, max_pixels=2000)
    except ImageError:
        return
    assert image.shape[0] * image.shape[1] <= 2000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_is_read_in_both_orders_and_sizes(order: str, big: bool) -> None:
    kind = 16 if big else 4
    assert read_header(tiff([(256, kind, 1, 1600), (257, kind, 1, 256)], order, big)) == Header(256, 1600)


@pytest.mark.parametrize(
    "entries",
    [
        [(256, 4, 1, 5)],
        [(256, 4, 1, 5), (257, 4, 1, 5), (257, 4, 1, 90_000)],
        [(256, 4, 1, 5), (257, 4, 2, 5)],
        [(256, 4, 1, 0), (257, 4, 1, 5)],
        [],
    ],
)
def test_a_tiff_that_does_not_tell_its_size_plainly_is_refused(entries: Any) -> None:
    content = tiff(entries)
    assert read_header(content) is None
    with pytest.raises(ImageError, match="does not say its size"):
        decode_image(content, NAME, max_pixels=100)


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(60_000)))
        + chunk(b"IEND", b""),
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 60, 0, 54, 40, 60_000, -60_000, 1, 8, 1, 0, 0, 0, 0, 0) + bytes(10),
        b"BM" + struct.pack("<IIIIHHHH", 40, 0, 26, 12, 60_000, 60_000, 1, 8) + bytes(20),
        tiff([(256, 4, 1, 60_000), (257, 4, 1, 60_000)]),
        tiff([(256, 3, 1, 16), (257, 3, 1, 16), (322, 4, 1, 32_768), (323, 4, 1, 32_768)]),
        encode(".jpg", 8, 8).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 60_000, 60_000), 1),
    ],
    ids=["png", "bmp", "bmp of OS/2", "tiff", "tile of a tiff", "jpeg"],
)
def test_a_decompression_bomb_is_refused_by_its_header(bomb: Any) -> None:
    with pytest.raises(TooManyPixels, match="exceed the 64000000 that one image may have"):
        decode_image(bomb, NAME, max_pixels=64_000_000)


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    content = encode(".jpg", 8, 8)
    many = content[:-2] + b"\xff\xda" * 100 + content[-2:]
    for most_pixels, scans in ((6400, 100), (64, 16)):
        with pytest.raises(ImageError, match=f"more than {scans} scans, the most for 8 x 8 pixels"):
            decode_image(many, NAME, max_pixels=most_pixels)
    progressive = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1]
    assert decode_image(bytes(progressive), NAME, max_pixels=64).shape == (8, 8)


@pytest.mark.parametrize("bare", [b"\xff\x01", b"\xff\xd0", b"\xff\x00", b"\x00"])
def test_a_jpeg_whose_size_a_decoder_would_look_for_is_refused(bare: bytes) -> None:
    content = encode(".jpg", 8, 8)
    assert read_header(content[:2] + bare + content[2:]) is None


def test_other_formats_are_refused_where_a_limit_holds() -> None:
    webp = bytes(cv2.imencode(".webp", np.zeros((4, 4, 3), np.uint8))[1])
    with pytest.raises(ImageError, match="save it again as JPEG"):
        decode_image(webp, NAME, max_pixels=100)
