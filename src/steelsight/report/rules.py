"""Which kind of rule the evidence bears, and how steady each threshold is from fold to fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from steelsight.decision.candidates import Kind
from steelsight.decision.decision import Candidate, Decision
from steelsight.decision.rule import Rule
from steelsight.report.ink import BLUE, GREY, ORANGE, RED, WIDE, log_axis, new_figure, plain, quiet, styled, svg

SEARCHED: dict[Kind, str] = {
    "defaults": "nothing: the plain rule",
    "gate": "the gate",
    "shared": "the gate, and one upper, lower and area for all classes",
    "tuned": "the gate, and upper, lower and area of each class",
}


@dataclass(frozen=True)
class KindRow:
    """One kind of rule: its Dice on the images it was found on, and nested (then with its companions)."""

    kind: Kind
    searched: str
    dice: float
    nested_dice: float
    nested_defective: float
    nested_false_alarms: float
    kept: bool
    chosen_in: int


@dataclass(frozen=True)
class RuleRow:
    """One parameter, as text: chosen without each fold, on all folds, kept, plain.

    Attributes:
        name: the class, empty where it is the same as above.
        first: whether a line is drawn above.
    """

    name: str
    parameter: str
    values: tuple[str, ...]
    first: bool


@dataclass(frozen=True)
class RulesView:
    """What the template reads."""

    kinds: tuple[KindRow, ...]
    reason: str
    folds: tuple[int, ...]
    rows: tuple[RuleRow, ...]
    plot: Markup


def rules_view(decision: Decision, plain_rule: Rule, classes: Sequence[str]) -> RulesView:
    """Table of kinds, then table and strip plot of the richest kind, whose every threshold is searched."""
    richest = decision.candidate("tuned")
    by_fold = sorted(richest.nested.folds, key=lambda of: of.fold)
    others = [of.rule for of in by_fold]
    every = (*others, richest.rule, decision.rule, plain_rule)
    rows = [RuleRow("", "gate", tuple(f"{rule.gate:.2f}" for rule in every), True)]
    for index, name in enumerate(classes):
        rows += (
            RuleRow(name, "upper threshold", tuple(f"{rule.upper[index] / 255:.2f}" for rule in every), True),
            RuleRow("", "lower threshold", tuple(f"{rule.lower[index] / 255:.2f}" for rule in every), False),
            RuleRow("", "minimum area", tuple(f"{rule.min_area[index]:,}" for rule in every), False),
        )
    return RulesView(
        kinds=tuple(_kind_row(decision, candidate) for candidate in decision.candidates),
        reason=decision.reason.rstrip("."),
        folds=tuple(of.fold for of in by_fold),
        rows=tuple(rows),
        plot=_plot(richest.rule, others, plain_rule, classes),
    )


def _kind_row(decision: Decision, candidate: Candidate) -> KindRow:
    judged = candidate.nested.figures
    return KindRow(
        kind=candidate.kind,
        searched=SEARCHED[candidate.kind],
        dice=candidate.figures.dice,
        nested_dice=judged.dice,
        nested_defective=float("nan") if judged.defective_dice is None else judged.defective_dice,
        nested_false_alarms=float("nan") if judged.false_alarm_share is None else judged.false_alarm_share,
        kept=candidate.kind == decision.kept,
        chosen_in=sum(of.kind == candidate.kind for of in decision.nested.folds),
    )


def _plot(tuned: Rule, others: Sequence[Rule], plain_rule: Rule, classes: Sequence[str]) -> Markup:
    blank = [""] * len(classes)
    with styled():
        figure = new_figure(WIDE, 1.2 + 0.34 * len(classes))
        gate, upper, lower, area = figure.subplots(1, 4, width_ratios=(0.8, 1, 1, 1))
        _strip(gate, "gate", [(rule.gate,) for rule in others], (tuned.gate,), (plain_rule.gate,), [""])
        _strip(upper, "upper threshold", *_shares(others, tuned, plain_rule, "upper"), classes)
        _strip(lower, "lower threshold", *_shares(others, tuned, plain_rule, "lower"), blank)
        areas = [rule.min_area for rule in others]
        _strip(area, "minimum area, pixels", areas, tuned.min_area, plain_rule.min_area, blank)
        log_axis(area, "x", [*tuned.min_area, *plain_rule.min_area, *(size for sizes in areas for size in sizes)])
        for axes in (gate, upper, lower):
            axes.set_xlim(-0.03, 1.03)
        handles, names = gate.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        return svg(figure, "Thresholds of the rule from fold to fold")


def _shares(
    others: Sequence[Rule], tuned: Rule, plain_rule: Rule, field: str
) -> tuple[list[tuple[float, ...]], tuple[float, ...], tuple[float, ...]]:
    every = [tuple(value / 255 for value in getattr(rule, field)) for rule in (*others, tuned, plain_rule)]
    return every[:-2], every[-2], every[-1]


def _strip(
    axes: Axes,
    title: str,
    others: Sequence[Sequence[float]],
    tuned: Sequence[float],
    plain_values: Sequence[float],
    names: Sequence[str],
) -> None:
    places = np.arange(len(names))
    axes.set_title(title)
    quiet(axes, grid="x")
    axes.plot(plain_values, places, "s", markerfacecolor="none", color=ORANGE, markersize=7, label="plain rule")
    axes.plot(tuned, places, "|", color=RED, markersize=17, markeredgewidth=2, label="chosen on all folds")
    for number, values in enumerate(others):
        shift = (number - (len(others) - 1) / 2) * 0.1
        label = "chosen without one fold" if number == 0 else None
        axes.plot(values, places + shift, "o", color=BLUE, markersize=4, alpha=0.85, label=label)
    axes.set_yticks(places.tolist(), [plain(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for place in places[:-1]:
        axes.axhline(place + 0.5, color=GREY, linewidth=0.3)
