"""Precision-recall curves per class, over pixels, from the histograms of probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from steelsight.metrics.classification import PrecisionRecall, histogram_precision_recall
from steelsight.plots.style import (
    BLUE,
    GREY,
    TEXT,
    WIDE,
    colour,
    new_figure,
    plain,
    quiet,
    rows_of,
    small_multiples,
    styled,
    svg,
)
from steelsight.report.page import figure as as_text
from steelsight.rule.pixel_counts import Histograms, PixelCounts


@dataclass(frozen=True)
class CurvesView:
    """What the template reads: the plot and each class's average precision beside its prevalence."""

    plot: Markup
    average_precision: tuple[float, ...]
    prevalence: tuple[float, ...]


def curves_view(histograms: Histograms, counts: PixelCounts, classes: Sequence[str]) -> CurvesView:
    """Precision-recall of the raw maps per class, with the point at which the whole rule works.

    Args:
        histograms: uint32 (N, K, 2, 256), out of fold.
        counts: pixels of the rule's masks on the same images.
    """
    pixels = histograms.sum(axis=0, dtype=np.int64)
    curves = [histogram_precision_recall(background, truth) for background, truth in pixels]
    shares = [float(truth.sum() / of_class.sum()) for of_class in pixels for truth in of_class[1:]]
    return CurvesView(
        plot=_plot(curves, shares, counts, classes),
        average_precision=tuple(curve.average_precision for curve in curves),
        prevalence=tuple(shares),
    )


def _plot(
    curves: Sequence[PrecisionRecall], shares: Sequence[float], counts: PixelCounts, classes: Sequence[str]
) -> Markup:
    shape = rows_of(len(classes), 5)
    hit, predicted, truth = (
        part.sum(axis=0).astype(np.float64) for part in (counts.intersection, counts.predicted, counts.truth)
    )
    with styled():
        figure = new_figure(max(3.4, WIDE / 4 * min(4, shape[1])), 2.1 * shape[0] + 0.3)
        grid = small_multiples(figure, len(classes), shape, share_y=True)
        for index, (axes, curve) in enumerate(zip(grid, curves, strict=True)):
            axes.plot(curve.recall, curve.precision, color=colour(index) if len(curves) > 1 else BLUE)
            axes.axhline(shares[index], color=GREY, linewidth=0.8, linestyle="--")
            if predicted[index] and truth[index]:
                at = hit[index] / truth[index], hit[index] / predicted[index]
                axes.plot(*at, "o", color=TEXT, markersize=6, markeredgecolor="white")
            axes.set_title(plain(f"{classes[index]}: AP {as_text(curve.average_precision)}"))
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
            quiet(axes, grid="both")
        figure.supxlabel("recall (share of the defect's pixels found)", fontsize=8)
        figure.supylabel("precision", fontsize=8)
        return svg(figure, "Precision-recall curves per class")
