"""Masks and regions of one image, and what is suspected beside them, from the maps of its networks."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.imaging.columns import Columns
from steelsight.imaging.combine import CutAt, combined_levels, may_exceed, round_levels
from steelsight.imaging.preprocess import Image
from steelsight.imaging.regions import Region, RegionRuns
from steelsight.imaging.rle import Runs
from steelsight.rule.rule import Rule

MasksAndRegions = tuple[tuple[Runs, ...], tuple[Region, ...]]
"""The run lengths of each class, and the connected regions of all of them."""

LEAST, OF_IMAGE = 4, 2048
"""A suspected region has at least this part (one fourth) of its class's minimum area, or this part (.05 %) of the image, if
that is less: single specks are not listed, and a rule that asks for a large area does not hide where to look."""

MOST = 5
"""Suspected regions of a class that are listed, the largest ones."""


class CombinedMaps:
    """What the segmenters say together of one image, class by class: one class at a time stays in the processor's cache.

    Args:
        maps: each network's 8-bit map of the image, uint8 (classes, height, width) at its working size.
        engine: its segmenters are in the same order.
        at: where the rule cuts masks.
        counted: bool (height, width), the pixels of the image that count; the maps are 0 elsewhere. None: all of them.
        keep: whether all of them are wanted afterwards.
    """

    def __init__(
        self,
        image: Image,
        maps: Sequence[NDArray[np.uint8]],
        engine: Engine,
        at: CutAt = "image",
        *,
        counted: NDArray[np.bool_] | None = None,
        keep: bool = False,
    ) -> None:
        self._counted, self._above = counted, dict[tuple[int, int], Columns]()
        self._maps, self._combine, self._at = maps, engine.combine, at
        self._preprocesses = [network.preprocess for network in engine.segmenters]
        self.size = (image.shape[0], image.shape[1])
        self.kept = np.stack([self._make(index) for index in range(len(maps[0]))]) if keep else None
        """uint8 (classes, height, width) at the image's own size; None where they are not kept."""

    def above(self, index: int, level: int) -> Columns:
        """The columns of a class's combined map, at the image's own size, with a pixel above a level; kept."""
        if (index, level) not in self._above:
            if self.kept is not None:
                self._above[index, level] = Columns.above(self.kept[index], level)
            else:
                self._above[index, level] = Columns.above(self._levels(index), level, self._counted)
        return self._above[index, level]

    def may_exceed(self, levels: Sequence[int]) -> NDArray[np.bool_]:
        """For each class, whether a pixel of `of` can exceed its level; see `steelsight.imaging.combine.may_exceed`."""
        return may_exceed(self._maps, levels, self._combine)

    def _make(self, index: int) -> NDArray[np.uint8]:
        combined = round_levels(self._levels(index))
        return combined if self._counted is None else np.where(self._counted, combined, np.uint8(0))

    def _levels(self, index: int) -> NDArray[np.float32]:
        of_class = [map_[index : index + 1] for map_ in self._maps]
        levels: NDArray[np.float32] = combined_levels(
            of_class, self._preprocesses, self.size, self._combine, self._at, _plane(self.size)
        )[0]
        return levels


_SCRATCH = threading.local()
_MOST_HELD = 1 << 24  # pixels: 64 MB a thread


def _plane(size: tuple[int, int]) -> NDArray[np.float32]:
    """Float32 (1, height, width) that this thread may use until it asks again: fresh memory of an image's size is slow to
    come by, and all maps of a line have one size. Of very large images none is held back."""
    if size[0] * size[1] > _MOST_HELD:
        return np.empty((1, *size), np.float32)
    plane: NDArray[np.float32] | None = getattr(_SCRATCH, "plane", None)
    if plane is None or plane.shape[1:] != size:
        plane = _SCRATCH.plane = np.empty((1, *size), np.float32)
    return plane


def cut(maps: CombinedMaps, p_defect: float, rule: Rule) -> MasksAndRegions:
    """What the rule finds in an image.

    Classes whose map cannot reach the upper threshold are left at the working size: most are.
    """
    runs = [Runs.empty()] * rule.classes
    regions: list[Region] = []
    wanted = maps.may_exceed(rule.upper) if p_defect > rule.gate else np.zeros(rule.classes, np.bool_)
    for index in np.flatnonzero(wanted).tolist():
        columns = maps.above(index, rule.lower[index])
        if rule.keeps(index, columns.count_above(rule.upper[index]), p_defect):
            found = RegionRuns.of(columns, columns.levels > rule.lower[index])
            runs[index] = found.runs()
            regions.extend(found.describe(index))
    return tuple(runs), tuple(regions)


def suspect(maps: CombinedMaps, found: Sequence[Runs], rule: Rule) -> MasksAndRegions:
    """What lies above the lower threshold in the classes without a mask, whatever kept them from it: the gate, the upper
    threshold or the minimum area. Of each class the `MOST` largest regions count, of those with `least_area` pixels.

    Args:
        found: the masks of all classes.
    """
    runs = [Runs.empty()] * rule.classes
    regions: list[Region] = []
    for index in np.flatnonzero(maps.may_exceed(rule.lower)).tolist():
        if found[index].area:
            continue
        columns = maps.above(index, rule.lower[index])
        every = RegionRuns.of(columns, columns.levels > rule.lower[index])
        large = large_regions(every, least_area(rule.min_area[index], maps.size))
        runs[index] = large.runs()
        regions.extend(large.describe(index))
    return tuple(runs), tuple(regions)


def least_area(min_area: int, size: tuple[int, int]) -> int:
    """The pixels that a suspected region of an image of (height, width) has at least.

    >>> strip = (256, 1600)
    >>> least_area(48, strip), least_area(27, strip), least_area(1, strip), least_area(12_000, strip)
    (12, 7, 1, 200)
    """
    return max(1, min(-(-min_area // LEAST), size[0] * size[1] // OF_IMAGE))


def large_regions(found: RegionRuns, least: int) -> RegionRuns:
    """The `MOST` largest regions, of those with `least` pixels or more; of equal ones those further left, then above.

    >>> found = RegionRuns.of_mask(np.array([[1, 1, 0, 1]], bool))
    >>> large_regions(found, 2).areas.tolist()
    [2]
    """
    if not found.regions.size:
        return found
    left, top = found.corners
    order = np.lexsort((top, left, -found.areas))
    is_chosen = np.zeros(order.size, np.bool_)
    is_chosen[order[found.areas[order] >= least][:MOST]] = True
    return found.only(is_chosen)
