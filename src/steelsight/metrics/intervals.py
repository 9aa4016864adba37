"""How far a figure may be off: the bootstrap over groups, what stands where it shows no spread, and Wilson's interval."""

import math
import warnings
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.binomial import clopper_pearson_lower, clopper_pearson_upper


class Interval(NamedTuple):
    """Lower and upper end of a confidence interval; both nan where it cannot be told."""

    low: float
    high: float


def bootstrap_interval(
    values: NDArray[Any],
    groups: NDArray[np.integer[Any]],
    statistic: Callable[[NDArray[Any]], Any] = np.mean,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic, drawing whole groups with replacement.

    Twins show the same surface, so that the group, not the image, is what was sampled independently.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), sections 8 and 13.

    Args:
        values: (n, ...), one entry per image, e.g. its Dice per class.
        groups: (n,), the group of each image.
        statistic: from the drawn images' values to one number; a draw for which it is nan is left out.

    Returns:
        (nan, nan) with fewer than two groups, which say nothing of the spread, or where no draw gives a number.

    Raises:
        ValueError: values and groups differ in number, or draws or level is out of range.

    >>> bootstrap_interval(np.ones(10), np.arange(10))
    Interval(low=1.0, high=1.0)
    """
    if len(values) != len(groups):
        raise ValueError(f"{len(values)} values and {len(groups)} groups; each image has one of both")
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws = {draws} and level = {level}; draws must be 1 or more, level between 0 and 1")
    _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
    if count.size < 2:
        return Interval(math.nan, math.nan)
    ordered = np.asarray(values)[np.argsort(place, kind="stable")]
    first = np.cumsum(count) - count
    alone = count.size == len(ordered)
    rng = np.random.default_rng(seed)
    found = np.empty(draws, np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nanmean of a draw that holds no defect
        for draw in range(draws):
            chosen = rng.integers(count.size, size=count.size)
            members = chosen if alone else _members(first[chosen], count[chosen])
            found[draw] = statistic(ordered[members])
    found = found[~np.isnan(found)]
    if not found.size:
        return Interval(math.nan, math.nan)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def bootstrap_ratios(
    parts: NDArray[Any],
    wholes: NDArray[Any],
    groups: NDArray[np.integer[Any]],
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Interval, ...]:
    """`bootstrap_interval` of the sum of each column of `parts` over that of `wholes`, all columns in the same draws.

    Args:
        parts, wholes: (n, columns), one row per image.
        groups: (n,), the group of each image.

    Returns:
        Of each column; a draw in which its `wholes` are 0 is left out. (nan, nan) where fewer than two groups have `wholes`.

    Raises:
        ValueError: the shapes do not fit.

    >>> bootstrap_ratios(np.array([[1], [2]]), np.array([[2], [4]]), np.arange(2))
    (Interval(low=0.5, high=0.5),)
    """
    if np.shape(parts) != np.shape(wholes) or np.shape(parts)[:1] != np.shape(groups):
        raise ValueError(f"shapes {np.shape(parts)}, {np.shape(wholes)} and {np.shape(groups)} do not fit")
    both = np.hstack([parts, wholes]).astype(np.float64)
    _, place = np.unique(groups, return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    if count < 2:
        return (Interval(math.nan, math.nan),) * int(np.shape(parts)[1])
    sums = np.zeros((count, both.shape[1]))
    np.add.at(sums, place, both)
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(count, size=count), minlength=count) @ sums for _ in range(draws)])
    part, whole = np.hsplit(drawn, 2)
    found = []
    for above, below, of_groups in zip(part.T, whole.T, np.hsplit(sums, 2)[1].T, strict=True):
        ratios = above[below != 0] / below[below != 0] if np.count_nonzero(of_groups) > 1 else np.zeros(0)
        ends = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2]) if ratios.size else (math.nan, math.nan)
        found.append(Interval(float(ends[0]), float(ends[1])))
    return tuple(found)


def without_spread(part: NDArray[Any], whole: NDArray[Any], groups: NDArray[np.integer[Any]]) -> Interval | None:
    """The 95 % interval of a share where draws of groups would show no spread; None where they do.

    Fewer than two groups that weigh say nothing of it. Where all or none of each is hit, it is Clopper and Pearson's of as
    many groups as weigh.

    Args:
        part, whole: (n,), one entry per image; the share is the sum of `part` over that of `whole`, 0 <= part <= whole.
        groups: (n,), the group of each image; it weighs if its `whole` is above 0.

    >>> without_spread(np.array([4, 0]), np.array([7, 0]), np.arange(2))
    Interval(low=nan, high=nan)
    >>> without_spread(np.zeros(30), np.ones(30), np.arange(30))  # doctest: +ELLIPSIS
    Interval(low=0.0, high=0.115...)
    """
    count = np.unique(groups[whole > 0]).size
    if count < 2:
        return Interval(math.nan, math.nan)
    if part.sum() not in (0, whole.sum()):
        return None
    return exact_interval(count if part.any() else 0, count)


def exact_interval(hit: int, groups: int) -> Interval:
    """Clopper and Pearson's 95 % interval of a share; nan where there is nothing to take it of.

    >>> tuple(round(end, 3) for end in exact_interval(0, 30))
    (0.0, 0.116)
    """
    if not groups:
        return Interval(math.nan, math.nan)
    return Interval(clopper_pearson_lower(hit, groups, 0.025), clopper_pearson_upper(hit, groups, 0.025))


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of the share k / n, without continuity correction; (0, 1) where n is 0.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).

    Raises:
        ValueError: k is not within 0..n, or level not between 0 and 1.

    >>> tuple(round(end, 4) for end in wilson(5, 10))
    (0.2366, 0.7634)
    """
    if not 0 <= k <= n or not 0 < level < 1:
        raise ValueError(f"k = {k}, n = {n}, level = {level}; it takes 0 <= k <= n and 0 < level < 1")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return Interval(0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half)


def _members(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices first[i] .. first[i] + count[i] - 1 of every drawn group, one after the other."""
    ends = np.cumsum(count)
    members: NDArray[np.int64] = np.arange(ends[-1]) + np.repeat(first - (ends - count), count)
    return members
