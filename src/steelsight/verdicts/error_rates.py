"""The loosest threshold that keeps a share: of defective groups that escape, of one class's, or of good ones rejected."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from steelsight.metrics.binomial import allowed, clopper_pearson_upper, groups_needed
from steelsight.verdicts.group_scores import BEYOND, ErrorKind, Floats, exceeds
from steelsight.verdicts.policy import Bound

MARGIN = 1e-3
"""How far a threshold keeps from the score that it must not lose, where the next score leaves room: as far as an exported
inspector's P(defect) may lie from the tested one (`export.tolerance`)."""


@dataclass(frozen=True, eq=False)
class Ladder:
    """The groups that could be lost, in the order in which a threshold loses them as it is loosened.

    Attributes:
        kind: escapes are lost from the lowest score up, overkills from the highest down.
        steps: float64 (n,), their scores, ascending; of overkills the negative.
    """

    kind: ErrorKind
    steps: Floats

    @classmethod
    def of(cls, kind: ErrorKind, scores: Floats) -> Self:
        """Of scores by group, nan for a group that does not count."""
        counts = scores[~np.isnan(scores)]
        return cls(kind, np.sort(counts if kind == "escape" else -counts))

    @property
    def groups(self) -> int:
        """How many could be lost."""
        return self.steps.size

    @property
    def hopeless(self) -> int:
        """How many are lost at every threshold: a severity rule rejects them."""
        return int(np.searchsorted(self.steps, -BEYOND, "right"))

    def lost_at(self, threshold: float) -> int:
        """How many are lost at a threshold."""
        return int(exceeds(self.kind, self.steps if self.kind == "escape" else -self.steps, threshold).sum())

    def short_of(self, k: int) -> float:
        """The threshold that loses k groups and stops short of the next: fewer where scores are tied.

        It keeps halfway to the score before, or `MARGIN` where that is less. It depends on these scores alone.

        >>> Ladder.of("escape", np.array([0.1, 0.4, np.nan, 0.3])).short_of(1)
        0.299
        >>> Ladder.of("overkill", np.array([0.1, 0.4, np.nan, 0.3])).short_of(1)
        0.301
        """
        strictest, loosest = (0.0, 1.0) if self.kind == "escape" else (-1.0, MARGIN)
        if k >= self.groups:
            threshold = loosest
        else:
            step = float(self.steps[k])
            place = int(np.searchsorted(self.steps, step))
            before = max(strictest, float(self.steps[place - 1])) if place else strictest
            middle = (step + before) / 2
            short = before if middle == step else middle  # neighbours among floats have no middle
            threshold = min(loosest, max(short, step - MARGIN)) if before < step else step - MARGIN
        return threshold if self.kind == "escape" else -threshold


def state_share(kind: ErrorKind, defect_class: str | None, scores: Floats, limit: float, delta: float) -> Bound:
    """The loosest threshold at which, with confidence 1 - delta, at most `limit` of the groups are lost.

    The number k of losses that n groups allow depends on n alone: the greatest whose upper bound is within the limit
    (Clopper and Pearson 1934). A threshold short of the (k + 1)-th score then loses more than `limit` of all groups in at
    most delta of all samples, whatever the distribution of scores, ties included (Wilks, "Determination of sample sizes for
    setting tolerance limits", 1941); so does any stricter one, however it is chosen. It is where fixed sequence testing from
    the strictest threshold on comes to a stop (Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then test", 2021).

    Args:
        kind: what is lost: an escape at a threshold not below its score, an overkill at one below it.
        defect_class: that the scores are of; None for any.
        scores: float64 (G,), `GroupScores.escape`, `.escape_of` of one class, or `.overkill`; nan for a group that does not
            count.
        limit, delta: in (0, 1).
    """
    ladder = Ladder.of(kind, scores)
    k = allowed(ladder.groups, limit, delta)
    kept = None if k is None or ladder.hopeless > k else k
    threshold = None if kept is None else ladder.short_of(kept)
    return Bound(
        kind=kind,
        among="defective" if kind == "escape" else "good",
        defect_class=defect_class,
        limit=limit,
        kept=kept is not None,
        threshold=threshold,
        groups=ladder.groups,
        lost=ladder.hopeless if threshold is None else ladder.lost_at(threshold),
        bound=clopper_pearson_upper(ladder.hopeless if kept is None else kept, ladder.groups, delta),
        missing=groups_needed(ladder.hopeless, limit, delta) - ladder.groups if kept is None else None,
    )
