"""Connected defects: each region of a mask, where it lies, how large it is and how sure the networks are of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.columns import Columns
from steelsight.imaging.rle import Runs


@dataclass(frozen=True)
class Region:
    """One connected defect, in pixels of the original image.

    Attributes:
        class_index: place of its class among the class names.
        left, top, width, height: of the smallest box around it; left and top count from 0.
        area: number of its pixels.
        probability: mean probability of its class over its pixels, in [0, 1].
    """

    class_index: int
    left: int
    top: int
    width: int
    height: int
    area: int
    probability: float


def strength(region: Region) -> float:
    """The sum of its probabilities: how many of its pixels can be expected to be defective.

    >>> strength(Region(0, 0, 0, 4, 5, 20, 0.25))
    5.0
    """
    return region.area * region.probability


@dataclass(frozen=True, eq=False)
class RegionRuns:
    """The runs of a mask, none longer than a column, each with the connected region that it is part of.

    Areas, boxes and means all come from the runs: pixels are looked at once, to find these.

    Attributes:
        columns, tops, lengths: int64 (n,), of each run, in column-major order.
        sums, peaks: int64 (n,), of the map's levels over each run, and the greatest of them.
        regions: int64 (n,), number of its region; each of 0 to the greatest has a run.
        height: of the map.
    """

    columns: NDArray[np.int64]
    tops: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sums: NDArray[np.int64]
    peaks: NDArray[np.int64]
    regions: NDArray[np.int64]
    height: int

    @classmethod
    def of(cls, columns: Columns, mask: NDArray[np.bool_]) -> Self:
        """Find runs and regions.

        Args:
            mask: bool, of the shape of `columns.levels`, false where these part columns.
        """
        flat = mask.ravel()
        bounds = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # even in number: the last pixel is never set
        if flat[:1].any():
            bounds = np.concatenate([[0], bounds])
        if not bounds.size:
            nothing = np.empty(0, np.int64)
            return cls(nothing, nothing, nothing, nothing, nothing, nothing, columns.height)
        starts, lengths = bounds[::2], bounds[1::2] - bounds[::2]
        _, labels = cv2.connectedComponentsWithAlgorithm(mask.view(np.uint8), 8, cv2.CV_32S, cv2.CCL_BBDT)
        rows, tops = np.divmod(starts, columns.height + 1)
        levels = columns.levels.ravel()
        sums = np.add.reduceat(levels, bounds, dtype=np.uint32)[::2].astype(np.int64)
        peaks = np.maximum.reduceat(levels, bounds)[::2].astype(np.int64)
        regions = labels.ravel()[starts].astype(np.int64) - 1
        return cls(columns.places[rows], tops, lengths, sums, peaks, regions, columns.height)

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_], map_: NDArray[np.uint8] | None = None) -> Self:
        """Those of any mask, bool (height, width), with the sums of a map of its size; without one, sums count pixels."""
        wanted: NDArray[np.bool_] = np.any(mask, axis=0)
        drawn = Columns.of(mask.view(np.uint8), wanted)
        return cls.of(drawn if map_ is None else Columns.of(map_, wanted), drawn.levels.view(np.bool_))

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """int64 (regions,): number of pixels."""
        return np.bincount(self.regions, weights=self.lengths).astype(np.int64)

    def strengths(self) -> list[tuple[int, int, int]]:
        """Of each region the sum of its levels, the greatest of them, and its first pixel, counted from 0 down the columns:
        no two regions have the same."""
        if not self.regions.size:
            return []
        order = np.argsort(self.regions, kind="stable")
        firsts = np.flatnonzero(np.diff(self.regions[order], prepend=-1))
        sums, peaks = np.add.reduceat(self.sums[order], firsts), np.maximum.reduceat(self.peaks[order], firsts)
        begins = (self.columns * self.height + self.tops)[order[firsts]]
        return list(zip(sums.tolist(), peaks.tolist(), begins.tolist(), strict=True))

    @cached_property
    def _boxes(self) -> tuple[NDArray[np.int64], ...]:
        """First and last column, first row and the one after the last, of each region."""
        order = np.argsort(self.regions, kind="stable")  # within a region columns still ascend
        firsts = np.flatnonzero(np.diff(self.regions[order], prepend=-1))
        lasts = np.append(firsts[1:], order.size) - 1
        columns, tops, ends = self.columns[order], self.tops[order], (self.tops + self.lengths)[order]
        return columns[firsts], np.minimum.reduceat(tops, firsts), columns[lasts], np.maximum.reduceat(ends, firsts)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Some of the regions.

        Args:
            chosen: bool (regions,).
        """
        kept = chosen[self.regions]
        numbers = np.cumsum(chosen) - 1
        return replace(
            self,
            columns=self.columns[kept],
            tops=self.tops[kept],
            lengths=self.lengths[kept],
            sums=self.sums[kept],
            peaks=self.peaks[kept],
            regions=numbers[self.regions[kept]],
        )

    def runs(self) -> Runs:
        """The longest runs of the mask at the image's own size, as `steelsight.imaging.rle.encode_mask` finds them."""
        starts = self.columns * self.height + self.tops
        ends = starts + self.lengths
        apart = starts[1:] != ends[:-1]  # else the run goes on at the top of the next column
        starts = starts[np.concatenate([[True], apart])[: starts.size]]
        return Runs(starts, ends[np.concatenate([apart, [True]])[: ends.size]] - starts)

    def describe(self, class_index: int) -> tuple[Region, ...]:
        """The regions from left to right, those of one left side from top to bottom."""
        if not self.regions.size:
            return ()
        left, top, right, bottom = self._boxes
        order = np.lexsort((top, left))
        sums = np.bincount(self.regions, weights=self.sums)
        described = np.stack([left, top, right + 1 - left, bottom - top, self.areas], axis=1)[order].tolist()
        return tuple(
            Region(class_index, x, y, width, height, area, round(total / area / 255, 6))
            for (x, y, width, height, area), total in zip(described, sums[order].tolist(), strict=True)
        )


def find_regions(class_index: int, mask: NDArray[np.bool_], map_: NDArray[np.uint8]) -> tuple[Region, ...]:
    """The connected parts of a mask (pixels that touch by a side or a corner), from left to right.

    Args:
        mask: bool (height, width).
        map_: uint8 (height, width), probability times 255.

    >>> mask = np.array([[1, 0, 0, 1], [1, 0, 0, 0]], bool)
    >>> for region in find_regions(2, mask, np.full((2, 4), 204, np.uint8)):
    ...     print(region)
    Region(class_index=2, left=0, top=0, width=1, height=2, area=2, probability=0.8)
    Region(class_index=2, left=3, top=0, width=1, height=1, area=1, probability=0.8)
    """
    return RegionRuns.of_mask(mask, map_).describe(class_index)
