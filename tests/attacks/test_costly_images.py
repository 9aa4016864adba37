"""Small image files that would take seconds or minutes to decode: refused in one sentence, or read in the time that their
pixels take."""

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steelsight.imaging.read import ImageError, decode_image

NAME = Path("a")
LARGEST = 64_000_000
SECONDS = 1.0  # of the processor; before there were limits, each of these took several
TIFF_TAIL = struct.pack("<I", 0)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(data: bytes, extra: bytes = b"", *, side: int = 64, interlaced: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def packed_zeros(count: int) -> bytes:
    packing, million = zlib.compressobj(9), bytes(1_000_000)
    return b"".join(packing.compress(million) for _ in range(count // len(million))) + packing.flush()


def tiff(width: int, height: int, packing: int, fields: Any, data: bytes = b"") -> bytes:
    """A TIFF of grey; `fields` are (tag, type, count, value), and data begins at byte 8."""
    own = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]
    every = sorted([*own, *fields])
    page = b"".join(struct.pack("<HHII", *entry) for entry in every)
    return b"II*\x00" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(every)) + page + TIFF_TAIL


def jpeg(side: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((side, side), np.uint8))[1].tobytes()


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = cv2.imencode(".jpg", np.zeros((side, side), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def pointed_to(width: int, height: int, packing: int, strip: bytes, count: int, tags: Any, sizes: Any) -> bytes:
    """A TIFF whose strips or tiles are all the same bytes."""
    table = struct.pack("<I", 8) * count + struct.pack("<I", len(strip)) * count
    at = 8 + len(strip)
    return tiff(
        width, height, packing, [*sizes, (tags[0], 4, count, at), (tags[1], 4, count, at + 4 * count)], strip + table
    )


def of_many_fields(fields: int, count: int) -> bytes:
    """A TIFF with fields that all point to the same bytes."""
    strip = [(273, 4, 1, 8), (278, 4, 1, 16), (279, 4, 1, 256)]
    return tiff(16, 16, 1, [*strip, *([(40_000, 1, count, 8)] * fields)], bytes(count))


def turned_by_many(fields: int, count: int) -> bytes:
    """A JPEG whose EXIF states its orientation again and again, each with the same kilobytes."""
    exif = b"Exif\x00\x00" + tiff(1, 1, 1, [(274, 1, count, 8)] * fields, bytes(count))
    return jpeg(8)[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg(8)[2:]


def cleared_lzw() -> bytes:
    """Codes of LZW, of which every other one clears the table."""
    return np.packbits(np.tile(np.unpackbits(np.array([128, 0, 0], np.uint8))[:18], 200_000)).tobytes()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "image data beyond the last row": (
        lambda: png(packed_zeros(300_000_000)),
        "more image data than its 64 x 64 pixels have",
    ),
    "very many parts of a PNG": (
        lambda: png(zlib.compress(bytes(64 * 65)), chunk(b"teXt", b"") * 200_000),
        "more than 100000 parts",
    ),
    "scans of a large JPEG": (lambda: jpeg_of_scans(4096, 70), "more than 61 scans, the most for 4096 x 4096 pixels"),
    "segments of a JPEG": (
        lambda: jpeg(8)[:2] + b"\xff\xfe\x00\x02" * 500_000 + jpeg(8)[2:],
        "more than 5000 parts",
    ),
    "segments between the scans of a JPEG": (
        lambda: jpeg(8)[:-2] + b"\xff\xfe\x00\x02" * 500_000 + jpeg(8)[-2:],
        "more than 5000 parts",
    ),
    "a large JPEG in each strip of a TIFF": (
        lambda: pointed_to(16, 100, 7, jpeg(2000), 100, (273, 279), [(278, 4, 1, 1)]),
        "a JPEG in it does not say that it has the strip's 1 x 16 pixels",
    ),
    "large tiles of a small TIFF": (
        lambda: pointed_to(
            1, 16 * 40, 8, zlib.compress(bytes(16 << 20), 9), 40, (324, 325), [(322, 4, 1, 1 << 20), (323, 4, 1, 16)]
        ),
        "its tiles hold 671088640 pixels for an image of 640",
    ),
    "strips without end": (
        lambda: tiff(1, 400_000, 1, [(278, 4, 1, 1), (273, 3, 400_000, 8), (279, 3, 400_000, 8)], b"\x01\x00" * 400_000),
        "400000 strips or tiles are more than 32768",
    ),
    "strips that each are all of the file": (
        lambda: pointed_to(
            16, 16 * 300, 7, jpeg(16) + bytes(3_000_000), 300, (273, 279), [(278, 4, 1, 16)]
        ),
        "its strips or tiles state more bytes than 4 times its 300",
    ),
    "a table of LZW that is cleared without end": (
        lambda: tiff(
            4096, 4096, 5, [(278, 4, 1, 4096), (273, 4, 1, 8), (279, 4, 1, len(cleared_lzw()))], cleared_lzw()
        ),
        "its table of LZW is cleared",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_costs_more_than_its_pixels_is_refused_at_once(what: str) -> None:
    make, sentence = REFUSED[what]
    content = make()
    start = time.process_time()
    with pytest.raises(ImageError, match=sentence):
        decode_image(content, NAME, grey=True, max_pixels=LARGEST)
    assert time.process_time() - start < SECONDS


READ: dict[str, tuple[Callable[[], bytes], float]] = {
    "texts of a PNG": (
        lambda: png(
            zlib.compress(bytes(64 * 65)),
            b"".join(chunk(b"zTXt", b"k%d\x00\x00" % number + packed_zeros(7_000_000)) for number in range(100)),
        ),
        SECONDS,
    ),
    "fields of a TIFF": (lambda: of_many_fields(200, 1 << 20), SECONDS),
    "the orientation of a JPEG": (lambda: turned_by_many(2600, 33_000), 0.2),
}


@pytest.mark.parametrize("what", READ)
def test_what_no_pixel_needs_costs_nothing(what: str) -> None:
    make, seconds = READ[what]
    content = make()
    start = time.process_time()
    assert decode_image(content, NAME, grey=True, max_pixels=LARGEST).max() == 0
    assert time.process_time() - start < seconds


@pytest.mark.parametrize("interlaced", [0, 1])
def test_as_much_image_data_as_the_pixels_have_is_read(interlaced: int) -> None:
    """The largest that fits its limit, looked through since its compressed data could unpack to more."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (61, 67, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    content = stream.getvalue()
    if interlaced:
        rows = b"".join(
            b"\x00" + pixels[y, x::across].tobytes()
            for x, y0, across, down in (
                (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
            )
            for y in range(y0, 61, down)
        )  # fmt: skip
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", 67, 61, 8, 2, 0, 0, 1))
        content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert np.array_equal(decode_image(content, NAME, max_pixels=61 * 67), pixels)
