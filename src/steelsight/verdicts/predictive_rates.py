"""The share of wrong ones among images that get the same answer: defective ones that pass, good ones that are rejected."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from steelsight.metrics.binomial import clopper_pearson_lower, clopper_pearson_upper
from steelsight.verdicts.error_rates import Ladder
from steelsight.verdicts.group_scores import ErrorKind, Floats, exceeds
from steelsight.verdicts.policy import Bound


@dataclass(frozen=True, eq=False)
class Ratio:
    """Bounds of the share at every threshold, all of which hold together with confidence 1 - delta.

    Where `share` of the strip's images are of the kind that could be lost, m of these lost and g of the others come through,
    share m / (share m + (1 - share) g) are wrong. Both m and g rise as the threshold is loosened: between two of the
    candidates, the looser bounds m and the stricter g.

    Attributes:
        limit: what was asked for.
        share: as above, in (0, 1).
        ladder: groups that could be lost.
        candidates: float64 (C,), thresholds from the strictest on.
        lost: float64 (C,), upper bounds of m at each.
        through: float64 (C,), lower bounds of g at each.
        missing: as in `Bound`, where no candidate keeps the limit.
    """

    limit: float
    share: float
    ladder: Ladder
    candidates: Floats
    lost: Floats
    through: Floats
    missing: int | None = None

    @property
    def end(self) -> float | None:
        """The loosest candidate that keeps the limit; None where none does."""
        kept = np.flatnonzero(self.bound_at(self.candidates) <= self.limit)
        return float(self.candidates[kept[-1]]) if kept.size else None

    def bound_at(self, thresholds: Floats) -> Floats:
        """Upper bounds of the share at any thresholds."""
        sign = 1 if self.ladder.kind == "escape" else -1
        looser = np.searchsorted(sign * self.candidates, sign * thresholds, "left")
        stricter = np.searchsorted(sign * self.candidates, sign * thresholds, "right") - 1
        m, g = np.append(self.lost, 1.0)[looser], np.append(self.through, 0.0)[stricter]
        return np.asarray(self.share * m / (self.share * m + (1 - self.share) * g))

    def state(self, threshold: float | None) -> Bound:
        """What can be said at a threshold that keeps the limit, or where none does."""
        asked = self.candidates if threshold is None else np.array([threshold])
        return Bound(
            kind=self.ladder.kind,
            among="passed" if self.ladder.kind == "escape" else "rejected",
            defect_class=None,
            limit=self.limit,
            kept=threshold is not None,
            threshold=threshold,
            groups=self.ladder.groups,
            lost=self.ladder.hopeless if threshold is None else self.ladder.lost_at(threshold),
            bound=float(self.bound_at(asked).min()),
            missing=self.missing if threshold is None else None,
        )


@dataclass(frozen=True, eq=False)
class Others:
    """Groups with images that should come through, pass or be rejected.

    A group that also has an image of the other kind counts as both. Its scores had a say in the candidates, so it is not
    counted here: of all groups, the share of such ones is bounded from above and taken as not coming through.

    Attributes:
        scores: float64 (n,), of the groups without any image of the other kind.
        of_both: number of groups of both kinds.
    """

    scores: Floats
    of_both: int

    @classmethod
    def of(cls, through: Floats, lost: Floats) -> Self:
        """Of scores by group, nan for a group that has no such image."""
        both = ~np.isnan(through) & ~np.isnan(lost)
        return cls(through[~np.isnan(through) & ~both], int(both.sum()))

    def least_through(self, kind: ErrorKind, threshold: float, level: float) -> float:
        """Lower bound of the share that comes through at a threshold; each of its two parts holds at 1 - level."""
        straight = int(exceeds(kind, self.scores, threshold).sum())
        mixed = clopper_pearson_upper(self.of_both, self.scores.size + self.of_both, level)
        return (1 - mixed) * clopper_pearson_lower(straight, self.scores.size, level)


def find_ratio(ladder: Ladder, others: Others, share: float, limit: float, delta: float, cap: float | None) -> Ratio:
    """Bound the share of wrong ones among images answered alike.

    Candidates lose 0, 1, 2, 4, 8, ... of the groups that could be lost, as far as the limit allows such a share at all,
    and all of them, so that they depend on these groups alone. At each of these C, m is bounded as in `shares.state_share`,
    and g by what comes through among groups that had no say in the candidates, so that their number is binomial. There are
    2 C bounds to be had (Clopper and Pearson 1934), that of losing all being 1; each is at delta / (2 C), so that they hold
    together (Bonferroni).

    Args:
        ladder: groups that could be lost.
        others: groups that should come through.
        share: of the strip's images that are of the kind that could be lost, in (0, 1).
        limit, delta: in (0, 1).
        cap: no candidate is looser than this, where other limits on the same groups leave so much; None for any.
    """

    def candidate(k: int) -> float:
        short = ladder.short_of(k)
        if cap is None:
            return short
        return min(short, cap) if ladder.kind == "escape" else max(short, cap)

    def of(groups: int, numbers: list[int]) -> Ratio:
        """At some of the candidates, with as many groups as there are, or more of which no further one is lost."""
        level = delta / (2 * len(_numbers(groups, share, limit)))
        thresholds = [candidate(k) for k in numbers]
        lost = [clopper_pearson_upper(k, groups, level) for k in numbers]
        through = [others.least_through(ladder.kind, threshold, level) for threshold in thresholds]
        return Ratio(limit, share, ladder, np.array(thresholds), np.array(lost), np.array(through))

    numbers = [k for k in _numbers(ladder.groups, share, limit) if k >= ladder.hopeless]
    ratio = of(ladder.groups, numbers)
    if ratio.end is not None:
        return ratio
    fewer = numbers[:-1] or numbers  # further groups make the last, all of them, another number
    with_more = of(2 * ladder.groups + 2, fewer)
    if not with_more.through.any():
        return ratio
    best = fewer[int(with_more.bound_at(with_more.candidates).argmin())]
    needed = _least(lambda groups: of(groups, [best]).end is not None, ladder.groups)
    return replace(ratio, missing=needed - ladder.groups)


def _numbers(groups: int, share: float, limit: float) -> list[int]:
    """Of how many groups each candidate loses.

    >>> _numbers(1000, 0.1, 0.01)  # even if all good images passed, 9 % of the defective ones must not
    [0, 1, 2, 4, 8, 16, 32, 64, 1000]
    """
    most = groups * limit / (1 - limit) * (1 - share) / share
    powers = [1 << power for power in range(groups.bit_length()) if 1 << power < min(groups, most)]
    return sorted({0, *powers, groups})


def _least(would_do: Callable[[int], bool], fails: int) -> int:
    """The number from which on it would do, given one that fails."""
    does = fails + 1
    while not would_do(does):
        fails, does = does, 2 * does
    while does - fails > 1:
        middle = (fails + does) // 2
        fails, does = (fails, middle) if would_do(middle) else (middle, does)
    return does
