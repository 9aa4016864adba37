"""Section Defects: whole defects instead of pixels, at the decided rule and as the score moves that a region must exceed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from numpy.typing import NDArray

from steelsight.metrics.defect_figures import DefectCounts
from steelsight.metrics.froc import Froc, froc
from steelsight.metrics.pro import LIMIT, Pro, pro_curve
from steelsight.plots.style import (
    BLUE,
    GREY,
    TEXT,
    WIDE,
    colour,
    log_axis,
    new_figure,
    plain,
    quiet,
    rows_of,
    small_multiples,
    styled,
    svg,
)
from steelsight.report.page import figure as as_text
from steelsight.report.sections.defect_table import DefectTable
from steelsight.rule.pixel_counts import Histograms
from steelsight.selection.defects import ScoredDefects

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""False alarms per image at which the table reads the curve."""


@dataclass(frozen=True)
class RateRow:
    """What is found at a rate of false alarms, all classes together.

    Attributes:
        per_metre: the same rate; None where the size of a pixel is not known.
        found, half_found: shares; nan where no score has so few false alarms.
    """

    per_image: float
    per_metre: float | None
    found: float
    half_found: float


@dataclass(frozen=True)
class DefectsView:
    """What the template of this section reads.

    Attributes:
        gated: whether there is a gate.
        overlap: name and normalised area under the PRO curve of each class, then of all together where there are several.
    """

    table: DefectTable
    gated: bool
    rates: tuple[RateRow, ...]
    overlap: tuple[tuple[str, float], ...]
    froc: Markup
    pro: Markup


def defects_view(
    table: DefectTable,
    scored: ScoredDefects,
    histograms: Histograms,
    passed: NDArray[np.bool_],
    *,
    gated: bool,
) -> DefectsView:
    """Draw the curves.

    Args:
        table: of the decided rule, nested.
        scored: of the same images.
        histograms: uint32 (N, K, 2, 256), of the same maps.
        passed: bool (N,), whether each image exceeds the gate that judged it.
        gated: whether there is a gate.
    """
    classes, metres = table.classes, table.metres_per_image
    several = len(classes) > 1
    panels = [_panel(name, place, table.rows[place].counts if several else table.all.counts, scored, passed)
              for place, name in enumerate(classes)]  # fmt: skip
    together = _panel("all", None, table.all.counts, scored, passed)
    background = histograms[:, :, 0].sum(axis=0, dtype=np.int64)
    of_class = [
        pro_curve(scored.levels[scored.annotated[:, 1] == place], outside) for place, outside in enumerate(background)
    ]
    curves = list(zip(classes, of_class, strict=True))
    curves += [("all", pro_curve(scored.levels, background.sum(axis=0)))] if several else []
    return DefectsView(
        table=table,
        gated=gated,
        rates=tuple(
            RateRow(
                rate,
                None if metres is None else rate / metres,
                together.gated.found_at(rate),
                together.gated.found_at(rate, half=True),
            )
            for rate in RATES
        ),
        overlap=tuple((name, curve.area()) for name, curve in curves),
        froc=_froc_plot([*panels, together] if several else panels, len(passed), gated),
        pro=_pro_plot(curves),
    )


@dataclass(frozen=True)
class _Panel:
    """One class, or all: the curve with and without the gate, and the point of the decided rule."""

    name: str
    gated: Froc
    ungated: Froc
    at: DefectCounts


def _panel(name: str, place: int | None, at: DefectCounts, scored: ScoredDefects, passed: NDArray[np.bool_]) -> _Panel:
    annotated, marked = scored.annotated, scored.marked[scored.marked[:, 4] == 0]
    if place is not None:
        annotated, marked = (rows[rows[:, 1] == place] for rows in (annotated, marked))
    through = passed[annotated[:, 0]]
    return _Panel(
        name,
        froc(annotated[:, 3] * through, annotated[:, 4] * through, marked[passed[marked[:, 0]], 3], len(passed)),
        froc(annotated[:, 3], annotated[:, 4], marked[:, 3], len(passed)),
        at,
    )


def _froc_plot(panels: Sequence[_Panel], images: int, gated: bool) -> Markup:
    shape = rows_of(len(panels), 5)
    edge = 0.5 / images  # where no false alarm at all is drawn, on an axis that has no 0
    most = max(edge * 20, *(float(one.ungated.false_alarms[-1]) for one in panels))
    with styled():
        figure = new_figure(max(4.4, WIDE / 4 * min(4, shape[1])), 2.2 * shape[0] + 0.6)
        grid = small_multiples(figure, len(panels), shape, share_y=True)
        for number, (axes, one) in enumerate(zip(grid, panels, strict=True)):
            ink = TEXT if one.name == "all" else colour(number)
            _froc_axes(axes, one, ink, edge, gated)
            axes.set_title(plain(f"{one.name}: {one.at.annotated:,} defects"))
            log_axis(axes, "x", (edge, most))
            axes.set_xlim(edge, most * 1.5)
            axes.set_ylim(-0.02, 1.02)
            quiet(axes, grid="both")
        figure.supxlabel("false alarms per image (logarithmic; left edge: none)", fontsize=8)
        figure.supylabel("share of defects found", fontsize=8)
        handles, names = grid[-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=5)
        return svg(figure, "FROC: defects found against false alarms per image")


def _froc_axes(axes: Axes, one: _Panel, ink: str, edge: float, gated: bool) -> None:
    lines = [(one.gated.false_alarms, one.gated.found, "-", ink, "any overlap")]
    if gated:
        lines.insert(0, (one.ungated.false_alarms, one.ungated.found, ":", GREY, "any overlap, no gate"))
    lines.append((one.gated.false_alarms, one.gated.half_found, "--", ink, "overlap of half"))
    for false_alarms, found, style, line, name in lines:
        axes.plot(np.maximum(false_alarms, edge), found, style, color=line, label=name)
    x = max(one.at.false_alarms_per_image, edge)
    axes.plot(x, one.at.found_share, "o", color=ink, markersize=6, markeredgecolor="white", label="decided rule, any")
    half = one.at.half_found_share
    axes.plot(x, half, "o", color="white", markeredgecolor=ink, markersize=5, label="decided rule, half")


def _pro_plot(curves: Sequence[tuple[str, Pro]]) -> Markup:
    with styled():
        figure = new_figure(4.4, 3.0)
        axes = figure.subplots()
        for number, (name, curve) in enumerate(curves):
            ink = TEXT if name == "all" and len(curves) > 1 else colour(number) if len(curves) > 1 else BLUE
            axes.plot(
                curve.false_positive_rate, curve.overlap, color=ink, label=plain(f"{name}: {as_text(curve.area())}")
            )
        axes.plot([0, LIMIT], [0, LIMIT], color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlim(0, LIMIT)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("share of defect-free pixels that are marked")
        axes.set_ylabel("mean share of a defect that is marked")
        axes.set_title("Per-region overlap (PRO)")
        quiet(axes, grid="both")
        axes.legend(
            loc="best",
            title=f"area up to {LIMIT:g}",
            title_fontsize=7.5,
            frameon=True,
            framealpha=0.85,
            edgecolor="none",
        )
        return svg(figure, "Per-region overlap against the false positive rate")
