"""The outline of a mask as polygons along the edges of its pixels, so that filling them gives the mask back."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.regions import Region
from steelsight.imaging.rle import Runs

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
    traced = _trace(runs, size[0])
    rings = [[one.corners] for one in traced]
    for one in traced:
        if one.is_hole:
            rings[one.outline].append(one.corners)
    # no two connected parts share a box: both would have to cross it from side to side
    outlines = {one.box: rings[one.outline] for one in traced if not one.is_hole}
    return [outlines[one.left, one.top, one.width, one.height] for one in regions]


class _Traced(NamedTuple):
    """A closed line, the box around it (left, top, width, height), whether it is that of a hole, and the place, among all
    lines, of the outline of its region."""

    corners: Ring
    box: tuple[int, int, int, int]
    is_hole: bool
    outline: int


def _trace(runs: Runs, height: int) -> list[_Traced]:
    """Every closed line around set pixels, which lie to its right, from top to bottom.

    The corners of all lines pair up along each row of pixel corners, and along each column: an edge runs from the first to
    the second, from the third to the fourth, and so on. Rows and columns in turn lead round a line.
    """
    pieces = _by_column(runs, height)
    x, y, turn, below = _corners(pieces)
    edges = np.arange(x.size // 2)  # along rows; below those that lead to the right there are set pixels
    last = 2 * edges + below
    next_edge = (_partners(np.lexsort((turn, y, x)))[last] // 2).tolist()
    order: list[int] = []
    begins: list[int] = []  # of each line in that order: at the topmost of its edges, of these the leftmost
    line_of = [-1] * edges.size
    for first in range(edges.size):
        if line_of[first] >= 0:
            continue
        edge, line = first, len(begins)
        begins.append(len(order))
        while line_of[edge] < 0:
            line_of[edge] = line
            order.append(edge)
            edge = next_edge[edge]
    along = np.stack([2 * edges + ~below, last], axis=1)[order].ravel()
    corners = list(zip(x[along].tolist(), y[along].tolist(), strict=True))
    starts = 2 * np.array(begins, np.intp)
    boxes = _boxes(x[along], y[along], starts)
    firsts = np.array(order, np.intp)[begins]
    outlines = _outlines(x, y, 2 * firsts[~below[firsts]], np.flatnonzero(~below[firsts]).tolist(), line_of, pieces)
    return [
        _Traced(corners[start:end], boxes[line], line in outlines, outlines.get(line, line))
        for line, (start, end) in enumerate(pairwise([*starts.tolist(), len(corners)]))
    ]


def _outlines(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    firsts: NDArray[np.intp],
    holes: Sequence[int],
    line_of: Sequence[int],
    pieces: "_Pieces",
) -> dict[int, int]:
    """Of each hole, the outline of its region: the line above the pixels that lie above it. That may be another hole, which
    then begins further up.

    Args:
        firsts: the topmost corner of each hole, of these the leftmost.
        line_of: the line of each edge along a row.
    """
    if not holes:
        return {}
    height, width = int(pieces.bottom.max()) + 1, int(x.max()) + 1
    above = np.searchsorted(pieces.column * height + pieces.bottom, x[firsts] * height + y[firsts])
    corners = np.searchsorted(y * width + x, pieces.top[above] * width + x[firsts], side="right") - 1
    found: dict[int, int] = {}
    for hole, edge in zip(holes, (corners // 2).tolist(), strict=True):
        found[hole] = found.get(line_of[edge], line_of[edge])
    return found


def _corners(
    pieces: "_Pieces",
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Column and row of every corner, from top to bottom; of those in one place, which comes first along a column; and
    whether the pixels below are set of every second one, from which an edge leads to the right.

    An end of a run within its column is an edge between two pixels. What the edges of two columns beside each other have in
    common goes on straight; what one of them has alone is a corner. Where one is the first pixel of a run and the other comes
    after the last of one, pixels touch by a corner alone: lines pass there twice, and so the corner stands there twice.
    """
    column, top, bottom = pieces
    columns, rows = np.concatenate([column, column]), np.concatenate([top, bottom])
    begins = np.arange(rows.size) < top.size
    width = int(column[-1]) + 2 if column.size else 1
    keys = rows * width + columns
    order = np.argsort(np.concatenate([keys + 1, keys]), kind="stable")  # the column to the left of a corner first
    keys, begins = np.concatenate([keys + 1, keys])[order], np.concatenate([begins, begins])[order]
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    straight = twice[begins[twice] == begins[twice + 1]]
    touching = twice[begins[twice] != begins[twice + 1]]
    # of a double corner, the first ends the edge from the left, and the second begins the one to the right. Pixels that touch
    # stay together where the first goes on below and the second above, if they lie upper left and lower right, else the
    # other way round
    falling = begins[touching + 1]
    turn = np.zeros(keys.size, np.bool_)
    turn[touching], turn[touching + 1] = falling, ~falling
    begins[touching] = falling
    kept = np.ones(keys.size, np.bool_)
    kept[straight] = kept[straight + 1] = False
    y, x = np.divmod(keys[kept], width)
    return x, y, turn[kept], begins[kept][::2]


class _Pieces(NamedTuple):
    """Runs that end with their column, column by column: the column, the first row, and the row after the last."""

    column: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]


def _by_column(runs: Runs, height: int) -> _Pieces:
    """The longest runs, cut where columns end."""
    apart = runs.starts[1:] != runs.ends[:-1]
    starts = runs.starts[np.concatenate([[True], apart])[: runs.starts.size]]
    ends = runs.ends[np.concatenate([apart, [True]])[: runs.starts.size]]
    first = starts // height
    pieces = (ends - 1) // height - first + 1
    of_run = np.repeat(np.arange(starts.size), pieces)
    column = first[of_run] + np.arange(of_run.size) - (np.cumsum(pieces) - pieces)[of_run]
    above = column * height
    return _Pieces(column, np.maximum(starts[of_run] - above, 0), np.minimum(ends[of_run] - above, height))


def _boxes(x: NDArray[np.int64], y: NDArray[np.int64], begins: NDArray[np.intp]) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the box around each line; the corners of lines one after another."""
    left, top = np.minimum.reduceat(x, begins), np.minimum.reduceat(y, begins)
    width, height = np.maximum.reduceat(x, begins) - left, np.maximum.reduceat(y, begins) - top
    return list(zip(left.tolist(), top.tolist(), width.tolist(), height.tolist(), strict=True))


def _partners(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The other end of the edge that each corner is an end of, corners in their order along columns."""
    partner = np.empty(order.size, np.intp)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return partner
