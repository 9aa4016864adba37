"""What verdicts cost: the expected cost of an image by pass and reject threshold, and the thresholds of least cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.group_scores import Floats, ImageScores
from steelsight.verdicts.policy import CostPoint, Costs

_POINTS = 200


@dataclass(frozen=True, eq=False)
class ExpectedCosts:
    """Expected cost of an image, in parts that depend on one threshold each.

    An image that should be answered as it is costs nothing; one that is passed or rejected saves its second look.

    Attributes:
        levels: float64 (L,), thresholds, ascending.
        review: when all images get a second look.
        passing: float64 (L,), what passing up to each level adds.
        rejecting: float64 (L,), what rejecting above each level adds.
    """

    levels: Floats
    review: float
    passing: Floats
    rejecting: Floats

    def cheapest(self, may_pass: NDArray[np.bool_], may_reject: NDArray[np.bool_]) -> tuple[int, int]:
        """Indices of the pass and reject threshold of least cost, the first not above the second; of equals the more careful.

        Args:
            may_pass, may_reject: bool (L,), which levels may be either; the first level may be passed up to and the last
                rejected above in any case.
        """
        reject = self._best_reject(may_reject)
        cost = np.where(may_pass, self.passing, np.inf)
        cost[0] = self.passing[0]
        cost += self.rejecting[reject]
        lowest = int(cost.argmin())
        return lowest, int(reject[lowest])

    def curve(self, may_reject: NDArray[np.bool_], chosen: int) -> tuple[CostPoint, ...]:
        """Cost by pass threshold, each with its best reject threshold, at 200 levels or fewer, the ends included, and at
        the chosen one.

        Args:
            chosen: index of the pass threshold.
        """
        reject = self._best_reject(may_reject)
        shown = np.union1d(np.linspace(0, self.levels.size - 1, _POINTS).round().astype(np.intp), [chosen])
        return tuple(
            CostPoint(
                pass_at=float(self.levels[index]),
                reject_at=float(self.levels[reject[index]]),
                cost=float(self.review + self.passing[index] + self.rejecting[reject[index]]),
            )
            for index in shown
        )

    def _best_reject(self, may_reject: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Of each level as a pass threshold, the best level at or above it to reject above."""
        from_last = np.where(may_reject, self.rejecting, np.inf)[::-1]
        from_last[0] = self.rejecting[-1]
        least = np.minimum.accumulate(from_last)
        is_less = np.append(True, from_last[1:] < least[:-1])
        best = np.maximum.accumulate(np.where(is_less, np.arange(least.size), 0))
        return np.asarray(least.size - 1 - best[::-1])


def expected_costs(
    tested: EvaluationSet, images: ImageScores, costs: Costs, defect_share: float, levels: Floats
) -> ExpectedCosts:
    """Expected costs on tested images.

    Defective images together weigh `defect_share`, good ones the rest. Within each kind every twin group weighs the same, and
    so do its images of that kind: a surface photographed six times is met no more often than another.

    Args:
        defect_share: share of the strip's images that are defective, in (0, 1).
        levels: float64 (L,), thresholds, ascending.
    """
    defective = tested.defective
    weight = np.where(
        defective,
        defect_share * _even_weights(tested.groups, defective),
        (1 - defect_share) * _even_weights(tested.groups, ~defective),
    )
    weight = np.where(tested.flagged, 0.0, weight)  # a person sees these whatever the thresholds are
    wrong_pass = np.where(defective, _escape_costs(tested, costs), 0.0)
    wrong_reject = np.where(defective, 0.0, costs.overkill)
    up_to = _summed(images.passes, weight * (wrong_pass - costs.review), levels)
    not_above = _summed(images.rejects, weight * (wrong_reject - costs.review), np.append(levels, np.inf))
    return ExpectedCosts(levels, costs.review, up_to, not_above[-1] - not_above[:-1])


def _escape_costs(tested: EvaluationSet, costs: Costs) -> Floats:
    """Of each image, the cost of the dearest class that it has; a defect of no known class costs what any escape does."""
    of_class = np.array([costs.escape_of.get(name, costs.escape) for name in tested.classes])
    named = np.where(tested.shows, of_class, 0.0).max(axis=1, initial=0.0)
    return np.asarray(np.maximum(named, np.where(tested.class_unknown, costs.escape, 0.0)))


def _even_weights(groups: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Floats:
    """Weights of the chosen images that sum to 1: even over groups, and over the images of each."""
    _, place, count = np.unique(groups[chosen], return_inverse=True, return_counts=True)
    weights = np.zeros(groups.size)
    weights[chosen] = 1 / (count[place] * max(1, count.size))
    return weights


def _summed(scores: Floats, values: Floats, levels: Floats) -> Floats:
    """Sum of the values of the scores that are at most each level."""
    order = np.argsort(scores)
    sums = np.concatenate([[0.0], np.cumsum(values[order])])
    return np.asarray(sums[np.searchsorted(scores[order], levels, "right")])
