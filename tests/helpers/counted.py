"""Pixel counts of a few images, written as rows, and a perfect answer to four of them."""

import numpy as np

from steelsight.rule.pixel_counts import PixelCounts


def counts(hit: list[list[int]], predicted: list[list[int]], truth: list[list[int]]) -> PixelCounts:
    return PixelCounts(*(np.array(rows, np.int64) for rows in (hit, predicted, truth)))


GROUPS = np.arange(4)
PERFECT = counts([[5], [7], [0], [0]], [[5], [7], [0], [0]], [[5], [7], [0], [0]])
