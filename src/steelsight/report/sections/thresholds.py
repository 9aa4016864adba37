"""How steady each threshold is: searched without each fold, and on images drawn anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from steelsight.plots.style import BLUE, GREY, ORANGE, RED, WIDE, log_axis, new_figure, plain, quiet, styled, svg
from steelsight.rule.bootstrap import RuleStability, ValueInterval
from steelsight.rule.kinds import PLAIN, PUBLISHED, RICHEST, KindName, kind_named
from steelsight.rule.rule import Rule
from steelsight.selection.decision import Decision

Parameter = Literal["gate", "softness", "upper threshold", "lower threshold", "minimum area"]

FIELDS: dict[Parameter, str] = {
    "gate": "gate",
    "softness": "softness",
    "upper threshold": "upper",
    "lower threshold": "lower",
    "minimum area": "min_area",
}
"""Of a rule, and of its stability."""

WIDTHS: dict[Parameter, float] = {"gate": 0.8, "softness": 0.6}
"""Of a strip, where not 1."""

COARSE = "95 % of the draws"


@dataclass(frozen=True)
class SearchedValue:
    """One searched value; thresholds as probabilities, areas in pixels.

    Attributes:
        name: the class, "all classes" where they share it, empty where it is of the whole rule.
        without: searched without each fold.
        everywhere: searched on all folds.
        plain: of the plain rule.
        drawn: 95 % interval over draws; None where nothing was drawn, or only one value was tried.
    """

    name: str
    parameter: Parameter
    without: tuple[float, ...]
    everywhere: float
    plain: float
    drawn: tuple[float, float] | None


@dataclass(frozen=True)
class ThresholdRow:
    """A line of the table, as text; `name` is empty where it is the same as above, `first` draws a line above."""

    name: str
    parameter: Parameter
    without: tuple[str, ...]
    everywhere: str
    drawn: str
    plain: str
    first: bool


@dataclass(frozen=True)
class ThresholdsView:
    """What the template reads.

    Attributes:
        kind: whose values these are: the kept one's, or those that were not kept where the plain rule is.
        stability: of the draws; None where none were made.
        gates: that the draws were searched at, as text.
    """

    kind: KindName
    kept: bool
    folds: tuple[int, ...]
    stability: RuleStability | None
    gates: str
    rows: tuple[ThresholdRow, ...]
    plot: Markup


def thresholds_view(decision: Decision, plain_rule: Rule, classes: Sequence[str]) -> ThresholdsView:
    """Table and strip plot of every value that the shown kind of rule searches."""
    drawn = decision.stability
    searched = {candidate.kind for candidate in decision.candidates}
    unsearched = decision.kept if decision.kept in (PLAIN, PUBLISHED) else PLAIN
    kind = drawn.kind if drawn else RICHEST if RICHEST in searched else unsearched  # where no search was wanted
    found = searched_values(decision, kind, plain_rule, classes)
    return ThresholdsView(
        kind=kind,
        kept=kind == decision.kept,
        folds=tuple(sorted(of.fold for of in decision.nested.folds)),
        stability=drawn,
        gates=", ".join(f"{gate:g}" for gate in drawn.gates) if drawn else "",
        rows=tuple(_row(one, before) for one, before in zip(found, (None, *found), strict=False)),
        plot=_plot(found),
    )


def searched_values(
    decision: Decision, kind: KindName, plain_rule: Rule, classes: Sequence[str]
) -> tuple[SearchedValue, ...]:
    """Every value that a kind of rule searches, gate first, then class by class."""
    candidate = decision.candidate(kind)
    rules = [of.rule for of in sorted(candidate.nested.folds, key=lambda of: of.fold)]
    drawn = decision.stability if decision.stability and decision.stability.kind == kind else None

    def value(name: str, parameter: Parameter, index: int | None) -> SearchedValue:
        *without, everywhere, of_plain = (_of(rule, parameter, index) for rule in (*rules, candidate.rule, plain_rule))
        return SearchedValue(name, parameter, tuple(without), everywhere, of_plain, _drawn(drawn, parameter, index))

    found = [value("", "gate", None)]
    if kind_named(kind).soft:
        found.append(value("", "softness", None))
    match kind_named(kind).searched:
        case "gate and thresholds of each class":
            names = tuple(classes)
        case "nothing" if kind == PUBLISHED:
            names = tuple(classes)
        case "gate and shared thresholds":
            names = ("all classes",)
        case "gate" | "nothing":
            names = ()
    per_class: tuple[Parameter, ...] = ("upper threshold", "lower threshold", "minimum area")
    found += [value(name, parameter, index) for index, name in enumerate(names) for parameter in per_class]
    return tuple(found)


def _of(rule: Rule, parameter: Parameter, index: int | None) -> float:
    values = getattr(rule, FIELDS[parameter])
    return float(values) if index is None else values[index] / _unit(parameter)


def _drawn(stability: RuleStability | None, parameter: Parameter, index: int | None) -> tuple[float, float] | None:
    if stability is None or (parameter == "softness" and len(stability.softnesses) < 2):
        return None  # a value that was tried alone cannot move
    of_field = getattr(stability, FIELDS[parameter])
    drawn: ValueInterval | None = of_field[index] if of_field and index is not None else of_field
    return (drawn.low / _unit(parameter), drawn.high / _unit(parameter)) if drawn else None


def _unit(parameter: Parameter) -> int:
    return 255 if parameter in ("upper threshold", "lower threshold") else 1


def _row(one: SearchedValue, before: SearchedValue | None) -> ThresholdRow:
    first = before is None or one.name != before.name
    return ThresholdRow(
        name=one.name if first else "",
        parameter=one.parameter,
        without=tuple(_text(value, one.parameter) for value in one.without),
        everywhere=_text(one.everywhere, one.parameter),
        drawn=" to ".join(_text(end, one.parameter) for end in one.drawn) if one.drawn else "–",
        plain=_text(one.plain, one.parameter),
        first=first,
    )


def _text(value: float, parameter: Parameter) -> str:
    match parameter:
        case "minimum area":
            return f"{value:,.0f}"
        case "softness":
            return f"{value:g}"
        case _:
            return f"{value:.2f}"


def _plot(found: Sequence[SearchedValue]) -> Markup:
    parameters = [name for name in FIELDS if any(one.parameter == name for one in found)]
    if len({value for one in found if one.parameter == "softness" for value in (*one.without, one.everywhere)}) < 2:
        parameters = [name for name in parameters if name != "softness"]  # one value alone was tried
    rows = max(sum(one.parameter == name for one in found) for name in parameters)
    with styled():
        figure = new_figure(WIDE * (0.25 + 0.25 * min(3, len(parameters) - 1)), 1.2 + 0.34 * rows)
        widths = [WIDTHS.get(name, 1.0) for name in parameters]
        grid = figure.subplots(1, len(parameters), width_ratios=widths, squeeze=False)[0]
        named = False
        for axes, parameter in zip(grid, parameters, strict=True):
            of_strip = [one for one in found if one.parameter == parameter]
            show = not named and any(one.name for one in of_strip)
            _strip(axes, parameter, of_strip, show)
            named = named or show
        handles, names = grid[0].get_legend_handles_labels()
        columns = len(names) if len(parameters) > 1 else 1
        figure.legend(handles, names, loc="outside lower center", ncols=columns)
        return svg(figure, "Thresholds of the rule, from fold to fold and from draw to draw")


def _strip(axes: Axes, parameter: Parameter, found: Sequence[SearchedValue], named: bool) -> None:
    places = np.arange(len(found))
    axes.set_title("minimum area, pixels" if parameter == "minimum area" else parameter)
    quiet(axes, grid="x")
    for place, one in zip(places, found, strict=True):
        if one.drawn:
            label = COARSE if place == 0 else None
            axes.plot(
                one.drawn, (place, place), color=GREY, alpha=0.35, linewidth=9, solid_capstyle="butt", label=label
            )
    axes.plot(
        [one.plain for one in found],
        places,
        "s",
        markerfacecolor="none",
        color=ORANGE,
        markersize=7,
        label="plain rule",
    )
    tuned = [one.everywhere for one in found]
    axes.plot(tuned, places, "|", color=RED, markersize=17, markeredgewidth=2, label="chosen on all folds")
    folds = len(found[0].without)
    for number in range(folds):
        shift = (number - (folds - 1) / 2) * 0.1
        label = "chosen without one fold" if number == 0 else None
        of_fold = [one.without[number] for one in found]
        axes.plot(of_fold, places + shift, "o", color=BLUE, markersize=4, alpha=0.85, label=label)
    axes.set_yticks(places.tolist(), [plain(one.name) if named else "" for one in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for place in places[:-1]:
        axes.axhline(place + 0.5, color=GREY, linewidth=0.3)
    if parameter == "minimum area":
        ends = [end for one in found for end in one.drawn or ()]
        log_axis(axes, "x", [*tuned, *ends, *(value for one in found for value in (*one.without, one.plain))])
    elif parameter != "softness":
        axes.set_xlim(-0.03, 1.03)
