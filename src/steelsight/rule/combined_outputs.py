"""What one choice of members says of every image: what a rule is searched on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.combine import CutAt
from steelsight.rule.pixel_counts import Histograms, PixelCounts, count
from steelsight.rule.rule import Rule


@dataclass(frozen=True, eq=False)
class CombinedOutputs:
    """What one choice of members says of every image.

    Attributes:
        histograms: uint32 (N, K, 2, 256), of the combined maps at the image's own size.
        p_defect: float64 (N,).
        make_in_blocks: makes the same of the maps that a rule cuts at the working size; None where no rule of the run does.
    """

    histograms: Histograms
    p_defect: NDArray[np.float64]
    make_in_blocks: Callable[[], Histograms] | None = None

    @cached_property
    def _in_blocks(self) -> Histograms:
        if self.make_in_blocks is None:
            raise ValueError("there are no histograms of maps that are cut at the working size")
        return self.make_in_blocks()

    def cut_at(self, at: CutAt) -> Histograms:
        """Of the maps that are cut there."""
        return self.histograms if at == "image" else self._in_blocks

    def count(self, rule: Rule, images: NDArray[np.intp] | None = None) -> PixelCounts:
        """Pixel counts of a rule on some images (None for all)."""
        return count(self.cut_at(rule.at), self.p_defect, rule, images)
