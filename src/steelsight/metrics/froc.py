"""Found defects against false alarms as the score moves that a marked region must exceed: the free-response ROC curve."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.defects import label_regions

LEVELS = 256


class Scored(NamedTuple):
    """The connected defects of one class on one image, with scores.

    A marked region's score is the greatest value of the map in it, 1..255. An annotated defect has the two scores up to
    which it is found; 0 where it never is.

    Attributes:
        annotated: int64 (n, 3): pixels; the highest score of a region that touches it; the score down to which regions of
            at least that score cover half of its pixels.
        marked: int64 (m, 3): pixels, score, and how many pixels are annotated as the class.
        levels: int64 (n, 256): pixels of each annotated defect at each value of the map.
    """

    annotated: NDArray[np.int64]
    marked: NDArray[np.int64]
    levels: NDArray[np.int64]


class Froc(NamedTuple):
    """From the strictest threshold to the loosest, float64 (255,) each but for `threshold`.

    Attributes:
        threshold: int64, 254..0: a region counts where its score exceeds it.
        found, half_found: share of the annotated defects; nan where there are none.
        false_alarms: per image.
    """

    threshold: NDArray[np.int64]
    found: NDArray[np.float64]
    half_found: NDArray[np.float64]
    false_alarms: NDArray[np.float64]

    def found_at(self, false_alarms: float, *, half: bool = False) -> float:
        """The greatest share found at no more false alarms per image than these; nan where even the strictest threshold has
        more, or there are no defects.

        >>> froc(np.array([9, 5]), np.array([9, 0]), np.array([7]), images=1).found_at(0.5)
        0.5
        >>> froc(np.array([9, 5]), np.array([9, 0]), np.array([255]), images=1).found_at(0.5)
        nan
        """
        shares = self.half_found if half else self.found
        reached = shares[self.false_alarms <= false_alarms]
        return float(reached.max()) if reached.size else np.nan


def score_planes(truth: NDArray[np.bool_], map_: NDArray[np.uint8], lower: int) -> Scored:
    """Cut regions of one class out of its map and hold them against its truth.

    Args:
        truth: bool (H, W).
        map_: uint8 (H, W), probability times 255.
        lower: 0..255; regions are the connected pixels above it.

    >>> map_ = np.array([[9, 5, 0, 6]], np.uint8)
    >>> scored = score_planes(np.array([[0, 1, 1, 0]], bool), map_, 4)
    >>> scored.annotated.tolist(), scored.marked.tolist()
    ([[2, 9, 9]], [[2, 9, 1], [1, 6, 0]])
    """
    above = map_ > lower
    count, regions = label_regions(above) if above.any() else (0, np.zeros(map_.shape, np.int32))
    score = np.zeros(count + 1, np.int64)
    drawn = np.flatnonzero(above)
    region, value = regions.ravel()[drawn], map_.ravel()[drawn]
    np.maximum.at(score, region, value)
    areas = np.bincount(region, minlength=count + 1)
    touched = np.bincount(region[truth.ravel()[drawn]], minlength=count + 1)
    marked = np.stack([areas, score, touched], axis=1)[1:].astype(np.int64)

    number, defects = label_regions(truth) if truth.any() else (0, np.zeros(truth.shape, np.int32))
    inside = np.flatnonzero(truth)
    defect = defects.ravel()[inside].astype(np.int64) - 1
    place = defect * LEVELS + map_.ravel()[inside]
    levels = np.bincount(place, minlength=number * LEVELS).reshape(number, LEVELS)
    # of each true pixel the score of the region that covers it, and how many pixels have at least each score
    said = np.bincount(defect * LEVELS + score[regions.ravel()[inside]], minlength=number * LEVELS)
    at_least = said.reshape(number, LEVELS)[:, ::-1].cumsum(axis=1)[:, ::-1]
    size = levels.sum(axis=1)
    scores = np.arange(LEVELS)
    any_score = np.where(at_least > 0, scores, 0).max(axis=1, initial=0)
    half_score = np.where(2 * at_least >= size[:, None], scores, 0).max(axis=1, initial=0)
    return Scored(np.stack([size, any_score, half_score], axis=1).astype(np.int64), marked, levels.astype(np.int64))


def froc(
    any_score: NDArray[np.integer], half_score: NDArray[np.integer], false_score: NDArray[np.integer], images: int
) -> Froc:
    """The curve at every threshold of the 8-bit grid.

    Source: Egan, Greenberg and Schulman, "Operating characteristics, signal detectability, and the method of free response"
    (1961); Chakraborty and Winter, "Free-response methodology" (1990).

    Args:
        any_score, half_score: (n,) of the annotated defects, 0..255; see `Scored`.
        false_score: (m,), scores of the regions that touch none.
        images: on which all of this was counted, at least 1.
    """

    def above(scores: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.bincount(scores, minlength=LEVELS)[::-1].cumsum()[:-1].astype(np.int64)

    defects = len(any_score) or np.nan
    return Froc(
        np.arange(LEVELS - 2, -1, -1),
        above(any_score) / defects,
        above(half_score) / defects,
        above(false_score) / images,
    )
