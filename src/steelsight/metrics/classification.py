"""How well P(defect) tells defective images from good ones: confusion with inconclusive zone, ROC, precision-recall."""

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OPERATING_POINTS = ((0.5, 0.5), (0.35, 0.65), (0.03, 0.80), (0.03, 0.96))
"""The reference's (lower, upper) bounds on P(defect); an image between its two bounds is inconclusive."""


@dataclass(frozen=True)
class Confusion:
    """Counts of images at one operating point; the rates are over conclusive images, and nan where there are none."""

    tp: int
    tn: int
    fp: int
    fn: int
    inconclusive: int

    @property
    def images(self) -> int:
        return self.tp + self.tn + self.fp + self.fn + self.inconclusive

    @property
    def accuracy(self) -> float:
        """Share of the conclusive images that are right."""
        return _share(self.tp + self.tn, self.images - self.inconclusive)

    @property
    def sensitivity(self) -> float:
        """Share of the conclusive defective images that are called defective."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the conclusive good images that are called good."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def inconclusive_share(self) -> float:
        """Share of all images that lie between the bounds."""
        return _share(self.inconclusive, self.images)

    def as_dict(self) -> dict[str, float | None]:
        """Counts and rates for JSON; None where a rate is nan."""
        rates = {
            "accuracy": self.accuracy,
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "inconclusive_share": self.inconclusive_share,
        }
        return asdict(self) | {name: None if math.isnan(rate) else rate for name, rate in rates.items()}


class RocCurve(NamedTuple):
    """float64 (n,) each, from the strictest threshold (infinite: nothing is called defective) to the loosest."""

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    threshold: NDArray[np.float64]


class PrecisionRecall(NamedTuple):
    """float64 (n,) each, from the strictest threshold to the loosest; recall ascends."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    threshold: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """Sum of precision times the recall gained at each threshold; nan where nothing is defective."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def confusion(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], lower: float, upper: float) -> Confusion:
    """Count right and wrong calls: defective where p > upper, good where p <= lower, inconclusive between.

    Args:
        p: (n,) P(defect) in [0, 1].
        truth: bool (n,), whether the image has a defect.

    Raises:
        ValueError: lower exceeds upper, the shapes differ, or a probability is nan.

    >>> confusion(np.array([0.1, 0.5, 0.9]), np.array([False, True, True]), 0.35, 0.65)
    Confusion(tp=1, tn=1, fp=0, fn=0, inconclusive=1)
    """
    if lower > upper:
        raise ValueError(f"lower bound {lower} exceeds upper bound {upper}")
    p, truth = _checked(p, truth)
    called, passed = p > upper, p <= lower
    return Confusion(
        tp=int((called & truth).sum()),
        tn=int((passed & ~truth).sum()),
        fp=int((called & ~truth).sum()),
        fn=int((passed & truth).sum()),
        inconclusive=int((~called & ~passed).sum()),
    )


def roc_auc(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """Probability that a defective image has a higher p than a good one, a tie counting half; nan without both kinds.

    Source: the Mann-Whitney statistic, (sum of the ranks of the defective - d (d + 1) / 2) / (d g), ties at mean rank.

    >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    0.875
    """
    p, truth = _checked(p, truth)
    defective = int(truth.sum())
    good = truth.size - defective
    if not defective or not good:
        return math.nan
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    return float((mean_rank[place][truth].sum() - defective * (defective + 1) / 2) / (defective * good))


def roc_curve(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> RocCurve:
    """Rates at every distinct probability; an image is called defective where p >= threshold."""
    caught, alarms, threshold = _cumulated(*_checked(p, truth))
    return RocCurve(
        _rates(np.concatenate([[0], alarms]), int((~truth).sum())),
        _rates(np.concatenate([[0], caught]), int(truth.sum())),
        np.concatenate([[np.inf], threshold]),
    )


def precision_recall(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> PrecisionRecall:
    """Precision and recall at every distinct probability; an image is called defective where p >= threshold."""
    caught, alarms, threshold = _cumulated(*_checked(p, truth))
    return PrecisionRecall(caught / (caught + alarms), _rates(caught, int(truth.sum())), threshold)


def histogram_precision_recall(
    background: NDArray[np.integer[Any]], truth: NDArray[np.integer[Any]]
) -> PrecisionRecall:
    """Precision and recall of pixels from their histograms, at every value that occurs.

    Args:
        background, truth: integers (256,), pixels of each 8-bit probability outside and inside the true mask.

    Returns:
        Thresholds in [0, 1]: the 8-bit value over 255; a pixel is called defect where its probability >= threshold.
    """
    caught = np.cumsum(np.asarray(truth, np.int64)[::-1])
    alarms = np.cumsum(np.asarray(background, np.int64)[::-1])
    occurs = (np.asarray(truth, np.int64) + np.asarray(background, np.int64))[::-1] > 0
    threshold = np.arange(caught.size - 1, -1, -1) / (caught.size - 1)
    caught, alarms = caught[occurs], alarms[occurs]
    return PrecisionRecall(caught / (caught + alarms), _rates(caught, int(np.sum(truth))), threshold[occurs])


def _cumulated(
    p: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Defective and good images at or above each distinct probability, the highest first."""
    order = np.argsort(-p, kind="stable")
    p, truth = p[order], truth[order]
    last = np.flatnonzero(np.append(p[1:] != p[:-1], p.size > 0))
    caught = np.cumsum(truth, dtype=np.int64)[last]
    return caught, last + 1 - caught, p[last]


def _checked(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p64, truth = np.asarray(p).astype(np.float64), np.asarray(truth, np.bool_)
    if p64.shape != truth.shape or p64.ndim != 1:
        raise ValueError(f"p has shape {p64.shape} and truth {truth.shape}; both must be (images,)")
    if np.isnan(p64).any():
        raise ValueError(f"p is nan at index {int(np.isnan(p64).argmax())}")
    return p64, truth


def _rates(counts: NDArray[np.int64], whole: int) -> NDArray[np.float64]:
    return counts / whole if whole else np.full(counts.shape, np.nan)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
