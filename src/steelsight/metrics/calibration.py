"""Whether a probability means what it says: expected calibration error, reliability curve, Brier score and log loss.

Of every function, `groups` are the twin groups, int (n,): a group counts once, each of its images by one over its size.
Without them each image is a group of its own.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.intervals import Interval, bootstrap_interval, wilson

BINS = 10
"""Most bins of a reliability curve."""

GROUPS_PER_BIN = 10
"""Groups that a bin needs on average; with fewer groups there are fewer bins."""

CLIP = 1e-7
"""Log loss takes probabilities to lie between this and 1 - this: just above the step of float32 below 1."""

Groups = NDArray[np.integer[Any]] | None


class ReliabilityCurve(NamedTuple):
    """What was said and what was true, bin by bin, P(defect) ascending; (bins,) each.

    Attributes:
        predicted: float64, mean P(defect).
        share: float64, share that is defective.
        images: int64, how many there are.
        low, high: float64, Wilson's 95 % interval of `share`, over twin groups.
    """

    predicted: NDArray[np.float64]
    share: NDArray[np.float64]
    images: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def group_weights(groups: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """One over the size of each image's group: float64 (n,), so that every group weighs 1.

    >>> group_weights(np.array([7, 3, 7, 7, 3])).round(2).tolist()
    [0.33, 0.5, 0.33, 0.33, 0.5]
    """
    _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[place], np.float64)


def reliability_curve(
    p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], groups: Groups = None, most: int = BINS
) -> ReliabilityCurve:
    """Bins that hold about the same number of groups; equal probabilities are never parted.

    The interval takes as its number of trials the effective number of groups in the bin, (sum of w)^2 / (sum of w^2)
    with w the weight that a group has there (Kish 1965), rounded down.

    Args:
        p: (n,) P(defect) in [0, 1].
        truth: bool (n,), whether the image has a defect.
        most: bins, where there are `GROUPS_PER_BIN` groups for each.

    Raises:
        ValueError: there is no image, the shapes differ, or a probability is not within 0..1.
    """
    p64, truth, names = _checked(p, truth, groups)
    weights = group_weights(names)
    place = _bins(p64, weights, most)
    whole = np.bincount(place, weights)
    share = np.bincount(place, weights * truth) / whole
    trials = [_effective(weights[place == number], names[place == number]) for number in range(whole.size)]
    ends = [_ends(float(part), count) for part, count in zip(share, trials, strict=True)]
    return ReliabilityCurve(
        np.bincount(place, weights * p64) / whole,
        share,
        np.bincount(place).astype(np.int64),
        np.array([end.low for end in ends]),
        np.array([end.high for end in ends]),
    )


def expected_calibration_error(
    p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], groups: Groups = None, most: int = BINS
) -> float:
    """Mean over the bins of `reliability_curve`, by weight, of |share defective - mean P(defect)|.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (2015), and
    Guo et al., "On calibration of modern neural networks" (2017); with bins of equal count as in Nguyen and O'Connor,
    "Posterior calibration and exploratory analysis for natural language processing models" (2015).

    Raises:
        ValueError: as `reliability_curve`.

    >>> p = np.repeat([0.2, 0.8], 10)
    >>> truth = np.tile([True, False], 10)
    >>> round(expected_calibration_error(p, truth), 3)
    0.3
    """
    p64, truth, names = _checked(p, truth, groups)
    return float(np.abs(_gap_of_bins(_gaps(p64, truth, group_weights(names), most))).sum())


def calibration_error_interval(
    p: NDArray[np.floating[Any]],
    truth: NDArray[np.bool_],
    groups: NDArray[np.integer[Any]],
    most: int = BINS,
    draws: int = 500,
) -> Interval:
    """95 % interval of the expected calibration error, from the bootstrap over twin groups with the bins held.

    Noise can only add to the error, so that the draws' own errors lie too high: a perfect classifier's would never
    reach 0. What is drawn is therefore the sum over bins of how far each moves, whose 95 % quantile is taken off and
    added: by the triangle inequality the error cannot have moved further. What it covers is measured in docs/metrics.md.

    Returns:
        (nan, nan) with fewer than two groups.

    Raises:
        ValueError: as `reliability_curve`.
    """
    p64, truth, names = _checked(p, truth, groups)
    gaps = _gaps(p64, truth, group_weights(names), most)
    seen = _gap_of_bins(gaps)

    def moved(drawn: NDArray[np.float64]) -> float:
        return float(np.abs(_gap_of_bins(drawn, seen.size) - seen).sum())

    error, reach = float(np.abs(seen).sum()), bootstrap_interval(gaps, names, moved, draws, level=0.9).high
    return Interval(max(0.0, error - reach), min(1.0, error + reach)) if reach == reach else Interval(reach, reach)


def error_by_chance(
    p: NDArray[np.floating[Any]], groups: Groups = None, most: int = BINS, draws: int = 200, seed: int = 0
) -> float:
    """Mean expected calibration error of these probabilities if every one of them were true.

    Each draw makes images defective with their own P(defect), twins together (one random number per group).
    Source: consistency resampling, Bröcker and Smith, "Increasing the reliability of reliability diagrams" (2007).

    Raises:
        ValueError: as `reliability_curve`.
    """
    p64, _, names = _checked(p, np.zeros(np.shape(p), np.bool_), groups)
    weights = group_weights(names)
    place, (numbers, group) = _bins(p64, weights, most), np.unique(names, return_inverse=True)
    rng = np.random.default_rng(seed)
    whole = weights.sum()
    found = np.empty(draws, np.float64)
    for draw in range(draws):
        truth = rng.random(numbers.size)[group] < p64
        found[draw] = np.abs(np.bincount(place, weights * (truth - p64))).sum() / whole
    return float(found.mean())


def brier_score(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], groups: Groups = None) -> float:
    """Mean of (P(defect) - truth)^2, truth being 1 for a defect and 0 for none.

    Source: Brier, "Verification of forecasts expressed in terms of probability" (1950), in the form for two outcomes.

    Raises:
        ValueError: as `reliability_curve`.

    >>> round(brier_score(np.array([0.1, 0.8]), np.array([False, True])), 3)
    0.025
    """
    p64, truth, names = _checked(p, truth, groups)
    return float(np.average((p64 - truth) ** 2, weights=group_weights(names)))


def log_loss(p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], groups: Groups = None) -> float:
    """Mean of -ln of the probability given to what is true, P(defect) clipped to [`CLIP`, 1 - `CLIP`].

    Raises:
        ValueError: as `reliability_curve`.

    >>> round(log_loss(np.array([0.1, 0.8]), np.array([False, True])), 4)
    0.1643
    """
    p64, truth, names = _checked(p, truth, groups)
    return float(np.average(log_losses(p64, truth), weights=group_weights(names)))


def log_losses(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`log_loss` of each image: float64 (n,)."""
    p = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(-np.log(np.where(truth, p, 1 - p)), np.float64)


