"""What is found against false alarms: the whole curve, the chosen point on it, and the figures of every objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from markupsafe import Markup

from steelsight.plots.style import BLUE, ORANGE, new_figure, quiet, styled, svg
from steelsight.rule.objective import Objective, ObjectiveName
from steelsight.selection.decision import CurvePoint, Decision, MaskFigures


@dataclass(frozen=True)
class ObjectiveRow:
    """One objective: what it is, its nested score, and whether the rule was searched for it."""

    aim: ObjectiveName
    name: str
    score: float
    chosen: bool


@dataclass(frozen=True)
class FoundPoint:
    """A point of the curve, judged nested; nan where there is no such pair.

    Attributes:
        limit: on false alarms, in the search.
        alarms: share of the empty pairs that were marked.
        found: share of the pairs with a defect in which some pixel was rightly marked.
        dice: mean Dice of the pairs with a defect.
    """

    limit: float
    alarms: float
    found: float
    dice: float


@dataclass(frozen=True)
class FoundView:
    """What the template reads; `plot` is None where no curve is stored, in decisions of before."""

    rows: tuple[ObjectiveRow, ...]
    points: tuple[FoundPoint, ...]
    plot: Markup | None


def found_view(decision: Decision) -> FoundView:
    """Of the nested answers of a decision."""
    limit = decision.objective.max_false_alarms
    rows = tuple(
        ObjectiveRow(aim, Objective(aim=aim, max_false_alarms=limit).name, score, aim == decision.objective.aim)
        for aim, score in decision.scores.items()
    )
    points = tuple(_point(point) for point in decision.curve)
    plot = _plot(points, decision.nested.figures) if points else None
    return FoundView(rows, points, plot)


def _point(point: CurvePoint) -> FoundPoint:
    shares = (point.false_alarm_share, point.found_share, point.defective_dice)
    return FoundPoint(point.max_false_alarms, *(nan if share is None else share for share in shares))


def _plot(points: Sequence[FoundPoint], chosen: MaskFigures) -> Markup:
    drawn = sorted((100 * point.alarms, point.dice, point.found) for point in points)
    with styled():
        figure = new_figure(5.2, 2.8)
        axes = figure.subplots()
        alarms, dice, found = zip(*drawn, strict=True)
        axes.plot(alarms, found, color=ORANGE, marker="o", markersize=3, label="share found (any overlap)")
        axes.plot(alarms, dice, color=BLUE, marker="o", markersize=3, label="Dice of pairs with a defect")
        if chosen.false_alarm_share is not None and chosen.defective_dice is not None:
            at = 100 * chosen.false_alarm_share, chosen.defective_dice
            axes.plot(*at, "D", color=BLUE, markersize=8, markeredgecolor="white", label="the chosen rule, nested")
        axes.set_xlabel("false alarms, % of the empty pairs")
        axes.set_ylabel("of the pairs with a defect")
        axes.set_ylim(-0.02, 1.02)
        axes.set_title("Found against false alarms")
        quiet(axes, grid="both")
        axes.legend(loc="best")
        return svg(figure, "Share of defects found and their Dice against false alarms")
