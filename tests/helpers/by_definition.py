"""Masks, run lengths and regions as they are defined, pixel by pixel in plain Python: slow, and nothing of the library."""

from collections.abc import Iterator
from typing import Any

import numpy as np

Pixels = frozenset[tuple[int, int]]
"""Of (row, column)."""


def runs_of(mask: Any) -> list[tuple[int, int]]:
    """Start and length of each longest run, column after column, counted from 0."""
    found: list[tuple[int, int]] = []
    for place, is_set in enumerate(np.asarray(mask).T.ravel().tolist()):
        if is_set and found and sum(found[-1]) == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif is_set:
            found.append((place, 1))
    return found


def parts_of(mask: Any) -> Iterator[Pixels]:
    """The connected parts, in the order of their first pixels, row after row: pixels touch by a side or a corner."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    for first in sorted(left):
        if first not in left:
            continue
        left.discard(first)
        part, edge = {first}, [first]
        while edge:
            row, column = edge.pop()
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            part |= near
            edge += near
        yield frozenset(part)


def box_of(part: Pixels) -> tuple[int, int, int, int]:
    """Left, top, width and height."""
    rows, columns = zip(*part, strict=True)
    return min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1


def region_of(part: Pixels, map_: Any) -> tuple[int, int, int, int, int, float]:
    """Box, area and mean probability."""
    total = sum(int(map_[pixel]) for pixel in part)
    return (*box_of(part), len(part), round(total / len(part) / 255, 6))


def regions_of(mask: Any, map_: Any) -> list[tuple[int, int, int, int, int, float]]:
    """All of them, from left to right, then from top to bottom."""
    return [region_of(part, map_) for part in sorted(parts_of(mask), key=lambda part: box_of(part)[:2])]
