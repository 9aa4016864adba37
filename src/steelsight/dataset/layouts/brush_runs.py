"""Label Studio's run lengths of a brush: a stream of bits that packs the values of an RGBA picture.

The stream begins with the number of values (32 bits), the bits of a value less 1 (5) and of four widths of a count less 1 (4
each). Then come stretches: one bit that says whether all values are the same, two that choose a width, the number of values
less 1 in so many bits, and the value, or all values.

Source: the format of `@thi.ng/rle-pack`, which Label Studio's editor packs its pictures with.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDTHS = (2, 3, 7, 15)
"""Bits of a count that are written here, less 1: runs of 8, 16, 256 and 65,536."""


def decode_brush(runs: Sequence[Any], expected: int) -> NDArray[np.uint8]:
    """The values of a picture, uint8 (expected,).

    Raises:
        ValueError: these are no such run lengths, or they are of a picture of another size.
    """
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 255 for one in runs):
        raise ValueError("run lengths that are no whole numbers from 0 to 255")
    bits = _Bits(np.unpackbits(np.array(runs, np.uint8)))
    count = bits.take(32)
    if count != expected:
        raise ValueError(f"run lengths of {count} values, and the image has {expected}")
    depth = bits.take(5) + 1
    if depth != 8:
        raise ValueError(f"values of {depth} bit, not of 8")
    widths = [bits.take(4) + 1 for _ in range(4)]
    values = np.zeros(count, np.uint8)
    at = 0
    while at < count:
        is_run = bits.take(1)
        length = bits.take(widths[bits.take(2)]) + 1
        end = min(at + length, count)
        values[at:end] = bits.take(8) if is_run else bits.values(end - at)
        at = end
    return values


def encode_brush(values: NDArray[np.uint8]) -> list[int]:
    """The run lengths of values (n,), of which `decode_brush` makes the same again.

    >>> decode_brush(encode_brush(np.array([0, 0, 0, 255, 255], np.uint8)), 5).tolist()
    [0, 0, 0, 255, 255]
    """
    parts = [_bits(values.size, 32), _bits(7, 5), *(_bits(width, 4) for width in _WIDTHS)]
    bounds = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), values.size]
    for start, end in pairwise(bounds):
        while start < end:
            length = min(end - start, 1 << (_WIDTHS[-1] + 1))
            choice = next(place for place, width in enumerate(_WIDTHS) if length <= 1 << (width + 1))
            run = (_bits(1, 1), _bits(choice, 2), _bits(length - 1, _WIDTHS[choice] + 1), _bits(int(values[start]), 8))
            parts += run
            start += length
    packed: list[int] = np.packbits(np.concatenate(parts)).tolist()
    return packed


def _bits(value: int, width: int) -> NDArray[np.uint8]:
    return np.array([(value >> (width - 1 - place)) & 1 for place in range(width)], np.uint8)


class _Bits:
    """A stream of bits, the greatest of a number first."""

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._bits = bits
        self._at = 0

    def take(self, width: int) -> int:
        """The next number."""
        return int("".join(map(str, self._next(width).tolist())), 2)

    def values(self, count: int) -> NDArray[np.uint8]:
        """So many bytes."""
        return np.packbits(self._next(8 * count))

    def _next(self, width: int) -> NDArray[np.uint8]:
        found = self._bits[self._at : self._at + width]
        if found.size < width:
            raise ValueError("run lengths that break off")
        self._at += width
        return found
