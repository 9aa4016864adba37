"""The outline of a mask as polygons along the edges of its pixels, so that filling them gives the mask back."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.regions import Region
from steelsight.rle import Runs, decode_runs

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
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(part.view(np.uint8), connectivity=8)
    # no two connected parts share a box: both would have to cross it from side to side
    label_of = {(left + x, top + y, w, h): label for label, (x, y, w, h, _) in enumerate(boxes.tolist()) if label}
    rings_of: dict[int, list[Ring]] = {label: [] for label in label_of.values()}
    for ring, label in _rings(labels):
        rings_of[label].append([(left + x, top + y) for x, y in ring])
    found = [rings_of[label_of[one.left, one.top, one.width, one.height]] for one in regions]
    return [sorted(rings, key=ring_area, reverse=True) for rings in found]


def ring_area(ring: Ring) -> int:
    """Area in pixels inside a ring; negative where it goes anticlockwise on the screen, as holes do.

    >>> ring_area([(0, 0), (2, 0), (2, 1), (0, 1)])
    2
    """
    x, y = np.array(ring, np.int64).T
    return int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) // 2


def _rings(labels: NDArray[np.int32]) -> list[tuple[Ring, int]]:
    """Every closed line around labelled pixels, which lie to its right, with their label.

    The corners of all lines pair up along each row of pixel corners, and along each column: an edge runs from the first to
    the second, from the third to the fourth, and so on. Rows and columns in turn lead round a line.
    """
    padded = np.pad(labels, 1)
    mask = (padded > 0).astype(np.int8)
    nw, ne, sw, se = mask[:-1, :-1], mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]
    count = nw + ne + sw + se
    touching = (count == 2) & (nw == se)  # by a corner alone: lines pass here twice
    y, x = np.nonzero((count == 1) | (count == 3) | touching)
    times = 1 + touching[y, x]
    y, x = np.repeat(y, times), np.repeat(x, times)
    second = np.zeros(y.size, np.bool_)
    second[1:] = (y[1:] == y[:-1]) & (x[1:] == x[:-1])
    # of a double corner, the first ends the edge from the left, and the second begins the one to the right. Pixels that touch
    # stay together where the first goes on below and the second above, if they lie upper left and lower right, else the
    # other way round
    falling = touching[y, x] & (nw[y, x] == 1)
    along_row = _partners(np.arange(y.size))
    along_column = _partners(np.lexsort((second ^ falling, y, x)))
    corners, below, above = list(zip(x.tolist(), y.tolist(), strict=True)), padded[y + 1, x + 1], padded[y, x + 1]
    found: list[tuple[Ring, int]] = []
    seen = bytearray(y.size)
    for first in range(y.size):
        if seen[first]:
            continue
        # the row's edge from here has labelled pixels on one side; they shall be on the right
        at = first if below[first] else along_row[first]
        ring: Ring = []
        while not seen[at]:
            other = along_row[at]
            seen[at] = seen[other] = 1
            ring += (corners[at], corners[other])
            at = along_column[other]
        found.append((ring, int(max(below[first], above[first]))))
    return found


def _partners(order: NDArray[np.intp]) -> list[int]:
    """The other end of the edge that each corner is an end of, corners in their order along rows or columns."""
    partner = np.empty(order.size, np.intp)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    found: list[int] = partner.tolist()
    return found
