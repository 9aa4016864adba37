"""What is white in a 16-bit image: cameras have 10, 12 or 14 bits, and files of 16 are what these are kept in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of cameras."""

_LEAST_SHOWN = 10  # what a covered camera sees is not made bright for a person


def depth_of(largest: int) -> int:
    """The fewest bits of a camera that hold a value of a 16-bit image.

    >>> [depth_of(value) for value in (0, 255, 256, 1023, 3000, 4095, 4096, 16384, 65535)]
    [8, 8, 10, 10, 12, 12, 14, 16, 16]
    """
    return next(bits for bits in DEPTHS if largest < 1 << bits)


def white(dtype: np.dtype[Any], bits: int | None = None) -> int:
    """The value of white: that of its kind, but 2^bits - 1 in 16-bit images of so many bits.

    >>> white(np.dtype(np.uint8), 12), white(np.dtype(np.uint16), 12), white(np.dtype(np.uint16))
    (255, 4095, 65535)
    """
    return (1 << bits) - 1 if bits is not None and dtype == np.uint16 else int(np.iinfo(dtype).max)


def in_8bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """An image of 8 or 16 bit for a person to look at: of 16, the upper 8 of the bits that the image has a camera for.

    >>> in_8bit(np.array([[16, 4095]], np.uint16)).tolist(), in_8bit(np.array([[256, 65535]], np.uint16)).tolist()
    ([[1, 255]], [[1, 255]])
    """
    if pixels.dtype != np.uint16:
        return pixels.astype(np.uint8, copy=False)
    bits = max(_LEAST_SHOWN, depth_of(int(pixels.max())))
    return (pixels >> (bits - 8)).astype(np.uint8)
