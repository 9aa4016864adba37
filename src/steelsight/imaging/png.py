"""What a PNG holds beside its pixels, seen to before a decoder does: damage, further pictures, and data without end.

A decoder unpacks whatever is compressed in the file: texts and colour profiles, of which there may be thousands, and image
data far beyond the last row, which it throws away. A megabyte unpacks to a gigabyte so.
"""

import struct
import zlib
from collections.abc import Iterator

from steelsight.imaging.header import MOST_CHUNKS, png_checked, png_chunks

_PACKED = frozenset({b"zTXt", b"iTXt", b"iCCP"})
"""Chunks that may be compressed, and that change no pixel that is read here."""
_BEGIN = b"\x89PNG\r\n\x1a\n"
_SIGNATURE = len(_BEGIN)
_RATIO = 1032  # which deflate does not exceed
_PIECE = 1 << 14  # bytes unpacked at a time: they become 17 MB at most
_BYTES = 3  # of a pixel, of the largest image that is taken as usual
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and distances of columns and rows, of each pass of an interlaced image. Source: PNG 1.2, 2.6."""


class PngError(ValueError):
    """What is wrong with a PNG, and the mend."""


def checked_png(content: bytes, further: str) -> bytes:
    """See that a PNG is whole, sound by its check sums, and one picture; the same without texts and profiles that a decoder
    would unpack for nothing.

    Args:
        further: what is said of one with more than one picture.

    Raises:
        PngError: it is not.
    """
    kinds: set[bytes] = set()
    packed: list[tuple[int, int]] = []
    at = _SIGNATURE
    for number, (kind, data, is_right) in enumerate(png_checked(content)):
        if number == MOST_CHUNKS:
            raise PngError(f"more than {MOST_CHUNKS} parts; save it again")
        if not is_right:
            raise PngError(f"its part {kind.decode('latin-1')} is damaged; copy it again from its source")
        if kind == b"fdAT" or (kind == b"acTL" and data[:4] > b"\x00\x00\x00\x01"):
            raise PngError(further)
        kinds.add(kind)
        end = at + 12 + len(data)
        if kind == b"IEND" and content.find(_BEGIN, end) >= 0:  # a program has written twice
            raise PngError(further)
        if kind in _PACKED:
            packed.append((at, end))
        at = end
    if b"IEND" not in kinds:
        raise PngError(f"the file breaks off after {len(content)} bytes; copy it again from its source")
    return _without(content, packed) if packed else content


def refuse_more_data(content: bytes, max_pixels: int) -> None:
    """See that the image data of a PNG from strangers ends with its last row, unless it is so little that to unpack it takes
    no longer than that of the largest image.

    Raises:
        PngError: there is more of it.
    """
    parts = [data for kind, data in png_chunks(content) if kind == b"IDAT"]
    if sum(map(len, parts)) * _RATIO <= _BYTES * max_pixels:
        return
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", content, _SIGNATURE + 8)
    left = _image_bytes(width, height, depth * _CHANNELS.get(colour, 0), bool(interlaced))
    unpacking = zlib.decompressobj()
    try:
        for piece in _pieces(parts):
            left -= len(unpacking.decompress(piece, left + 1))
            if left < 0:
                raise PngError(f"more image data than its {height} x {width} pixels have; save it again")
    except zlib.error:
        return  # which the decoder tells in its own words


def _image_bytes(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Bytes of all rows, each with the byte that names its filter.

    >>> _image_bytes(3, 2, 8, False), _image_bytes(1, 1, 8, True)
    (8, 2)
    """
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes)
    return sum(high * (1 + (wide * bits + 7) // 8) for wide, high in sizes if wide > 0 and high > 0)


def _pieces(parts: list[bytes]) -> Iterator[memoryview]:
    for part in parts:
        view = memoryview(part)
        yield from (view[at : at + _PIECE] for at in range(0, len(view), _PIECE))


def _without(content: bytes, places: list[tuple[int, int]]) -> bytes:
    starts, ends = [0, *(end for _, end in places)], [*(start for start, _ in places), len(content)]
    return b"".join(content[start:end] for start, end in zip(starts, ends, strict=True))
