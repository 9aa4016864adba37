"""What the gate lost and what it spared: the same rule with and without it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.metrics.dice import DiceFigures, dice_figures
from steelsight.plots.style import BLUE, GREY, RED, new_figure, quiet, styled, svg
from steelsight.rule.kinds import KindName, kind_named
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts


@dataclass(frozen=True)
class GateRow:
    """One class.

    Attributes:
        pairs: images with the class.
        stopped: of these, images that the gate stopped outright.
        lost: of the pairs, those in which the maps alone would have marked the class; a soft gate also loses some that it
            did not stop.
        pixels: share of the class's true pixels that stood in those masks and are lost.
        spared: false alarms that the gate prevented.
    """

    name: str
    pairs: int
    stopped: int
    lost: int
    pixels: float
    spared: int


@dataclass(frozen=True)
class GateView:
    """What the template reads.

    Attributes:
        defective_stopped, clean_stopped: images that the gate stopped.
        soft: folds whose gate is soft.
        tuned: whether the kept kind of rule tunes thresholds at each gate of the plot.
        nested: the score to hold the plot against; nan where it is not known.
    """

    rows: tuple[GateRow, ...]
    defective: int
    defective_stopped: int
    clean: int
    clean_stopped: int
    with_gate: DiceFigures
    without_gate: DiceFigures
    folds: int
    soft: int
    plot: Markup | None
    tuned: bool
    nested: float


def gate_view(
    with_gate: PixelCounts,
    without_gate: PixelCounts,
    passed: NDArray[np.bool_],
    classes: Sequence[str],
    curve: Sequence[tuple[float, float]],
    gate: float,
    softness: Sequence[float],
    objective: Objective,
    kept: KindName,
    nested: float | None,
) -> GateView:
    """Compare masks cut with and without the gate.

    Args:
        with_gate, without_gate: pixels of the same rule on the same images.
        passed: bool (N,), whether the image's P(defect) exceeds the gate that judged it.
        curve: (gate, score) of the kept kind of rule at each gate of the search, on the images that it was searched on;
            nothing is drawn where it has one point.
        gate: the kept one.
        softness: of each fold's rule; 1: its gate is hard.
        objective: what the score is.
        kept: the kind of rule.
        nested: the score of the nested answers; None in decisions made before it was known.
    """
    truth, stopped = without_gate.truth > 0, ~passed
    unmarked = (without_gate.predicted > 0) & (with_gate.predicted == 0)
    defective = truth.any(axis=1)
    rows = []
    for index, name in enumerate(classes):
        gone = truth[:, index] & unmarked[:, index]
        pixels = without_gate.truth[:, index].sum()
        rows.append(
            GateRow(
                name=name,
                pairs=int(truth[:, index].sum()),
                stopped=int((stopped & truth[:, index]).sum()),
                lost=int(gone.sum()),
                pixels=float(without_gate.intersection[gone, index].sum() / pixels) if pixels else float("nan"),
                spared=int((~truth[:, index] & unmarked[:, index]).sum()),
            )
        )
    return GateView(
        rows=tuple(rows),
        defective=int(defective.sum()),
        defective_stopped=int((stopped & defective).sum()),
        clean=int((~defective).sum()),
        clean_stopped=int((stopped & ~defective).sum()),
        with_gate=_figures(with_gate),
        without_gate=_figures(without_gate),
        folds=len(softness),
        soft=sum(one > 1 for one in softness),
        plot=_plot(curve, gate, _figures(with_gate).floor, objective) if len(curve) > 1 else None,
        tuned="thresholds" in kind_named(kept).searched,
        nested=float("nan") if nested is None else nested,
    )


def _figures(counts: PixelCounts) -> DiceFigures:
    return dice_figures(counts.intersection, counts.predicted, counts.truth)


def _plot(curve: Sequence[tuple[float, float]], gate: float, floor: float, objective: Objective) -> Markup:
    gates, scores = zip(*sorted(curve), strict=True)
    with styled():
        figure = new_figure(4.6, 2.5)
        axes = figure.subplots()
        axes.plot(gates, scores, color=BLUE, marker="o", markersize=3)
        if objective.aim == "competition":
            axes.axhline(floor, color=GREY, linestyle="--", linewidth=0.9, label="all-empty floor")
        axes.axvline(gate, color=RED, linestyle="--", linewidth=1.1, label=f"chosen gate {gate:g}")
        axes.set_xlabel("gate: P(defect) an image must exceed")
        axes.set_ylabel("score on its own images")
        axes.set_title(f"The gate's worth to the objective “{objective.aim}”")
        quiet(axes)
        axes.legend(loc="best")
        return svg(figure, "Score at each gate of the search")
