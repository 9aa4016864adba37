"""How steady each threshold is: the rule chosen without each fold, beside the one chosen on all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from steelsight.decision.rule import Rule
from steelsight.report.ink import BLUE, GREY, ORANGE, RED, new_figure, plain, quiet, styled, svg


@dataclass(frozen=True)
class RuleRow:
    """A rule as the table shows it; `values` holds per class (upper, lower, minimum area), thresholds in [0, 1]."""

    name: str
    gate: float
    values: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class RulesView:
    """What the template reads."""

    classes: tuple[str, ...]
    rows: tuple[RuleRow, ...]
    plot: Markup


def rules_view(tuned: Rule, by_fold: Mapping[int, Rule], plain_rule: Rule, classes: Sequence[str]) -> RulesView:
    """Table and strip plot; `by_fold` holds for each fold the rule chosen on the others."""
    rows = [_row(f"without fold {fold}", rule) for fold, rule in sorted(by_fold.items())]
    return RulesView(
        classes=tuple(classes),
        rows=(*rows, _row("all folds (used)", tuned), _row("plain", plain_rule)),
        plot=_plot(tuned, [rule for _, rule in sorted(by_fold.items())], plain_rule, classes),
    )


def _row(name: str, rule: Rule) -> RuleRow:
    values = zip(rule.upper, rule.lower, rule.min_area, strict=True)
    return RuleRow(name, rule.gate, tuple((upper / 255, lower / 255, area) for upper, lower, area in values))


def _plot(tuned: Rule, others: Sequence[Rule], plain_rule: Rule, classes: Sequence[str]) -> Markup:
    with styled():
        figure = new_figure(8.6, 1.2 + 0.34 * len(classes))
        gate, upper, lower, area = figure.subplots(1, 4, width_ratios=(0.8, 1, 1, 1))
        _strip(gate, "gate", [(rule.gate,) for rule in others], (tuned.gate,), (plain_rule.gate,), [""])
        _strip(upper, "upper threshold", *_shares(others, tuned, plain_rule, "upper"), classes)
        _strip(lower, "lower threshold", *_shares(others, tuned, plain_rule, "lower"), [""] * len(classes))
        areas = [rule.min_area for rule in others]
        _strip(area, "minimum area, pixels", areas, tuned.min_area, plain_rule.min_area, [""] * len(classes))
        area.set_xscale("log")
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
