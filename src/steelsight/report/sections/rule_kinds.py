"""Which kind of rule is kept, and by which figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from steelsight.report.sections.thresholds import ThresholdsView, thresholds_view
from steelsight.rule.kinds import PLAIN, KindName, kind_named
from steelsight.rule.rule import Rule
from steelsight.selection.decision import Candidate, Decision


@dataclass(frozen=True)
class KindRow:
    """One kind of rule: its figures on the images it was found on, and nested."""

    kind: KindName
    searched: str
    dice: float
    nested_dice: float
    nested_defective: float
    nested_false_alarms: float
    kept: bool
    chosen_in: int


@dataclass(frozen=True)
class RulesView:
    """What the template reads.

    Attributes:
        plain: whether the plain rule is kept.
        folds: how many.
        softness, gate: of the kept rule; softness 1: its gate is hard.
        in_blocks: whether the kept rule cuts masks at the working size.
    """

    kinds: tuple[KindRow, ...]
    reason: str
    plain: bool
    folds: int
    softness: float
    gate: float
    in_blocks: bool
    thresholds: ThresholdsView


def rules_view(decision: Decision, plain_rule: Rule, classes: Sequence[str]) -> RulesView:
    """Table of kinds, then every threshold of the kept one, or of the richest where the plain rule is kept."""
    return RulesView(
        kinds=tuple(_kind_row(decision, candidate) for candidate in decision.candidates),
        reason=decision.reason.rstrip("."),
        plain=decision.kept == PLAIN,
        folds=len(decision.nested.folds),
        softness=decision.rule.softness,
        gate=decision.rule.gate,
        in_blocks=decision.rule.at == "working",
        thresholds=thresholds_view(decision, plain_rule, classes),
    )


def _kind_row(decision: Decision, candidate: Candidate) -> KindRow:
    judged = candidate.nested.figures
    return KindRow(
        kind=candidate.kind,
        searched=kind_named(candidate.kind).says,
        dice=candidate.figures.dice,
        nested_dice=judged.dice,
        nested_defective=float("nan") if judged.defective_dice is None else judged.defective_dice,
        nested_false_alarms=float("nan") if judged.false_alarm_share is None else judged.false_alarm_share,
        kept=candidate.kind == decision.kept,
        chosen_in=sum(of.kind == candidate.kind for of in decision.nested.folds),
    )
