"""The two thresholds on P(defect) that keep the limits the user asked for, if the tested images support them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError, nearest
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.costs import expected_costs
from steelsight.verdicts.error_rates import MARGIN, Ladder, state_share
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.group_scores import ErrorKind, Floats, GroupScores, ImageScores, score_groups, score_images
from steelsight.verdicts.outcome import NOTHING, judge_outcome
from steelsight.verdicts.policy import Bound, CostPoint, Limits, Policy
from steelsight.verdicts.predictive_rates import Others, Ratio, find_ratio
from steelsight.verdicts.severity import Severity


@dataclass(frozen=True, eq=False)
class LimitedSide:
    """What one of the two thresholds must keep: the limits on escapes, or those on overkill.

    Attributes:
        kind: which.
        shares: bounds that hold at their threshold and at every stricter one.
        ratio: the bound on the share of wrong ones among images answered alike; None where there is no limit on it.
    """

    kind: ErrorKind
    shares: tuple[Bound, ...]
    ratio: Ratio | None

    @property
    def is_limited(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.shares) or self.ratio is not None

    @property
    def end(self) -> float | None:
        """The loosest threshold that keeps every limit; None where there is no limit, or one that no threshold can keep."""
        if self.ratio is not None:
            return self.ratio.end if all(one.kept for one in self.shares) else None
        return strictest(self.kind, self.shares)

    def allows(self, thresholds: Floats) -> NDArray[np.bool_]:
        """Which thresholds keep every limit: all of them where there is none."""
        if not self.is_limited:
            return np.ones(thresholds.shape, np.bool_)
        if self.end is None:
            return np.zeros(thresholds.shape, np.bool_)
        cap = strictest(self.kind, self.shares)
        allowed = np.ones(thresholds.shape, np.bool_)
        if cap is not None:
            allowed &= thresholds <= cap if self.kind == "escape" else thresholds >= cap
        if self.ratio is not None:
            allowed &= self.ratio.bound_at(thresholds) <= self.ratio.limit
        return allowed

    def statements(self, threshold: float | None) -> tuple[Bound, ...]:
        """All of them, where the policy's threshold is this; None where it answers no image so."""
        if self.ratio is None:
            return self.shares
        return (*self.shares, self.ratio.state(self.ratio.end if threshold is None else threshold))


def strictest(kind: ErrorKind, statements: Iterable[Bound]) -> float | None:
    """The threshold that keeps all statements; None where there are none, or one that cannot be kept."""
    found = [one.threshold for one in statements]
    thresholds = [threshold for threshold in found if threshold is not None]
    if not found or len(thresholds) < len(found):
        return None
    return min(thresholds) if kind == "escape" else max(thresholds)


def escape_side(groups: GroupScores, wish: Limits) -> LimitedSide:
    """What is asked of the pass threshold: on escapes, and class by class. Each statement holds by itself."""
    delta, shares = _delta(wish), []
    if wish.max_escape is not None and wish.escape_among != "passed":
        shares.append(state_share("escape", None, groups.escape, wish.max_escape, delta))
    for name, limit in wish.never_miss.items():
        scores = groups.escape_of[:, groups.classes.index(name)]
        shares.append(state_share("escape", name, scores, limit, delta))
    return _with_ratio("escape", tuple(shares), groups, wish)


def overkill_side(groups: GroupScores, wish: Limits) -> LimitedSide:
    """What is asked of the reject threshold."""
    shares: tuple[Bound, ...] = ()
    if wish.max_overkill is not None and wish.overkill_among != "rejected":
        shares = (state_share("overkill", None, groups.overkill, wish.max_overkill, _delta(wish)),)
    return _with_ratio("overkill", shares, groups, wish)


def _with_ratio(kind: ErrorKind, shares: tuple[Bound, ...], groups: GroupScores, wish: Limits) -> LimitedSide:
    escape = kind == "escape"
    limit = wish.max_escape if escape else wish.max_overkill
    among_all = wish.escape_among == "defective" if escape else wish.overkill_among == "good"
    if limit is None or among_all or wish.defect_share is None:
        return LimitedSide(kind, shares, None)
    lost, through = (groups.escape, groups.passes) if escape else (groups.overkill, groups.rejects)
    share = wish.defect_share if escape else 1 - wish.defect_share
    # The cap depends on the groups that could be lost alone, like the candidates that it is put upon.
    cap = strictest(kind, shares)
    ratio = find_ratio(Ladder.of(kind, lost), Others.of(through, lost), share, limit, _delta(wish), cap)
    return LimitedSide(kind, shares, ratio)


def find_thresholds(
    groups: GroupScores, escape: LimitedSide, overkill: LimitedSide
) -> tuple[float | None, float | None]:
    """The loosest thresholds that keep every limit, and where these cross, one for both: then nothing lies between.

    Any threshold between them keeps both sides' limits. Of these it is the one at which most groups come through as they
    should, in the middle of the widest gap between groups' scores.
    """
    pass_at, reject_at = escape.end, overkill.end
    if pass_at is None or reject_at is None or pass_at <= reject_at:
        return pass_at, reject_at
    scores = np.concatenate([groups.rejects, groups.passes])
    inside = scores[(scores > reject_at) & (scores < pass_at)]
    edges = np.unique(np.concatenate([inside, [reject_at, pass_at]]))
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    middles, widths = np.append(middles, [reject_at, pass_at]), np.append(widths, [0, 0])
    keeps = escape.allows(middles) & overkill.allows(middles)
    if not keeps.any():  # shares among those answered alike may break off between the candidates
        candidates = np.empty(0) if overkill.ratio is None else overkill.ratio.candidates
        higher = candidates[overkill.allows(candidates) & (candidates >= pass_at)]
        return pass_at, float(higher.min()) if higher.size else None
    middles, widths = middles[keeps], widths[keeps]
    through = (_share_below(groups.passes, middles) - _share_below(groups.rejects, middles)).round(12)
    best = float(middles[np.lexsort((-widths, -through))[0]])
    return best, best


