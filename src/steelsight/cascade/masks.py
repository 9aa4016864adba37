"""Masks and regions of one image, and what is suspected beside them, from the maps of its networks."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.imaging.combine import CutAt, combine_maps, may_exceed
from steelsight.imaging.preprocess import Image
from steelsight.imaging.regions import Region, find_regions
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.rule.rule import Rule, masks

MasksAndRegions = tuple[tuple[Runs, ...], tuple[Region, ...]]
"""The run lengths of each class, and the connected regions of all of them."""

LEAST = 4
"""A suspected region has at least this part (one fourth) of its class's minimum area: single specks are not listed."""

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
        self._counted = counted
        self._maps, self._combine, self._at = maps, engine.combine, at
        self._preprocesses = [network.preprocess for network in engine.segmenters]
        self._size = (image.shape[0], image.shape[1])
        self.kept = np.stack([self._make(index) for index in range(len(maps[0]))]) if keep else None
        """uint8 (classes, height, width) at the image's own size; None where they are not kept."""

    def of(self, index: int) -> NDArray[np.uint8]:
        """The combined map of a class at the image's own size."""
        return self._make(index) if self.kept is None else self.kept[index]

    def may_exceed(self, levels: Sequence[int]) -> NDArray[np.bool_]:
        """For each class, whether a pixel of `of` can exceed its level; see `steelsight.imaging.combine.may_exceed`."""
        return may_exceed(self._maps, levels, self._combine)

    def _make(self, index: int) -> NDArray[np.uint8]:
        of_class = [map_[index : index + 1] for map_ in self._maps]
        combined: NDArray[np.uint8] = combine_maps(of_class, self._preprocesses, self._size, self._combine, self._at)[0]
        return combined if self._counted is None else np.where(self._counted, combined, np.uint8(0))


def cut(maps: CombinedMaps, p_defect: float, rule: Rule) -> MasksAndRegions:
    """What the rule finds in an image.

    Classes whose map cannot reach the upper threshold are left at the working size: most are.
    """
    runs = [Runs.empty()] * rule.classes
    regions: list[Region] = []
    wanted = maps.may_exceed(rule.upper) if p_defect > rule.gate else np.zeros(rule.classes, np.bool_)
    for index in np.flatnonzero(wanted).tolist():
        combined = maps.of(index)
        mask = masks(rule.only([index]), p_defect, combined[None])[0]
        if mask.any():
            runs[index] = encode_mask(mask)
            regions.extend(find_regions(index, mask, combined))
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
        combined = maps.of(index)
        mask = large_regions(combined > rule.lower[index], least_area(rule.min_area[index]))
        if mask.any():
            runs[index] = encode_mask(mask)
            regions.extend(find_regions(index, mask, combined))
    return tuple(runs), tuple(regions)


def least_area(min_area: int) -> int:
    """The pixels that a suspected region has at least.

    >>> least_area(48), least_area(27), least_area(1)
    (12, 7, 1)
    """
    return -(-min_area // LEAST)


def large_regions(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """The `MOST` largest connected regions of a mask, of those with `least` pixels or more.

    >>> large_regions(np.array([[1, 1, 0, 1]], bool), 2).astype(int).tolist()
    [[1, 1, 0, 0]]
    """
    if not mask.any():
        return mask
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    left, top, areas = boxes[1:, cv2.CC_STAT_LEFT], boxes[1:, cv2.CC_STAT_TOP], boxes[1:, cv2.CC_STAT_AREA]
    order = np.lexsort((top, left, -areas))
    is_chosen = np.zeros(len(boxes), np.bool_)
    is_chosen[1 + order[areas[order] >= least][:MOST]] = True
    return np.asarray(is_chosen[labels])
