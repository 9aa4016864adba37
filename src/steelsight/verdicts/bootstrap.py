"""How far the two thresholds on P(defect) move with the images that they are found on: a bootstrap over twin groups."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.group_scores import ImageScores, score_images
from steelsight.verdicts.policy import Limits, ThresholdInterval, ThresholdStability
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import find_bounds

DRAWS = 200
SEED = 0
LEVEL = 0.95


def redraw_thresholds(
    tested: EvaluationSet, wish: Limits, severity: Severity | None, draws: int = DRAWS
) -> ThresholdStability:
    """Find the thresholds again and again, each time on as many twin groups as there are, drawn with replacement.

    It says how much chance there is in them; what they promise is said by the bounds alone. Two calls say the same.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.
    """
    images = score_images(tested, severity)
    _, place, size = np.unique(tested.groups, return_inverse=True, return_counts=True)
    ordered, first = np.argsort(place, kind="stable"), np.cumsum(size) - size
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(draws):
        drawn = rng.integers(size.size, size=size.size)
        times = size[drawn]
        within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        chosen = ordered[np.repeat(first[drawn], times) + within]
        numbers = np.repeat(np.arange(drawn.size), times)
        found.append(
            find_bounds(
                _some(tested, chosen, numbers), ImageScores(images.passes[chosen], images.rejects[chosen]), wish
            )
        )
    return ThresholdStability(
        draws=draws,
        seed=SEED,
        pass_at=_moves([bounds.pass_at for bounds in found]),
        reject_at=_moves([bounds.reject_at for bounds in found]),
    )


def _some(tested: EvaluationSet, chosen: NDArray[np.intp], groups: NDArray[np.int64]) -> EvaluationSet:
    """Images as often as drawn, each draw of a group a group of its own; without names and regions, which the scores hold."""
    return replace(
        tested,
        image_ids=(),
        folds=tested.folds[chosen],
        groups=groups,
        sizes=tested.sizes[chosen],
        p_defect=tested.p_defect[chosen],
        truth=tested.truth[chosen],
        regions=(),
        flags=None if tested.flags is None else tuple(tested.flags[at] for at in chosen.tolist()),
        counted=None,
        shown=None if tested.shown is None else tested.shown[chosen],
    )


def _moves(thresholds: Sequence[float | None]) -> ThresholdInterval:
    """
    >>> _moves([0.1, 0.3, None, 0.2])
    ThresholdInterval(low=0.1, high=0.3, absent=0.25)
    """
    there = [threshold for threshold in thresholds if threshold is not None]
    absent = round(1 - len(there) / len(thresholds), 6)
    if not there:
        return ThresholdInterval(low=None, high=None, absent=absent)
    low, high = np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return ThresholdInterval(low=float(low), high=float(high), absent=absent)
