"""How much each member adds: its own score, and the ensemble with it and without it."""

from dataclasses import dataclass

from steelsight.recipe import Step
from steelsight.selection.decision import Contribution, Decision, MemberScore


@dataclass(frozen=True)
class MemberScoreRow:
    """One member; a figure is nan where there is nothing to tell.

    Attributes:
        score: accuracy at P = 0.5 (classify) or soft Dice per image with a defect (segment), out of fold.
        lowest, highest: the same in its worst and best fold.
        folds: for which it was chosen.
        adds, adds_defective: Dice, and Dice of pairs with a defect, of the ensemble minus those without the member; nan
            where it is the only one of its step, or not in the ensemble.
        alone: Dice with it as the only one of its step.
    """

    name: str
    step: Step
    score: float
    lowest: float
    highest: float
    folds: str
    adds: float
    adds_defective: float
    alone: float


@dataclass(frozen=True)
class MembersView:
    """What the template reads; `incomplete` members lack the evidence of some fold."""

    rows: tuple[MemberScoreRow, ...]
    incomplete: tuple[str, ...]


def members_view(decision: Decision, folds: int) -> MembersView:
    """Rows in the recipe's order; the rule is the kept one, not searched again for each ensemble."""
    contributions = {contribution.member: contribution for contribution in decision.contributions}
    return MembersView(
        rows=tuple(_row(decision, score, contributions.get(score.member), folds) for score in decision.member_scores),
        incomplete=decision.incomplete,
    )


def _row(decision: Decision, score: MemberScore, contribution: Contribution | None, folds: int) -> MemberScoreRow:
    known = [value for value in score.per_fold if value is not None]
    chosen = [fold for fold in range(folds) if score.member in _flat(decision.members_of(fold))]
    return MemberScoreRow(
        name=score.member,
        step=score.step,
        score=_number(score.score),
        lowest=min(known, default=float("nan")),
        highest=max(known, default=float("nan")),
        folds="all" if len(chosen) == folds else ", ".join(map(str, chosen)) or "none",
        adds=decision.figures.dice - _number(contribution.without_dice if contribution else None),
        adds_defective=_number(decision.figures.defective_dice)
        - _number(contribution.without_defective_dice if contribution else None),
        alone=_number(contribution.alone_dice if contribution else None),
    )


def _flat(members: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
    return members[0] + members[1]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
