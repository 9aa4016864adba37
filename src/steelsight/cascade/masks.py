"""Masks and regions of one image, from the maps of its networks."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.imaging.columns import Columns
from steelsight.imaging.combine import CutAt, combined_levels, greatest_levels, may_exceed, round_levels
from steelsight.imaging.preprocess import Image
from steelsight.imaging.regions import Region, RegionRuns
from steelsight.imaging.rle import Runs
from steelsight.rule.rule import Rule

MasksAndRegions = tuple[tuple[Runs, ...], tuple[Region, ...]]
"""The run lengths of each class, and the connected regions of all of them."""


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

    def strongest(self) -> tuple[int, int]:
        """The class with the greatest level of the combined maps, and that level; of equal ones the first class.

        A class is brought to the image's size only where its networks leave it a chance.
        """
        limits = greatest_levels(self._maps, self._combine)
        best = (0, 0)  # its level, and the class, counted down
        for index in np.argsort(-limits, kind="stable").tolist():
            if (limits[index], -index) > best:
                best = max(best, (self._greatest(index), -index))
        return -best[1], best[0]

    def _greatest(self, index: int) -> int:
        if self.kept is not None:
            return int(self.kept[index].max(initial=0))
        counted = True if self._counted is None else self._counted
        return int(round_levels(self._levels(index).max(keepdims=True, initial=0, where=counted)).item())

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
