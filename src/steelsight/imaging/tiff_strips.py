"""Whether a strip of a TIFF holds all of its pixels: some decoders fill the rest with black and say nothing."""

import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.header import JPEG_SCAN, read_header
from steelsight.imaging.jpeg import JpegError, check_jpeg

_CLEAR, _END, _FIRST = 256, 257, 258  # codes of LZW
_JPEG = 7
_LONGEST_BLOCK = 4096  # codes between two clearings of the table
_SPARE = 8
_MOST_SCANS = 10  # of a JPEG in a strip: one, or one a channel
_FEW_CLEARINGS, _BETWEEN = (
    8,
    1024,
)  # bytes between two clearings on average: an encoder clears a full table, after some 5,000


class StripError(ValueError):
    """What is wrong with a strip."""


def check_strip(data: bytes, compression: int, holds: int, tables: bytes, most: tuple[int, int]) -> None:
    """See that a strip unpacks to at least `holds` bytes.

    Args:
        compression: one of `COMPRESSIONS`.
        tables: of JPEG, which all strips share.
        most: greatest height and width in pixels, of which a JPEG says its own.

    Raises:
        StripError: it does not.
    """
    if compression == _JPEG:
        whole = tables[:-2] + data[2:] if tables else data
        header = read_header(whole)
        if header is None or header.height > most[0] or header.width > most[1]:
            raise StripError(f"a JPEG in it does not say that it has the strip's {most[0]} x {most[1]} pixels")
        if whole.count(JPEG_SCAN) > _MOST_SCANS:
            raise StripError(f"a JPEG in it has more than {_MOST_SCANS} scans")
        try:
            check_jpeg(whole)
        except JpegError as error:
            raise StripError(str(error)) from None
    elif (found := _LENGTHS[compression](data, holds)) < holds:
        raise StripError(f"a strip holds {found} bytes of {holds}")


def _plain(data: bytes, holds: int) -> int:
    return len(data)


def _deflate(data: bytes, holds: int) -> int:
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(data, holds + 1)
        if not unpacking.eof:  # the check sum comes behind the last byte
            found += unpacking.decompress(unpacking.unconsumed_tail, 1)
    except zlib.error as error:
        raise StripError(str(error)) from None
    if len(found) >= holds and not unpacking.eof:
        raise StripError("a strip holds more than it should, or has no check sum")
    return len(found)


def _packbits(data: bytes, holds: int) -> int:
    at = found = 0
    while at < len(data) and found < holds:
        head = data[at]
        if head < 128:
            found += min(head + 1, len(data) - at - 1)
            at += head + 2
        elif head > 128:
            found += 257 - head if at + 1 < len(data) else 0
            at += 2
        else:
            at += 1
    if found > holds or len(data) - at > _SPARE:
        raise StripError(f"a strip holds more than its {holds} bytes")
    return found


def _lzw(data: bytes, holds: int) -> int:
    """How many bytes the codes stand for; their width follows from their number alone, so that they are cut at once."""
    buffer = np.frombuffer(data + bytes(_SPARE), np.uint8).astype(np.uint32)
    bit = found = clearings = 0
    while found < holds and bit + 9 <= 8 * len(data):
        codes, starts = _block(buffer, bit, 8 * len(data))
        ends = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        count = int(ends[0]) if ends.size else len(codes)
        unknown = np.flatnonzero(codes[:count] >= _FIRST + np.arange(count))
        known = int(unknown[0]) if unknown.size else count
        found += int(_code_lengths(codes[:known]).sum())
        if found >= holds:
            return found
        if known < count:
            raise StripError(f"code {codes[known]} of LZW stands for nothing")
        if not ends.size or codes[count] == _END:
            return found
        bit = int(starts[count]) + _widths()[count]
        clearings += 1
        if clearings > _FEW_CLEARINGS + len(data) // _BETWEEN:
            raise StripError(f"its table of LZW is cleared {clearings} times in {len(data)} bytes")
    return found


def _code_lengths(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bytes each code since a clearing stands for: a byte is one, and code 258 + n what the n-th code stands for and
    one more. Chains are added up by halves."""
    lengths, before = np.ones(len(codes), np.int64), codes - _FIRST
    while (longer := np.flatnonzero(before >= 0)).size:
        at = before[longer]
        lengths[longer], before[longer] = lengths[longer] + lengths[at], before[at]
    return lengths


@lru_cache(maxsize=1)
def _widths() -> list[int]:
    """Bits of each code after a clearing."""
    number = np.arange(_LONGEST_BLOCK)
    widths: list[int] = (9 + (number >= 254) + (number >= 766) + (number >= 1790)).astype(int).tolist()
    return widths


@lru_cache(maxsize=1)
def _places() -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(_widths())[:-1]])


def _block(buffer: NDArray[np.uint32], bit: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes from a place on up to the end or the longest block, the width of each being known, and where they begin."""
    most = (end - bit) // 9
    widths = np.array(_widths()[:most])
    starts = _places()[:most] + bit
    inside = starts + widths <= end
    starts, widths = starts[inside], widths[inside]
    at = starts >> 3
    word = (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
    codes = (word >> (32 - widths - (starts & 7)).astype(np.uint32)) & ((1 << widths) - 1).astype(np.uint32)
    return codes.astype(np.int64), starts


_LENGTHS: dict[int, Callable[[bytes, int], int]] = {1: _plain, 5: _lzw, 8: _deflate, 32773: _packbits, 32946: _deflate}
COMPRESSIONS = frozenset({*_LENGTHS, _JPEG})
"""Those that can be checked, as TIFF numbers them: none, LZW, JPEG, deflate, PackBits, deflate of before."""
