"""Exact bounds on a share from a count: what k losses among n say of the share lost, and how many trials a limit takes."""

import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=4096)
def clopper_pearson_upper(k: int, n: int, delta: float) -> float:
    """Upper bound of a share of which k were seen among n: it exceeds the bound in at most `delta` of all samples.

    It is the share p for which P(Binomial(n, p) <= k) = delta; 1 where k is n.
    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial" (1934).

    Args:
        k: seen, 0..n.
        n: independent trials; of 0, nothing is known, and the bound is 1.
        delta: 1 - confidence, one-sided, in (0, 1).

    Raises:
        ValueError: k, n or delta is out of range.

    >>> round(clopper_pearson_upper(0, 299, 0.05), 4)
    0.01
    >>> round(clopper_pearson_upper(5, 10, 0.025), 4)
    0.8129
    """
    _check(k, n, delta)
    if k == n:
        return 1.0
    if k == 0:
        return -math.expm1(math.log(delta) / n)
    # The log of the tail is concave in p, so that Newton's steps, once above the root, come down to it without passing it.
    p, target = (k + 1) / (n + 1), math.log(delta)
    for _ in range(100):
        log_tail, log_last = _log_tail(k, n, p)
        slope = (n - k) / (1 - p) * math.exp(log_last - log_tail)
        following = p + (log_tail - target) / slope
        if following >= 1:
            following = (1 + p) / 2
        if abs(following - p) <= 4e-16 * p:
            break
        p = following
    return p


def clopper_pearson_lower(k: int, n: int, delta: float) -> float:
    """Lower bound of a share of which k were seen among n: it is below the bound in at most `delta` of all samples.

    As `clopper_pearson_upper`, whose mirror image it is; 0 where k is 0.

    >>> round(clopper_pearson_lower(5, 10, 0.025), 4)
    0.1871
    """
    _check(k, n, delta)
    if k == 0:
        return 0.0
    if k == n:
        return math.exp(math.log(delta) / n)
    return 1 - clopper_pearson_upper(n - k, n, delta)


@lru_cache(maxsize=4096)
def allowed(n: int, limit: float, delta: float) -> int | None:
    """The greatest number of losses among n whose upper bound is at most `limit`; None where even 0 is too many.

    Args:
        n: trials, 0 or more.
        limit: share in (0, 1).
        delta: 1 - confidence, in (0, 1).

    >>> [allowed(n, 0.01, 0.05) for n in (298, 299, 472, 473)]
    [None, 0, 0, 1]
    """
    _check(0, n, delta, limit)
    if not _bears(0, n, limit, delta):
        return None
    low, high = 0, n  # `low` losses are borne, `high` are not: n of n allow any share
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _bears(middle, n, limit, delta) else (low, middle)
    return low


@lru_cache(maxsize=4096)
def groups_needed(k: int, limit: float, delta: float) -> int:
    """The least number of trials among which k losses bear the limit.

    Args:
        k: losses, 0 or more.
        limit: share in (0, 1).
        delta: 1 - confidence, in (0, 1).

    >>> groups_needed(0, 0.01, 0.05), groups_needed(0, 0.05, 0.05), groups_needed(1, 0.05, 0.05)
    (299, 59, 93)
    """
    _check(k, k, delta, limit)
    low, high = k, k + 1  # k of k bear nothing
    while not _bears(k, high, limit, delta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _bears(k, middle, limit, delta) else (middle, high)
    return high


def _bears(k: int, n: int, limit: float, delta: float) -> bool:
    """Whether the upper bound for k of n is at most the limit: the tail falls as the share rises."""
    return k < n and _log_tail(k, n, limit)[0] <= math.log(delta)


def _log_tail(k: int, n: int, p: float) -> tuple[float, float]:
    """Logarithms of P(Binomial(n, p) <= k) and of P(Binomial(n, p) = k), for k < n."""
    log_last = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p)
    log_last += (n - k) * math.log1p(-p)
    if k == 0:
        return log_last, log_last
    # Terms relative to the last, each from the one above it: what is near the last, and weighs most, is the most exact.
    down = np.arange(k, 0, -1, dtype=np.float64)
    relative = np.cumsum(np.log(down / (n - down + 1) * ((1 - p) / p)))
    greatest = max(0.0, float(relative.max()))
    log_sum = greatest + math.log(math.exp(-greatest) + float(np.exp(relative - greatest).sum()))
    return log_last + log_sum, log_last


def _check(k: int, n: int, delta: float, limit: float = 0.5) -> None:
    if not 0 <= k <= n or not 0 < delta < 1 or not 0 < limit < 1:
        raise ValueError(
            f"k = {k}, n = {n}, delta = {delta}, limit = {limit}; it takes 0 <= k <= n and delta and limit in (0, 1)"
        )
