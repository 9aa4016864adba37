"""The columns of a map that hold anything above a level: most of a strip holds nothing, and is not looked at again."""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.combine import round_levels

_GAP = 32  # columns: to copy fewer that hold nothing takes less time than to begin anew after them


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of one class's map, from left to right.

    Attributes:
        levels: uint8 (n, height + 1), a column of the map in each row, probability times 255. Each ends with a 0, and rows
            of 0 part columns that are no neighbours: what touches here touches in the map, and no run passes from one
            column into the next.
        places: int64 (n,), the column of the map that each is; of a row that parts others, some column.
        height: of the map.
    """

    levels: NDArray[np.uint8]
    places: NDArray[np.int64]
    height: int

    @classmethod
    def above(cls, map_: NDArray[Any], level: int, counted: NDArray[np.bool_] | None = None) -> Self:
        """The columns with a pixel above a level, and some that lie between them.

        Args:
            map_: (height, width), uint8, or float32 that is still to be rounded to 8 bit, which is used up.
            level: 0..255.
            counted: bool (height, width), outside of which the map is 0; None: it is as it is.
        """
        greatest = map_.max(axis=0)
        if greatest.dtype != np.uint8:
            greatest = round_levels(greatest)
        return cls.of(map_, greatest > level, counted)

    @classmethod
    def of(cls, map_: NDArray[Any], wanted: NDArray[np.bool_], counted: NDArray[np.bool_] | None = None) -> Self:
        """The wanted columns, and some that lie between them; see `above`.

        Args:
            wanted: bool (width,).
        """
        height = map_.shape[0]
        stretches = _stretches(wanted)
        levels = np.zeros((sum(end - start + 1 for start, end in stretches), height + 1), np.uint8)
        places = np.zeros(len(levels), np.int64)
        at = 0
        for start, end in stretches:
            part = map_[:, start:end]
            if part.dtype != np.uint8:
                part = round_levels(part)
            if counted is not None:
                part = part * counted[:, start:end]
            levels[at : at + end - start, :height] = cv2.transpose(part)
            places[at : at + end - start] = np.arange(start, end)
            at += end - start + 1
        return cls(levels, places, height)

    def count_above(self, level: int) -> int:
        """Number of pixels above a level."""
        return int(np.count_nonzero(self.levels > level))


def _stretches(wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last of the columns that are copied in one go."""
    columns = np.flatnonzero(wanted)
    if not columns.size:
        return []
    parted = np.flatnonzero(np.diff(columns) > _GAP)
    starts = columns[np.concatenate([[0], parted + 1])].tolist()
    ends = (columns[np.concatenate([parted, [columns.size - 1]])] + 1).tolist()
    return list(zip(starts, ends, strict=True))
