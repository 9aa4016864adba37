"""The calibration's section: what P(defect) is worth as a probability, before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from steelsight.metrics.calibration import reliability_curve
from steelsight.plots.style import BLUE, GREY, ORANGE, log_axis, new_figure, quiet, styled, svg
from steelsight.verdicts.calibration import CalibrationKind, CalibrationQuality, ChosenCalibration, choose_calibration

_MANY = 1000  # images above which the histogram's counts need a logarithmic axis

_NAMES: dict[CalibrationKind, str] = {"none": "as it is", "temperature": "temperature", "isotonic": "isotonic"}


@dataclass(frozen=True)
class CalibrationRow:
    """One kind of calibration, judged nested.

    Attributes:
        name: as a reader knows it.
        kept: whether it is the one that is used.
    """

    name: str
    kept: bool
    judged: CalibrationQuality


@dataclass(frozen=True)
class CalibrationView:
    """What the template reads.

    Attributes:
        images, groups: judged.
        share: of the images, how many are defective.
        rows: P(defect) as it is, then each kind that was tried.
        dealt: whether images without folds were dealt into parts to judge a way on what it was not fitted on.
        changed: whether a calibration is kept at all.
        reason: why that one, without its final stop.
    """

    images: int
    groups: int
    share: float
    rows: tuple[CalibrationRow, ...]
    dealt: bool
    changed: bool
    reason: str
    plot: Markup


def calibration_view(
    p_defect: NDArray[np.float64],
    defective: NDArray[np.bool_],
    folds: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> CalibrationView | None:
    """Figures and the reliability plot; None where there is one kind of image only, or one P(defect) for all.

    Args:
        p_defect: float64 (N,), each said by members that did not see the image.
        defective: bool (N,), whether the image has a defect.
        folds: int64 (N,); all equal where there are none.
        groups: int64 (N,), twin group of each image.
    """
    if np.unique(defective).size < 2 or np.unique(p_defect).size < 2:
        return None
    chosen = choose_calibration(p_defect, defective, folds, groups)
    kept = chosen.calibration.kind
    return CalibrationView(
        images=len(defective),
        groups=np.unique(groups).size,
        share=float(defective.mean()),
        rows=tuple(CalibrationRow(_NAMES[kind], kind == kept, judged) for kind, judged in chosen.judged.items()),
        dealt=np.unique(folds).size == 1,
        changed=kept != "none",
        reason=chosen.reason,
        plot=_plot(p_defect, defective, groups, chosen),
    )


def _plot(
    p_defect: NDArray[np.float64], defective: NDArray[np.bool_], groups: NDArray[np.int64], chosen: ChosenCalibration
) -> Markup:
    """Reliability curves over a histogram of what was said; one of each where nothing is changed."""
    kept = chosen.calibration.kind
    series = [(p_defect, ORANGE if kept != "none" else BLUE, "P(defect) as it is")]
    if kept != "none":
        series.append((chosen.nested, BLUE, f"after {_NAMES[kept]}, nested"))
    with styled():
        figure = new_figure(4.6, 5.0)
        curve, counts = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        curve.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--", label="perfect calibration")
        for p, ink, name in series:
            _draw_curve(curve, p, defective, groups, ink, name)
        curve.set_ylim(-0.02, 1.02)
        curve.set_ylabel("share defective")
        curve.set_title("How many images with this P(defect) are defective")
        quiet(curve, grid="both")
        curve.legend(loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")
        _draw_counts(counts, [(p, ink) for p, ink, _ in series])
        return svg(figure, "Reliability curve of P(defect)")


def _draw_curve(
    axes: Axes, p: NDArray[np.float64], defective: NDArray[np.bool_], groups: NDArray[np.int64], ink: str, name: str
) -> None:
    bins = reliability_curve(p, defective, groups)
    axes.vlines(bins.predicted, bins.low, bins.high, color=ink, linewidth=1.0, alpha=0.7)
    axes.plot(bins.predicted, bins.share, color=ink, marker="o", markersize=4, label=name)


def _draw_counts(axes: Axes, series: Sequence[tuple[NDArray[np.float64], str]]) -> None:
    bins = np.linspace(0, 1, 26).tolist()
    for place, (p, ink) in enumerate(series):
        if place == 0:
            axes.hist(p, bins=bins, color=ink, alpha=0.45)
        else:
            axes.hist(p, bins=bins, histtype="step", color=ink, linewidth=1.3)
    if series[0][0].size > _MANY:
        log_axis(axes, "y", np.concatenate([np.histogram(p, bins)[0] for p, _ in series]))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3, min_n_ticks=1))
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("P(defect)")
    axes.set_ylabel("images")
    quiet(axes)
