"""Section Masks: the competition's Dice and what it hides, for each way of choosing the rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.metrics.dice import DiceFigures, dice_figures, pair_dice
from steelsight.metrics.intervals import Interval, bootstrap_interval, without_spread
from steelsight.plots.style import BLUE, GREY, ORANGE, SKY, WIDE, new_figure, plain, quiet, styled, svg
from steelsight.rule.pixel_counts import PixelCounts


@dataclass(frozen=True)
class RuleFigures:
    """The figures of one way of choosing the rule, with 95 % intervals over twin groups.

    Attributes:
        name: `nested`, `kept` or `plain`.
        gain: Dice above the all-empty floor on the same images, with its own (paired) interval.
    """

    name: str
    figures: DiceFigures
    dice: Interval
    defective: Interval
    false_alarms: Interval
    gain: float
    gain_interval: Interval


@dataclass(frozen=True)
class MasksView:
    """What the template of this section reads; `judged` is ordered nested, kept, plain."""

    classes: tuple[str, ...]
    judged: tuple[RuleFigures, ...]
    plot: Markup

    @property
    def floor(self) -> DiceFigures:
        return self.judged[0].figures


def masks_view(ways: Sequence[tuple[str, PixelCounts]], groups: NDArray[np.int64], classes: Sequence[str]) -> MasksView:
    """Judge each way's pixel counts.

    Args:
        ways: name and counts over the same images, the honest one first.
        groups: int64 (N,), twin group of each image.
    """
    judged = tuple(judge(name, counts, groups) for name, counts in ways)
    return MasksView(tuple(classes), judged, _class_plot(judged, classes))


def judge(name: str, counts: PixelCounts, groups: NDArray[np.int64]) -> RuleFigures:
    """Figures and intervals of one set of masks."""
    dice = pair_dice(counts.intersection, counts.predicted, counts.truth)
    defective = counts.truth > 0
    alarms = (counts.predicted > 0) & ~defective
    figures = dice_figures(counts.intersection, counts.predicted, counts.truth)
    of_image = dice.mean(axis=1)
    above_floor = of_image - (~defective).mean(axis=1)
    return RuleFigures(
        name=name,
        figures=figures,
        dice=without_spread(of_image, np.ones(len(dice)), groups) or bootstrap_interval(of_image, groups),
        defective=_ratio_interval((dice * defective).sum(axis=1), defective.sum(axis=1), groups),
        false_alarms=_ratio_interval(alarms.sum(axis=1), (~defective).sum(axis=1), groups),
        gain=figures.dice - figures.floor,
        gain_interval=bootstrap_interval(above_floor, groups),
    )


def _ratio_interval(part: NDArray[np.generic], whole: NDArray[np.generic], groups: NDArray[np.int64]) -> Interval:
    rows = np.column_stack([part, whole]).astype(np.float64)
    return without_spread(rows[:, 0], rows[:, 1], groups) or bootstrap_interval(rows, groups, statistic=_ratio_of_sums)


def _ratio_of_sums(rows: NDArray[np.float64]) -> float:
    part, whole = rows.sum(axis=0)
    return float(part / whole) if whole else float("nan")


def _class_plot(judged: Sequence[RuleFigures], classes: Sequence[str]) -> Markup:
    """Three panels over the classes: Dice beside the floor, Dice of pairs with a defect, false alarms."""
    inks = dict(zip(("nested", "kept", "plain"), (BLUE, SKY, ORANGE), strict=True))
    places = np.arange(len(classes))
    with styled():
        figure = new_figure(WIDE, 1.1 + 0.36 * len(classes))
        panels = figure.subplots(1, 3, sharey=True)
        titles = ("Dice, all pairs", "Dice, pairs with a defect", "false alarms, empty pairs")
        for axes, title in zip(panels, titles, strict=True):
            axes.set_title(title)
            axes.set_yticks(places.tolist(), [plain(name) for name in classes])
            axes.set_ylim(len(classes) - 0.4, -0.6)
            quiet(axes, grid="x")
        floor = judged[0].figures.floor_per_class
        panels[0].plot(floor, places, "|", color=GREY, markersize=16, markeredgewidth=2, label="all-empty floor")
        for number, way in enumerate(judged):
            shift = (number - (len(judged) - 1) / 2) * 0.2
            of = way.figures
            values = (of.per_class, of.defective_per_class, of.false_alarm_per_class)
            for axes, points in zip(panels, values, strict=True):
                axes.plot(points, places + shift, "o", color=inks[way.name], markersize=5, label=way.name)
        panels[1].set_xlim(-0.03, 1.03)
        panels[2].set_xlim(left=-0.03 * max(panels[2].get_xlim()[1], 0.05))
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4)
        return svg(figure, "Figures per class beside the all-empty floor")
