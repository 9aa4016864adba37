"""What the first bytes of an image file say: its format and its size, without decoding a pixel."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["jpeg", "png", "bmp", "tiff"]

JPEG_END, JPEG_SCAN = b"\xff\xd9", b"\xff\xda"
_JPEG, _PNG, _BMP = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM"
_TIFF = {b"II*\x00": "<", b"MM\x00*": ">", b"II+\x00": "<", b"MM\x00+": ">"}
"""First four bytes: byte order, and 42 for TIFF or 43 for BigTIFF."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers whose segment holds the size
_JPEG_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})  # markers without a length
_JPEG_FILL = re.compile(rb"\xff+")
MOST_SEGMENTS = 5_000
"""Of a JPEG, that are looked at: a photograph has a few dozen, and a file of 32 MB can have eight million."""
MOST_CHUNKS = 100_000
"""Of a PNG, that are looked at: an image of 64 million pixels has some ten thousand."""
_MOST_ENTRIES = 65_535  # of a page of a TIFF; only a BigTIFF can state more
_TIFF_WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}  # field types of whole numbers
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 256, 257, 322, 323


@dataclass(frozen=True)
class Header:
    """Size of an image as its header says.

    Attributes:
        height, width: in pixels, at least 1.
        block: pixels that a decoder holds at a time where they may be more than the image's, as in a tile of a TIFF; else 0.
    """

    height: int
    width: int
    block: int = 0

    @property
    def pixels(self) -> int:
        """How many pixels a decoder must make room for."""
        return max(self.height * self.width, self.block)


def image_format(content: bytes) -> Format | None:
    """The format by the first bytes; None where it is none of those that are read.

    >>> image_format(b"BM")
    'bmp'
    """
    if content.startswith(_JPEG):
        return "jpeg"
    if content.startswith(_PNG):
        return "png"
    if content.startswith(_BMP):
        return "bmp"
    return "tiff" if content[:4] in _TIFF else None


def read_header(content: bytes) -> Header | None:
    """The size by the header, of the first page where there are several; None where it does not say one plainly: cut off,
    contradictory, or of another format. A decoder given the same bytes finds the same size or fails."""
    try:
        header = _read(content)
    except (struct.error, IndexError):
        return None
    return header if header is not None and min(header.height, header.width) > 0 else None


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of every complete chunk of a PNG file, in order, up to `MOST_CHUNKS` + 1."""
    return ((kind, data) for kind, data, _ in _png_parts(content, checked=False))


def png_checked(content: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Type and data of every complete chunk of a PNG file, in order, up to `MOST_CHUNKS` + 1, and whether its check sum is
    right."""
    return _png_parts(content, checked=True)


def _png_parts(content: bytes, *, checked: bool) -> Iterator[tuple[bytes, bytes, bool]]:
    at = len(_PNG)
    for _ in range(MOST_CHUNKS + 1):
        if at + 12 > len(content):
            return
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            return
        data = content[at + 8 : end]
        right = not checked or zlib.crc32(data, zlib.crc32(kind)) == struct.unpack_from(">I", content, end)[0]
        yield kind, data, right
        at = end + 4


def scan_offset(content: bytes) -> int:
    """Where the pixels of a JPEG begin: an end marker before it belongs to an embedded preview."""
    return next((at for marker, at in jpeg_segments(content) if marker == JPEG_SCAN[1]), len(content))


def _read(content: bytes) -> Header | None:
    match image_format(content):
        case "png":
            return _png(content)
        case "bmp":
            return _bmp(content)
        case "jpeg":
            return _jpeg(content)
        case "tiff":
            return _tiff(content)
        case None:
            return None


def _png(content: bytes) -> Header | None:
    kind, width, height = struct.unpack_from(">4sII", content, 12)
    return Header(height, width) if kind == b"IHDR" else None


def _bmp(content: bytes) -> Header | None:
    (size,) = struct.unpack_from("<I", content, 14)
    if size == 12:
        width, height = struct.unpack_from("<HH", content, 18)
        return Header(height, width)
    width, height = struct.unpack_from("<ii", content, 18)
    return Header(abs(height), width) if size >= 40 else None  # a negative height means rows from top to bottom


def _jpeg(content: bytes) -> Header | None:
    for marker, at in jpeg_segments(content):
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 1)
            return Header(height, width)
    return None


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Marker and offset of the data of each segment of a JPEG file up to the first scan, or `MOST_SEGMENTS` + 1; ends where
    a decoder would begin to guess."""
    at = 2
    for _ in range(MOST_SEGMENTS + 1):
        filled = _JPEG_FILL.match(content, at)  # any number of fill bytes, then the marker
        if filled is None:
            return
        at = filled.end() - 1
        if at + 4 > len(content) or (marker := content[at + 1]) in _JPEG_BARE:
            return
        yield marker, at + 4
        if marker == JPEG_SCAN[1]:
            return
        at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])


def _tiff(content: bytes) -> Header | None:
    order, big = _TIFF[content[:4]], content[:4].strip(b"IM\x00") == b"+"
    offset, count, entry = (8, "Q", "HHQ") if big else (4, "H", "HHI")
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, offset)
    (entries,) = struct.unpack_from(order + count, content, at)
    if entries > _MOST_ENTRIES:
        return None
    at += struct.calcsize(order + count)
    found: dict[int, int] = {}
    wanted = (_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT)
    for at_entry in range(at, min(at + entries * (20 if big else 12), len(content)), 20 if big else 12):
        tag, kind, values = struct.unpack_from(order + entry, content, at_entry)
        if tag not in wanted:
            continue
        if tag in found or values != 1 or kind not in _TIFF_WHOLE or (kind == 16 and not big):
            return None  # decoders differ in what they make of it
        where = at_entry + struct.calcsize(order + entry)
        (found[tag],) = struct.unpack_from(order + _TIFF_WHOLE[kind], content, where)
    if _TIFF_WIDTH not in found or _TIFF_HEIGHT not in found:
        return None
    block = found.get(_TIFF_TILE_WIDTH, 0) * found.get(_TIFF_TILE_HEIGHT, 0)
    return Header(found[_TIFF_HEIGHT], found[_TIFF_WIDTH], block)
