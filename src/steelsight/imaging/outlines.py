"""The outlines of a mask along the edges of its pixels: polygons that, filled, are the mask again, pixel for pixel."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.int64]
"""Corners of a closed polygon, int64 (n, 2): x and y between pixels; the first pixel reaches from 0 to 1."""

_RIGHT, _DOWN, _LEFT, _UP = range(4)
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Outline:
    """One connected part of a mask; pixels that touch at a corner alone are of two parts.

    Attributes:
        outer: its edge, clockwise as one sees it.
        holes: the edges of what is missing inside, counter-clockwise.
        pixels: bool (h, w), the part within the box around it.
    """

    outer: Corners
    holes: tuple[Corners, ...]
    pixels: NDArray[np.bool_]

    @property
    def corner(self) -> tuple[int, int]:
        """Left and top of the box around it."""
        left, top = self.outer.min(axis=0).tolist()
        return left, top


def outlines(mask: NDArray[np.bool_]) -> list[Outline]:
    """The outlines of a mask (H, W), part by part, in the order of their first pixels.

    >>> [outline.outer.tolist() for outline in outlines(np.array([[0, 1, 1]], bool))]
    [[[1, 0], [3, 0], [3, 1], [1, 1]]]
    """
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    edges = _edges(mask)
    outer: dict[int, Corners] = {}
    holes: dict[int, list[Corners]] = {}
    while edges:
        start = next(iter(edges))
        ring, inside = _ring(edges, start)
        part = int(parts[inside])
        if _is_clockwise(ring):
            outer[part] = ring
        else:
            holes.setdefault(part, []).append(ring)
    return [Outline(outer[part], tuple(holes.get(part, ())), _box(parts, part, outer[part])) for part in sorted(outer)]


def one_ring(outline: Outline) -> Corners:
    """An outline as one closed polygon: each hole is joined to the edge by a cut without width, there and back, so that a
    fill by parity, or by winding, leaves the hole open.

    >>> ring = np.ones((3, 3), bool); ring[1, 1] = False
    >>> len(one_ring(outlines(ring)[0]))
    10
    """
    ring = outline.outer
    for hole in sorted(outline.holes, key=lambda one: one.min(axis=0).tolist()):
        apart = ((ring[:, None, :] - hole[None, :, :]) ** 2).sum(axis=2)
        at, of = np.unravel_index(int(apart.argmin()), apart.shape)
        ring = np.concatenate([ring[: at + 1], hole[of:], hole[: of + 1], ring[at:]])
    return ring


def _box(parts: NDArray[np.int32], part: int, ring: Corners) -> NDArray[np.bool_]:
    left, top = ring.min(axis=0)
    right, bottom = ring.max(axis=0)
    return np.asarray(parts[top:bottom, left:right] == part)


_Edges = dict[tuple[int, int], list[int]]
"""Of each corner, the directions of the edges that leave it, with the mask to the right."""


def _edges(mask: NDArray[np.bool_]) -> _Edges:
    padded = np.pad(mask, 1)
    centre = padded[1:-1, 1:-1]
    found: _Edges = {}
    bounds = (
        (_RIGHT, centre & ~padded[:-2, 1:-1], (0, 0)),
        (_DOWN, centre & ~padded[1:-1, 2:], (1, 0)),
        (_LEFT, centre & ~padded[2:, 1:-1], (1, 1)),
        (_UP, centre & ~padded[1:-1, :-2], (0, 1)),
    )
    for direction, there, (right, down) in bounds:
        for y, x in np.argwhere(there).tolist():
            found.setdefault((x + right, y + down), []).append(direction)
    return found


def _ring(edges: _Edges, start: tuple[int, int]) -> tuple[Corners, tuple[int, int]]:
    """Take one closed ring of edges away: its corners, and a pixel (row, column) to its right. Where two parts touch at a
    corner, the ring turns right, and stays with its own."""
    first = direction = edges[start][0]
    x, y = at = start
    inside = {_RIGHT: (y, x), _DOWN: (y, x - 1), _LEFT: (y - 1, x - 1), _UP: (y - 1, x)}[direction]
    corners: list[tuple[int, int]] = []
    before: int | None = None
    while True:
        if direction != before:
            corners.append(at)
        edges[at].remove(direction)
        if not edges[at]:
            del edges[at]
        before, at = direction, (at[0] + _STEPS[direction][0], at[1] + _STEPS[direction][1])
        leaving = edges.get(at, [])
        # back at the start, and what would follow is the edge that it began with
        turns = [(before + turn) % 4 for turn in (1, 0, 3)]
        if at == start and next(one for one in turns if one in (*leaving, first)) == first:
            break
        direction = next(one for one in turns if one in leaving)
    if before == first:
        corners = corners[1:]  # it began in the middle of a side
    return np.array(corners, np.int64), inside


def _is_clockwise(ring: Corners) -> bool:
    x, y = ring.T
    return bool((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0)
