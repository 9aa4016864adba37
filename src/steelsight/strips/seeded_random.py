"""Chance that depends on a seed and a place alone, and fields of it that come out the same on every processor.

Whatever fills pixels is whole numbers until it is a table look-up or a single float32 operation of numpy: OpenCV's
float filters and library sines may differ in the last bit from one processor to another.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Whole = TypeVar("Whole", np.uint8, np.uint16)

SURFACE, DEFECTS, LIGHT, NOISE, TWIN, COIL, LABELS = range(7)
"""What a stream of chance is for: each has its own, so that one can be left out without changing another."""

NORMAL: NDArray[np.float64] = np.array([-NormalDist().inv_cdf(1 - (byte + 0.5) / 256) for byte in range(256)]).round(9)
"""Numbers of a normal distribution for the 256 bytes of plain chance."""

_TURN = 4096
_SINE = np.rint(np.sin(np.arange(_TURN) * (2 * np.pi / _TURN)) * (1 << 20)) / (1 << 20)


def stream(seed: int, *place: int) -> np.random.Generator:
    """The chance of one place: the same whatever was drawn before it, or beside it."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *place])))


def pick(random: np.random.Generator, quantiles: Sequence[float]) -> float:
    """Draw a number whose distribution has these quantiles, evenly spaced from 0 to 1.

    >>> 2 <= pick(stream(1), (2, 3, 10)) <= 10
    True
    """
    place = random.random() * (len(quantiles) - 1)
    step = min(int(place), len(quantiles) - 2)
    return float(quantiles[step] + (place - step) * (quantiles[step + 1] - quantiles[step]))


def chosen(random: np.random.Generator, weights: Sequence[float]) -> int:
    """Draw an index in proportion to its weight."""
    place = random.random() * sum(weights)
    for index, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return index
    return len(weights) - 1


def sine(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sine of an angle in turns, rounded so that every processor has the same.

    >>> sine(np.array([0.0, 0.25])).tolist()
    [0.0, 1.0]
    """
    return np.asarray(_SINE[np.rint(turns * _TURN).astype(np.int64) % _TURN], np.float64)


def field(random: np.random.Generator, size: tuple[int, int], cell: tuple[float, float]) -> Field:
    """Smooth chance, float32 of `size`, mean 0 and deviation about 1; `cell` is how far it reaches down and across."""
    part = waves(random, size, cell).astype(np.float32)
    part -= np.float32(127.5)
    part *= np.float32(1 / _deviation(cell))
    return part


def waves(random: np.random.Generator, size: tuple[int, int], cell: tuple[float, float]) -> Bytes:
    """A `field` before it is scaled: bytes around 127, which are quicker to make and to move."""
    (height, width), (down, across) = size, _whole(cell)
    nodes = random.integers(0, 256, (height // down + 3, width // across + 3), np.uint8)
    return _between(random, nodes, size, (down, across))


def _whole(cell: tuple[float, float]) -> tuple[int, int]:
    return max(1, round(cell[0])), max(1, round(cell[1]))


def _deviation(cell: tuple[float, float]) -> float:
    """Of `waves`: interpolation between nodes leaves two thirds of a variance."""
    down, across = _whole(cell)
    return 73.9 * (0.8165 if down > 1 else 1.0) * (0.8165 if across > 1 else 1.0)


def _between(
    random: np.random.Generator, nodes: NDArray[Whole], size: tuple[int, int], cell: tuple[int, int]
) -> NDArray[Whole]:
    """Interpolate between nodes, from a place within the first cell."""
    (height, width), (down, across) = size, cell
    top, left = int(random.integers(down)) + down // 2, int(random.integers(across)) + across // 2
    if down > 1 or across > 1:
        wide = (nodes.shape[1] * across, nodes.shape[0] * down)
        nodes = cv2.resize(nodes, wide, interpolation=cv2.INTER_LINEAR_EXACT)
    return nodes[top : top + height, left : left + width]


def profile(random: np.random.Generator, length: int, reach: float) -> Field:
    """Smooth chance along a line, float32 (length,), mean 0 and deviation about 1."""
    cell = _whole((1, reach))
    nodes = random.integers(0, 1 << 16, (1, length // cell[1] + 3), np.uint16)
    line = _between(random, nodes, (1, length), cell)[0].astype(np.float32)
    return np.asarray((line - np.float32(32767.5)) * np.float32(1 / (256 * _deviation(cell))), np.float32)


def speckle(random: np.random.Generator, size: tuple[int, int], down: float, across: float) -> Bytes:
    """Blurred bytes of chance around 127; `down` and `across` are the deviations of the blur in pixels."""
    raw = np.frombuffer(random.bytes(size[0] * size[1]), np.uint8).reshape(size)
    if down < 0.35 and across < 0.35:
        return raw
    return np.asarray(cv2.GaussianBlur(raw, (0, 0), sigmaX=max(across, 0.2), sigmaY=max(down, 0.2)), np.uint8)


def spread(down: float, across: float) -> float:
    """About the deviation of `speckle`, in its own units."""
    return float(73.9 / ((1 + (3.545 * down) ** 2) * (1 + (3.545 * across) ** 2)) ** 0.25)


def looked_up(speckles: Bytes, table: NDArray[np.floating]) -> Field:
    """The value of a table of 256 for every byte."""
    return np.asarray(cv2.LUT(speckles, table.astype(np.float32)), np.float32)


def scores(down: float, across: float) -> NDArray[np.floating]:
    """How many deviations from its mean each of the 256 bytes of a `speckle` lies."""
    return (np.arange(256) - 127.0) / spread(down, across)
