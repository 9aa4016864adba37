"""The outline of a mask as polygons along the edges of its pixels, so that filling them gives the mask back."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.regions import Region
from steelsight.imaging.rle import Runs, decode_runs

Ring = list[tuple[int, int]]
"""Corners (x, y) of a closed line, the first not repeated; the pixel in column x and row y covers x to x + 1, y to y + 1."""


def region_polygons(runs: Runs, regions: Sequence[Region], size: tuple[int, int]) -> list[list[Ring]]:
    """The rings of each region of a class: its outline, then its holes.

    Outlines go clockwise on the screen, where y points down, and holes the other way round. Pixels that touch by a corner
    alone are one region, as in `find_regions`; its outline passes that corner twice. The area inside the outline less that
    of the holes is the region's.

    Args:
        runs: mask of the class.
        regions: all of the class, as `find_regions` gave them.
        size: height and width of the image.
    """
    if not regions:
        return []
    left, top = min(one.left for one in regions), min(one.top for one in regions)
    right = max(one.left + one.width for one in regions)
    bottom = max(one.top + one.height for one in regions)
    part = np.ascontiguousarray(decode_runs(runs, size)[top:bottom, left:right])
    traced = _trace(part)
    # no two connected parts share a box: both would have to cross it from side to side
    outlines = {_box(one.corners, left, top): one for one in traced if not one.is_hole}
    found = [[outlines[one.left, one.top, one.width, one.height]] for one in regions]
    if holes := [one for one in traced if one.is_hole]:
        labels = cv2.connectedComponents(part.view(np.uint8), connectivity=8)[1]
        region_of = {int(labels[one.beside]): rings for rings in found for one in rings}
        for hole in holes:
            region_of[int(labels[hole.beside])].append(hole)
    return [[[(left + x, top + y) for x, y in one.corners] for one in rings] for rings in found]


class _Traced(NamedTuple):
    """A closed line, whether it is that of a hole, and row and column of a set pixel beside it."""

    corners: Ring
    is_hole: bool
    beside: tuple[int, int]


def _box(corners: Ring, left: int, top: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the box around a line that is shifted by left and top."""
    x, y = [x for x, _ in corners], [y for _, y in corners]
    return left + min(x), top + min(y), max(x) - min(x), max(y) - min(y)


def _trace(mask: NDArray[np.bool_]) -> list[_Traced]:
    """Every closed line around set pixels, which lie to its right, from top to bottom.

    The corners of all lines pair up along each row of pixel corners, and along each column: an edge runs from the first to
    the second, from the third to the fourth, and so on. Rows and columns in turn lead round a line.
    """
    padded = np.pad(mask, 1).view(np.int8)
    nw, ne, sw, se = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    count = nw + ne + sw + se
    touching = (count == 2) & (nw == se)  # by a corner alone: lines pass here twice
    at = np.flatnonzero((count & 1).view(np.bool_) | touching)
    at = np.repeat(at, 1 + touching.ravel()[at])
    y, x = np.divmod(at, count.shape[1])
    second = np.zeros(at.size, np.bool_)
    second[1:] = at[1:] == at[:-1]
    # of a double corner, the first ends the edge from the left, and the second begins the one to the right. Pixels that touch
    # stay together where the first goes on below and the second above, if they lie upper left and lower right, else the
    # other way round
    falling = touching[y, x] & (nw[y, x] == 1)
    along_row = _partners(np.arange(at.size))
    along_column = _partners(np.lexsort((second ^ falling, y, x)))
    corners, below = list(zip(x.tolist(), y.tolist(), strict=True)), se[y, x].tolist()
    found: list[_Traced] = []
    seen = bytearray(at.size)
    for first in range(at.size):
        if seen[first]:
            continue
        # the topmost edge of a line leads to the right: below it are the set pixels of an outline, above it those of a hole
        is_hole = not below[first]
        one = along_row[first] if is_hole else first
        ring: Ring = []
        while not seen[one]:
            other = along_row[one]
            seen[one] = seen[other] = 1
            ring += (corners[one], corners[other])
            one = along_column[other]
        column, row = corners[first]
        found.append(_Traced(ring, is_hole, (row - is_hole, column)))
    return found


def _partners(order: NDArray[np.intp]) -> list[int]:
    """The other end of the edge that each corner is an end of, corners in their order along rows or columns."""
    partner = np.empty(order.size, np.intp)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    found: list[int] = partner.tolist()
    return found
