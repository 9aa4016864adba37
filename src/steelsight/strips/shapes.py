"""Outlines as masks: blobs with rough edges, and ribbons along a wandering line. Corners are whole pixels, so that a
shape is the same everywhere."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.strips.seeded_random import Bytes, field, profile, sine


@dataclass(frozen=True)
class Shape:
    """A mask at a place.

    Attributes:
        top, left: of the mask within the surface; it may reach beyond it.
        mask: uint8 (height, width), 1 inside.
        middle: int64 (height,), for a ribbon: the column of its middle line in each row of the mask.
    """

    top: int
    left: int
    mask: Bytes
    middle: NDArray[np.int64] | None = None

    @property
    def area(self) -> int:
        return int(cv2.countNonZero(self.mask))

    def within(self, size: tuple[int, int]) -> tuple[slice, slice, slice, slice]:
        """Rows and columns of the surface that it covers, then the same of its own mask."""
        (height, width), (rows, columns) = size, self.mask.shape
        top, bottom = max(0, self.top), max(0, min(height, self.top + rows))
        left, right = max(0, self.left), max(0, min(width, self.left + columns))
        own = slice(top - self.top, max(top, bottom) - self.top), slice(left - self.left, max(left, right) - self.left)
        return slice(top, max(top, bottom)), slice(left, max(left, right)), *own


def blob(random: np.random.Generator, centre: tuple[float, float], area: float, tall: float, rough: float) -> Shape:
    """A closed shape of about `area` pixels; `tall` is height over width, `rough` the share by which its edge wanders."""
    corners = 48
    radius = (area / np.pi) ** 0.5
    turns = np.arange(corners) / corners
    wander = np.zeros(corners)
    for waves in (2, 3, 5, 8, 13):
        wander += sine(turns * waves + random.random()) * (random.random() / waves**0.5)
    reach = radius * np.maximum(1 + rough * wander, 0.2) / (1 + rough * rough * 0.3) ** 0.5
    points = np.stack([sine(turns + 0.25) * reach * tall**-0.5, sine(turns) * reach * tall**0.5], 1)
    low = np.floor(points.min(0)).astype(np.int64) - 1
    extent = np.ceil(points.max(0)).astype(np.int64) - low + 2
    mask = np.zeros((int(extent[1]), int(extent[0])), np.uint8)
    cv2.fillPoly(mask, [np.rint(points - low).astype(np.int32)], 1)
    return Shape(round(centre[0]) + int(low[1]), round(centre[1]) + int(low[0]), mask)


def ribbon(
    random: np.random.Generator, top: float, left: float, length: int, width: float, lean: float, wander: float
) -> Shape:
    """A band down the strip from (top, left); `lean` is columns a row, `wander` pixels. It narrows towards its ends."""
    rows = np.arange(length)
    path = lean * (rows - length / 2) + wander * profile(random, length, max(8, length / 4)).astype(np.float64)
    path += 0.25 * wander * profile(random, length, 6).astype(np.float64)
    ragged = min(0.22 * width, 1.5 + 0.03 * width)
    sides = path[None, :] + np.array([[-0.5], [0.5]]) * width
    for side in sides:
        side += ragged * 0.6 * profile(random, length, max(6, length / 5)).astype(np.float64)
        side += ragged * 0.3 * profile(random, length, 4).astype(np.float64)
    end = np.minimum(1, 0.3 + np.minimum(rows, length - 1 - rows) / max(1.0, min(0.12 * length, 0.7 * width)))
    sides = path + (sides - path) * end
    first, last = np.rint(sides[0]).astype(np.int64), np.rint(sides[1]).astype(np.int64)
    low = int(first.min())
    columns = np.arange(int(last.max()) - low + 1)[None, :]
    mask = (columns >= (first - low)[:, None]) & (columns < np.maximum(last - low, first - low + 1)[:, None])
    middle = np.clip(np.rint(path).astype(np.int64) - low, 0, columns.size - 1)
    return Shape(round(top), round(left) + low, mask.view(np.uint8), middle)


def torn(random: np.random.Generator, shape: Shape, reach: float) -> Shape:
    """The shape with its edge torn: bites are taken where chance says so, mostly near the edge."""
    mask = shape.mask
    rows, columns = mask.shape
    room = cv2.blur(mask * np.uint8(255), (2 * max(1, round(reach * 2)) + 1,) * 2, borderType=cv2.BORDER_CONSTANT)
    bites = field(random, (rows, columns), (reach, reach))
    left = mask & (room.astype(np.float32) > 140 + 55 * bites).astype(np.uint8)
    return Shape(shape.top, shape.left, left if left.any() else mask)
