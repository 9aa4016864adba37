"""Exact bounds on a share from a count: what k losses among n say of the share lost, and how many trials a limit takes."""

import math
from functools import lru_cache
from statistics import NormalDist

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
    tail, target = _Tail(k, n), math.log(delta)
    p = _near(k, n, delta)
    for _ in range(100):
        log_tail, log_last = tail.at(p)
        following = p + (log_tail - target) / (n - k) * (1 - p) * math.exp(log_tail - log_last)
        if following >= 1:
            following = (1 + p) / 2
        step, p = abs(following - p), following
        if step <= 1e-7 * min(p, 1 - p):  # the number of right digits doubles with each step
            break
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
    """The least number of trials among which k losses support the limit.

    Args:
        k: losses, 0 or more.
        limit: share in (0, 1).
        delta: 1 - confidence, in (0, 1).

    >>> groups_needed(0, 0.01, 0.05), groups_needed(0, 0.05, 0.05), groups_needed(1, 0.05, 0.05)
    (299, 59, 93)
    """
    _check(k, k, delta, limit)
    low, high = k, k + 1  # k of k support nothing
    while not _bears(k, high, limit, delta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _bears(k, middle, limit, delta) else (middle, high)
    return high


def _bears(k: int, n: int, limit: float, delta: float) -> bool:
    """Whether the upper bound for k of n is at most the limit: the tail falls as the share rises."""
    return k < n and _Tail(k, n).at(limit)[0] <= math.log(delta)


class _Tail:
    """P(Binomial(n, p) <= k), k < n, at any p."""

    def __init__(self, k: int, n: int) -> None:
        self.k, self.n = k, n
        self.log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        # Terms relative to the last, each from the one above it: what is near the last, and weighs most, is the most exact.
        down = np.arange(k, 0, -1, dtype=np.float64)
        self.steps = np.arange(k + 1, dtype=np.float64)
        self.relative = np.zeros(k + 1)
        np.cumsum(np.log(down / (n - down + 1)), out=self.relative[1:])

    def at(self, p: float) -> tuple[float, float]:
        """Logarithms of the tail and of its last term, P(Binomial(n, p) = k)."""
        odds = math.log1p(-p) - math.log(p)
        terms = self.relative + odds * self.steps
        greatest = float(terms.max())
        terms -= greatest
        np.exp(terms, out=terms)
        log_last = self.log_choose + self.n * math.log(p) + (self.n - self.k) * odds
        return log_last + greatest + math.log(float(terms.sum())), log_last


def _near(k: int, n: int, delta: float) -> float:
    """Wilson's bound for half a loss more, to start from."""
    z, share = NormalDist().inv_cdf(1 - delta), (k + 0.5) / n
    bound = (share + z * z / 2 / n + z * math.sqrt(share * (1 - share) / n + (z / 2 / n) ** 2)) / (1 + z * z / n)
    return min(max(bound, 0.5 / n), 1 - 0.25 / n)


def _check(k: int, n: int, delta: float, limit: float = 0.5) -> None:
    if not 0 <= k <= n or not 0 < delta < 1 or not 0 < limit < 1:
        raise ValueError(
            f"k = {k}, n = {n}, delta = {delta}, limit = {limit}; it takes 0 <= k <= n and delta and limit in (0, 1)"
        )
