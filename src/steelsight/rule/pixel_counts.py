"""Pixel counts of a rule from histograms: what `masks` would give, without the maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.rule import Rule, area_scale

Histograms = NDArray[np.uint32]
"""uint32 (images, classes, 2, 256): pixels per 8-bit probability over background (0) and over truth (1).

`rule/coarse_grid.py` makes coarser ones; thresholds are then places among its levels.
"""


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """Pixels per (image, class): each int64 (images, classes).

    Attributes:
        intersection: predicted and true.
        predicted: predicted.
        truth: true.
    """

    intersection: NDArray[np.int64]
    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]


def count(
    histograms: Histograms, p_defect: NDArray[np.float64], rule: Rule, images: NDArray[np.intp] | None = None
) -> PixelCounts:
    """Pixel counts of a rule, equal to those of `masks` on the maps behind the histograms.

    Args:
        histograms: uint32 (N, K, 2, 256).
        p_defect: float64 (N,).
        rule: of K classes.
        images: indices into the first axis; None for all.

    Returns:
        Of `images`, in their order.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    passed = p_defect[chosen] > rule.gate
    scale = area_scale(rule.softness, p_defect[chosen])
    shape = (len(chosen), rule.classes)
    intersection, predicted, truth = (np.zeros(shape, np.int64) for _ in range(3))
    for index, (upper, lower, area) in enumerate(zip(rule.upper, rule.lower, rule.min_area, strict=True)):
        of_class = histograms[chosen, index]
        truth[:, index] = of_class[:, 1].sum(axis=-1, dtype=np.int64)
        found = of_class[:, :, upper + 1 :].sum(axis=(1, 2), dtype=np.int64)
        kept = passed & (found / scale >= area)
        above = of_class[:, :, lower + 1 :].sum(axis=-1, dtype=np.int64)
        intersection[:, index] = np.where(kept, above[:, 1], 0)
        predicted[:, index] = np.where(kept, above.sum(axis=-1), 0)
    return PixelCounts(intersection, predicted, truth)


def count_ungated(histograms: Histograms, rule: Rule) -> PixelCounts:
    """Pixel counts of every image by a rule's thresholds alone, as if the classifiers were sure of a defect everywhere."""
    return count(histograms, np.ones(len(histograms)), rule.model_copy(update={"gate": 0.0}))
