"""Section Verdicts, the first page, for the person who signs: what was tested, what is promised, and what slips through."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.decision.digits import percent
from steelsight.decision.outcome import give_verdicts
from steelsight.decision.policy import Answer, Policy
from steelsight.decision.severity import judge_severity
from steelsight.decision.standing import Standing, standing
from steelsight.decision.tested import Tested
from steelsight.decision.wording import thresholds_text
from steelsight.metrics.binomial import clopper_pearson_lower, clopper_pearson_upper
from steelsight.metrics.intervals import Interval, bootstrap_interval
from steelsight.report.gallery import PredictedMasks
from steelsight.report.ink import class_names
from steelsight.report.lost import Lost, escapes_of, overkill_of
from steelsight.report.signing_plots import cost_plot, trade_off_plot, zones_plot
from steelsight.report.signing_words import (
    StatementRow,
    calibration_line,
    costs_line,
    shortfall,
    statement_row,
    what_bounds_mean,
    when_bounds_end,
)

_ANSWERS: tuple[Answer, ...] = ("pass", "review", "reject")


@dataclass(frozen=True)
class Share:
    """A share of the tested images or groups, with its 95 % interval.

    Attributes:
        of: the counts that it is made of.
    """

    name: str
    value: float
    interval: Interval
    of: str


@dataclass(frozen=True)
class TestedRow:
    """Images of one kind, and what becomes of them.

    Attributes:
        counts: images that pass, go to review and are rejected.
        marks: how each count is to be seen: `hit`, `miss` or `open`; empty where it is neither right nor wrong.
    """

    name: str
    images: int
    groups: int
    counts: tuple[int, int, int]
    marks: tuple[str, str, str]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the images of this kind; nan where there are none."""
        return tuple(count / self.images if self.images else float("nan") for count in self.counts)


@dataclass(frozen=True)
class SigningView:
    """What the template of this section reads.

    Attributes:
        bound: whether kept bounds are bounds, and not mere estimates.
        expected: shares that pass, go to review and are rejected on strip of which the stated share is defective; None
            where none is stated, or images of a kind are missing.
        shortfalls: of each bound that is not kept, what it would take and what happens until then.
        reasons: why images go to review, with how many do for it.
    """

    headline: str
    bound: bool
    standing: Standing
    confidence: str
    images: int
    groups: int
    defective_groups: int
    good_groups: int
    rows: tuple[TestedRow, ...]
    defect_share: str | None
    expected: tuple[float, ...] | None
    statements: tuple[StatementRow, ...]
    shortfalls: tuple[str, ...]
    shares: tuple[Share, ...]
    reasons: tuple[tuple[str, int], ...]
    escapes: Lost
    overkill: Lost
    zones: Markup
    trade_off: Markup | None
    costs: Markup | None
    means: tuple[str, ...]
    ends: tuple[str, ...]
    calibration: str
    costs_given: str | None
    severity: tuple[str, ...]


def signing_view(policy: Policy, tested: Tested, samples: Sequence[Sample], predicted: PredictedMasks) -> SigningView:
    """Put the page together.

    Args:
        tested: the images that the policy rests on.
        samples: the same images, in the same order.
        predicted: position of an image -> what the inspector marks on it.
    """
    judged = give_verdicts(policy, tested)
    answers = np.array([one.answer for one in judged])
    rows = _rows(tested, answers)
    outcome, share = policy.outcome, policy.wish.defect_share
    return SigningView(
        headline=thresholds_text(policy),
        bound=policy.is_guaranteed,
        standing=standing(policy),
        confidence=percent(policy.wish.confidence),
        images=outcome.images,
        groups=outcome.groups,
        defective_groups=outcome.defective_groups,
        good_groups=outcome.good_groups,
        rows=rows,
        defect_share=None if share is None else percent(share),
        expected=None if share is None else _expected(rows[0], rows[1], share),
        statements=tuple(statement_row(one, policy.wish) for one in policy.statements),
        shortfalls=tuple(shortfall(one, policy) for one in policy.statements if not one.kept),
        shares=(*_lost_shares(policy), _review_share(tested, answers)),
        reasons=_reasons(policy, tested, answers),
        escapes=escapes_of(policy, tested, samples),
        overkill=overkill_of(policy, tested, samples, predicted, [one.reason for one in judged]),
        zones=zones_plot(policy, tested, answers),
        trade_off=trade_off_plot(policy, tested),
        costs=cost_plot(policy),
        means=what_bounds_mean(policy),
        ends=when_bounds_end(policy),
        calibration=calibration_line(policy.calibration),
        costs_given=costs_line(policy.wish),
        severity=() if policy.severity is None else tuple(rule.text for rule in policy.severity.rules),
    )