def _bins(p: NDArray[np.float64], weights: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """The bin of each image, numbered from 0 without a gap: that in which the middle of its probability's ties falls."""
    _, place = np.unique(p, return_inverse=True)
    weight = np.bincount(place, weights)
    count = max(1, min(most, round(weight.sum()) // GROUPS_PER_BIN))
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    number = np.floor(np.round(count * middle, 9))  # rounded, lest the order of the images decide at a bin's edge
    return np.asarray(np.unique(number, return_inverse=True)[1][place], np.intp)


def _gaps(
    p: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64], most: int
) -> NDArray[np.float64]:
    """(n, 3): bin, weight times (truth - p), weight."""
    return np.stack([_bins(p, weights, most), weights * (truth - p), weights], axis=1)


def _gap_of_bins(gaps: NDArray[np.float64], bins: int = 0) -> NDArray[np.float64]:
    """Weighted sum of truth - p in each bin, over the weight of all images: float64 (bins,)."""
    place, gap, weight = gaps.T
    return np.asarray(np.bincount(place.astype(np.intp), gap, bins) / weight.sum(), np.float64)


def _effective(weights: NDArray[np.float64], groups: NDArray[np.integer[Any]]) -> int:
    """Kish's effective number of groups, rounded down."""
    of_group = np.bincount(np.unique(groups, return_inverse=True)[1], weights)
    return int(round(of_group.sum() ** 2 / (of_group**2).sum(), 9))


def _ends(share: float, trials: int) -> Interval:
    """Wilson's interval; where the share is no whole number of trials, from that of the next lower to the next higher."""
    count = round(share * trials, 9)
    return Interval(wilson(math.floor(count), trials).low, wilson(math.ceil(count), trials).high)


def _checked(
    p: NDArray[np.floating[Any]], truth: NDArray[np.bool_], groups: Groups
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.integer[Any]]]:
    p64, truth = np.asarray(p).astype(np.float64), np.asarray(truth, np.bool_)
    names = np.arange(p64.size) if groups is None else np.asarray(groups)
    if p64.ndim != 1 or not p64.shape == truth.shape == names.shape:
        raise ValueError(f"p has shape {p64.shape}, truth {truth.shape}, groups {names.shape}; all must be (images,)")
    if not p64.size:
        raise ValueError("there is no image to judge")
    if not ((p64 >= 0) & (p64 <= 1)).all():
        raise ValueError(f"p has a value that is not within 0..1: {p64[~((p64 >= 0) & (p64 <= 1))][0]}")
    return p64, truth, names