def find_policy(tested: EvaluationSet, wish: Limits, calibration: Calibration, severity: Severity | None) -> Policy:
    """The verdict policy that the tested images support.

    Without costs the thresholds are the loosest that the limits allow; with costs, those of least expected cost among the
    allowed. A side of which a limit cannot be kept gets no threshold: its images go to review. So do those of a side
    without a limit, unless costs are given, which then decide alone. Nothing passes where no good image was tested.

    Raises:
        UserError: the wish names an unknown class, or a P(defect) is not a number from 0 to 1.
    """
    check_wish(wish, tested.classes)
    images = score_images(tested, severity)
    found = find_bounds(tested, images, wish)
    draft = Policy(
        pass_at=found.pass_at,
        reject_at=found.reject_at,
        evidence=tested.kind,
        calibration=calibration,
        severity=severity,
        wish=wish,
        statements=found.statements,
        outcome=NOTHING,
        cost_curve=found.cost_curve,
        grouped_by=tested.grouped_by,
    )
    return draft.model_copy(update={"outcome": judge_outcome(draft, tested)})


def check_wish(wish: Limits, classes: tuple[str, ...]) -> None:
    """See that the wish names no class that there is not.

    Raises:
        UserError: it does.
    """
    _check_classes("never_miss", wish.never_miss, classes)
    _check_classes("cost_escape_of", wish.costs.escape_of if wish.costs else (), classes)


@dataclass(frozen=True)
class ThresholdsFound:
    """The two thresholds, what is said of them, and the cost curve; see `Policy`."""

    pass_at: float | None
    reject_at: float | None
    statements: tuple[Bound, ...]
    cost_curve: tuple[CostPoint, ...]


def find_bounds(tested: EvaluationSet, images: ImageScores, wish: Limits) -> ThresholdsFound:
    """The thresholds of `find_policy`, from the scores of the images."""
    groups = score_groups(tested, images)
    escape, overkill = escape_side(groups, wish), overkill_side(groups, wish)
    if np.isnan(groups.overkill).all():
        escape = _without_good(escape)
    curve: tuple[CostPoint, ...] = ()
    if wish.costs is None:
        pass_at, reject_at = find_thresholds(groups, escape, overkill)
    else:
        pass_at, reject_at, curve = _cheapest(tested, images, wish, escape, overkill)
    return ThresholdsFound(
        pass_at=None if pass_at is None or pass_at < 0 else pass_at,
        reject_at=None if reject_at is None or reject_at >= 1 else reject_at,
        statements=(*escape.statements(pass_at), *overkill.statements(reject_at)),
        cost_curve=curve,
    )


def _without_good(escape: LimitedSide) -> LimitedSide:
    """Nothing passes where no good image was tested: a threshold that none has ever come through parts good from nothing."""
    stated = (one.model_copy(update={"kept": False, "threshold": None}) for one in escape.statements(None))
    return LimitedSide("escape", tuple(stated), None)


def _cheapest(
    tested: EvaluationSet, images: ImageScores, wish: Limits, escape: LimitedSide, overkill: LimitedSide
) -> tuple[float | None, float | None, tuple[CostPoint, ...]]:
    """Thresholds of least expected cost that keep every limit, and the curve; None where nothing is to be answered so."""
    defective = tested.defective
    if wish.costs is None or wish.defect_share is None or defective.all() or not defective.any():
        return None, None, ()  # of a kind that was not tested, nobody knows what a threshold costs
    seen = np.unique(tested.p_defect)
    own = [side.ratio.candidates for side in (escape, overkill) if side.ratio is not None]
    ends = [end for end in (escape.end, overkill.end) if end is not None]
    levels = np.unique(np.concatenate([[-MARGIN, 1.0], (seen[1:] + seen[:-1]) / 2, ends, *own]).clip(-MARGIN, 1.0))
    expected = expected_costs(tested, images, wish.costs, wish.defect_share, levels)
    may_reject = overkill.allows(levels)
    passing, rejecting = expected.cheapest(escape.allows(levels), may_reject)
    return (
        float(levels[passing]) if passing else None,
        float(levels[rejecting]) if rejecting < levels.size - 1 else None,
        expected.curve(may_reject, passing),
    )


def _share_below(scores: Floats, thresholds: Floats) -> Floats:
    """Share of the scores, nan aside, that are at most each threshold."""
    ordered = np.sort(scores[~np.isnan(scores)])
    return np.asarray(np.searchsorted(ordered, thresholds, "right") / max(1, ordered.size))


def _check_classes(where: str, named: Iterable[str], classes: tuple[str, ...]) -> None:
    for name in named:
        if name not in classes:
            raise UserError(f"`{where}={name}`: no defect class is named so; {nearest(name, classes)}")


def _delta(wish: Limits) -> float:
    return 1 - wish.confidence
