"""Section Verdicts, the first page, for the person who signs: what was tested, what is promised, and what slips through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from steelsight.core.formatting import percent
from steelsight.dataset.model import Sample
from steelsight.report.sections.defect_table import DefectTable
from steelsight.report.sections.gallery import PredictedMasks
from steelsight.report.sign_off.counts import Share, TestedRow, count_rows, expected_shares, shares_of, why_review
from steelsight.report.sign_off.lost_images import Lost, escapes_of, overkill_of
from steelsight.report.sign_off.plots import cost_plot, trade_off_plot, zones_plot
from steelsight.report.sign_off.text import (
    StatementRow,
    calibration_line,
    costs_line,
    shortfall,
    statement_row,
    what_bounds_mean,
    when_bounds_end,
)
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.guarantee import Guarantee, guarantee_of
from steelsight.verdicts.outcome import give_verdicts
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.text import (
    both_text,
    group_text,
    groups_text,
    stability_text,
    thresholds_text,
    truth_text,
    unusual_text,
)


@dataclass(frozen=True)
class Subject:
    """What is signed for, and where to look further.

    Attributes:
        name: it and its fingerprint, for the line to sign.
        unreadable: what follows the number of images whose picture is missing.
        named_in: the file that names all that is lost.
        note: on the pictures of what is lost; None where they need none.
    """

    name: str
    unreadable: str
    named_in: str
    note: str | None = None


@dataclass(frozen=True)
class SigningView:
    """What the template of this section reads.

    Attributes:
        bound: whether kept bounds are bounds, and not mere estimates.
        groups, group: how many groups were tested, and what one is.
        both_kinds: of the groups that count as defective and as good; None where there are none.
        truth: how many defective images have masks and how many a label alone; None where all have masks.
        unusual: how many images are; None where none is.
        expected: shares that pass, go to review and are rejected on strip of which the stated share is defective; None
            where none is stated, or images of a kind are missing.
        shortfalls: of each bound that is not kept, what it would take and what happens until then.
        reasons: why images go to review, with how many do for it.
        defects: connected defects found and false alarms; None where the tested images were written before it was known.
    """

    subject: Subject
    headline: str
    bound: bool
    guarantee: Guarantee
    confidence: str
    images: int
    groups: str
    group: str
    both_kinds: str | None
    defective_groups: int
    good_groups: int
    truth: str | None
    unusual: str | None
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
    stability: str | None
    calibration: str
    costs_given: str | None
    severity: tuple[str, ...]
    defects: DefectTable | None


def signing_view(
    policy: Policy,
    tested: EvaluationSet,
    samples: Sequence[Sample] | None,
    predicted: PredictedMasks,
    subject: Subject,
    defects: DefectTable | None = None,
) -> SigningView:
    """Put the page together.

    Args:
        tested: the images that the policy rests on.
        samples: the same images, in the same order; None where none is at hand, and names must do.
        predicted: position of an image -> what the inspector marks on it.
        defects: of the same images, by the rule that marks.
    """
    judged = give_verdicts(policy, tested)
    answers = np.array([one.answer for one in judged])
    rows = count_rows(tested, answers)
    outcome, share = policy.outcome, policy.wish.defect_share
    return SigningView(
        subject=subject,
        headline=thresholds_text(policy),
        bound=policy.is_guaranteed,
        guarantee=guarantee_of(policy),
        confidence=percent(policy.wish.confidence),
        images=outcome.images,
        groups=groups_text(outcome.groups, policy.grouped_by),
        group=group_text(policy.grouped_by),
        both_kinds=both_text(outcome),
        defective_groups=outcome.defective_groups,
        good_groups=outcome.good_groups,
        truth=truth_text(policy),
        unusual=unusual_text(policy),
        rows=rows,
        defect_share=None if share is None else percent(share),
        expected=None if share is None else expected_shares(rows[0], rows[1], share),
        statements=tuple(statement_row(one, policy.wish) for one in policy.statements),
        shortfalls=tuple(shortfall(one, policy) for one in policy.statements if not one.kept),
        shares=shares_of(policy, tested, answers),
        reasons=why_review(policy, tested, answers),
        escapes=escapes_of(policy, tested, samples),
        overkill=overkill_of(policy, tested, samples, predicted, [one.reason for one in judged]),
        zones=zones_plot(policy, tested, answers),
        trade_off=trade_off_plot(policy, tested),
        costs=cost_plot(policy),
        means=what_bounds_mean(policy),
        ends=when_bounds_end(policy),
        stability=stability_text(policy),
        calibration=calibration_line(policy),
        costs_given=costs_line(policy),
        severity=() if policy.severity is None else tuple(rule.text for rule in policy.severity.rules),
        defects=defects,
    )