def _rows(tested: Tested, answers: NDArray[np.str_]) -> tuple[TestedRow, ...]:
    """Good images, defective ones, and where there are several classes those of each."""
    defective, names = tested.defective, class_names(tested.classes)
    kinds = [("no defect", ~defective, ("hit", "open", "miss")), ("with a defect", defective, ("miss", "open", "hit"))]
    if len(names) > 1:
        kinds += [(name, tested.truth[:, at] > 0, ("", "", "")) for at, name in enumerate(names)]
    return tuple(
        TestedRow(
            name=name,
            images=int(chosen.sum()),
            groups=np.unique(tested.groups[chosen]).size,
            counts=_three(int((answers[chosen] == answer).sum()) for answer in _ANSWERS),
            marks=marks,
        )
        for name, chosen, marks in kinds
    )


def _expected(good: TestedRow, defective: TestedRow, share: float) -> tuple[float, ...] | None:
    """What becomes of strip with another share of defective images than the tested ones."""
    if not good.images or not defective.images:
        return None
    return tuple(share * bad + (1 - share) * fine for fine, bad in zip(good.shares, defective.shares, strict=True))


def _lost_shares(policy: Policy) -> tuple[Share, Share]:
    """Escapes and overkill, by twin groups: the exact interval does not vanish where nothing is lost."""
    of = policy.outcome
    return (
        _share("Escapes", of.escaped_groups, of.defective_groups, len(of.escapes), "defective"),
        _share("Overkill", of.overkilled_groups, of.good_groups, len(of.overkills), "good"),
    )


def _share(name: str, lost: int, groups: int, images: int, kind: str) -> Share:
    counted = f"{lost:,} of {groups:,} {kind} groups" + (f", {images:,} images" if images != lost else "")
    return Share(name, lost / groups if groups else float("nan"), exact_interval(lost, groups), counted)


def exact_interval(lost: int, groups: int) -> Interval:
    """Clopper and Pearson's 95 % interval of a share; nan where there is nothing to take it of.

    >>> tuple(round(end, 3) for end in exact_interval(0, 30))
    (0.0, 0.116)
    """
    if not groups:
        return Interval(float("nan"), float("nan"))
    return Interval(clopper_pearson_lower(lost, groups, 0.025), clopper_pearson_upper(lost, groups, 0.025))


def _review_share(tested: Tested, answers: NDArray[np.str_]) -> Share:
    """Images that a person sees; where it is all or none of them, groups say how far that may be off."""
    seen = answers == "review"
    interval = bootstrap_interval(seen.astype(np.float64), tested.groups)
    if seen.all() or not seen.any():
        groups = np.unique(tested.groups).size
        interval = exact_interval(groups if seen.any() else 0, groups)
    return Share("To a person", float(seen.mean()), interval, f"{int(seen.sum()):,} of {seen.size:,} images")


def _reasons(policy: Policy, tested: Tested, answers: NDArray[np.str_]) -> tuple[tuple[str, int], ...]:
    """Why images go to review, the commonest first, in the order in which `give_verdict` asks."""
    counts: Counter[str] = Counter()
    for at in np.flatnonzero(answers == "review").tolist():
        height, width = tested.sizes[at].tolist()
        severe = policy.severity and judge_severity(
            policy.severity, tested.classes, tested.regions[at], (height, width)
        )
        if severe:
            counts["a severity rule asks for it"] += 1
        elif policy.pass_at is None:
            counts["no image passes"] += 1
        elif tested.p_defect[at] > policy.pass_at:
            counts["P(defect) is above the pass bound"] += 1
        else:
            counts["P(defect) would pass, yet a defect is marked"] += 1
    return tuple(counts.most_common())


def _three(counts: Iterable[int]) -> tuple[int, int, int]:
    passed, review, rejected = counts
    return passed, review, rejected
