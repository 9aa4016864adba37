"""Precision-recall curves per class, over pixels, from the histograms of probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.decision.counts import Counts, Histograms
from steelsight.report.ink import BLUE, GREY, RED, colour, columns_of, new_figure, plain, quiet, styled, svg


@dataclass(frozen=True, eq=False)
class PixelCurve:
    """Precision and recall of "pixel > t" for t = 254 down to -1 (every pixel).

    Attributes:
        precision, recall: float64 (256,); precision is 1 where nothing is above t.
        prevalence: share of the class's pixels among all.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    prevalence: float

    @property
    def average_precision(self) -> float:
        """Sum of precision times the step in recall: the area under the curve, nan where the class has no pixel."""
        steps = np.diff(self.recall, prepend=0.0)
        return float((steps * self.precision).sum())


def pixel_curve(histogram: NDArray[np.integer]) -> PixelCurve:
    """Curve of one class.

    Args:
        histogram: (2, 256) pixel counts over background (0) and truth (1), summed over images.

    >>> flat = np.zeros((2, 256), np.int64)
    >>> flat[0, 0], flat[1, 255] = 90, 10
    >>> pixel_curve(flat).average_precision
    1.0
    """
    above = histogram[:, ::-1].cumsum(axis=1, dtype=np.int64).astype(np.float64)
    predicted, truth = above.sum(axis=0), above[1, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(predicted > 0, above[1] / predicted, 1.0)
        recall = above[1] / truth
        prevalence = truth / predicted[-1]
    return PixelCurve(precision, recall, float(prevalence))


@dataclass(frozen=True)
class CurvesView:
    """What the template reads: the plot and each class's average precision beside its prevalence."""

    plot: Markup
    average_precision: tuple[float, ...]
    prevalence: tuple[float, ...]


def curves_view(histograms: Histograms, counts: Counts, classes: Sequence[str]) -> CurvesView:
    """Precision-recall of the raw maps per class, with the point at which the whole rule works.

    Args:
        histograms: uint32 (N, K, 2, 256), out of fold.
        counts: pixels of the rule's masks on the same images.
    """
    curves = [
        pixel_curve(histograms[:, index].sum(axis=0, dtype=np.int64)) for index in range(len(classes))
    ]
    return CurvesView(
        plot=_plot(curves, counts, classes),
        average_precision=tuple(curve.average_precision for curve in curves),
        prevalence=tuple(curve.prevalence for curve in curves),
    )


def _plot(curves: Sequence[PixelCurve], counts: Counts, classes: Sequence[str]) -> Markup:
    rows, columns = columns_of(len(classes), 4)
    hit, predicted, truth = (
        part.sum(axis=0).astype(np.float64) for part in (counts.intersection, counts.predicted, counts.truth)
    )
    with styled():
        figure = new_figure(max(3.4, 2.15 * columns), 2.1 * rows + 0.3)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for index, (axes, curve) in enumerate(zip(grid, curves, strict=False)):
            axes.plot(curve.recall, curve.precision, color=colour(index) if len(curves) > 1 else BLUE)
            axes.axhline(curve.prevalence, color=GREY, linewidth=0.8, linestyle="--")
            if predicted[index] and truth[index]:
                at = hit[index] / truth[index], hit[index] / predicted[index]
                axes.plot(*at, "o", color=RED, markersize=6, markeredgecolor="white")
            axes.set_title(plain(f"{classes[index]}   AP {curve.average_precision:.3f}"))
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
            quiet(axes, grid="both")
        for axes in grid[len(classes) :]:
            axes.set_axis_off()
        figure.supxlabel("recall (share of the defect's pixels found)", fontsize=8)
        figure.supylabel("precision", fontsize=8)
        return svg(figure, "Precision-recall curves per class")
