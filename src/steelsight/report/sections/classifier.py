"""Section Classifier: how well the ensemble tells defective images from good ones, out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from steelsight.metrics.classification import OPERATING_POINTS, Confusion, confusion, roc_auc, roc_curve
from steelsight.metrics.intervals import bootstrap_interval, wilson
from steelsight.plots.style import BLUE, GREY, ORANGE, RED, new_figure, quiet, styled, svg

_MANY = 1000  # images above which the histogram's counts need a logarithmic axis


@dataclass(frozen=True)
class PointView:
    """One operating point: its bounds, its confusion and the 2 x 3 matrix of counts.

    Attributes:
        defective, clean: images called good, left inconclusive, called defective.
    """

    lower: float
    upper: float
    confusion: Confusion
    defective: tuple[int, int, int]
    clean: tuple[int, int, int]
    accuracy_interval: tuple[float, float]


@dataclass(frozen=True)
class ClassifierView:
    """What the template of this section reads."""

    images: int
    defective: int
    auc: float
    auc_interval: tuple[float, float]
    points: tuple[PointView, ...]
    roc: Markup
    histogram: Markup


def classifier_view(
    p_defect: NDArray[np.float64], truth: NDArray[np.bool_], groups: NDArray[np.int64], gates: Sequence[float]
) -> ClassifierView:
    """Figures and plots of the ensemble's P(defect).

    Args:
        p_defect: float64 (N,), each said by members that did not see the image.
        truth: bool (N,), whether the image has a defect.
        groups: int64 (N,), twin group of each image; intervals are drawn over these.
        gates: P(defect) of the gate of each fold's nested rule, marked in the histogram.
    """
    return ClassifierView(
        images=len(truth),
        defective=int(truth.sum()),
        auc=roc_auc(p_defect, truth),
        auc_interval=auc_interval(p_defect, truth, groups),
        points=tuple(_point(p_defect, truth, groups, lower, upper) for lower, upper in OPERATING_POINTS),
        roc=_roc_plot(p_defect, truth),
        histogram=_histogram(p_defect, truth, gates),
    )


def auc_interval(
    p_defect: NDArray[np.float64], truth: NDArray[np.bool_], groups: NDArray[np.int64]
) -> tuple[float, float]:
    """95 % interval of ROC AUC over draws of twin groups."""
    rows = np.column_stack([p_defect, truth.astype(np.float64)])
    return bootstrap_interval(rows, groups, statistic=_auc_of_rows, draws=500)


def _auc_of_rows(rows: NDArray[np.float64]) -> float:
    return roc_auc(rows[:, 0], rows[:, 1] > 0.5)


def _point(
    p_defect: NDArray[np.float64], truth: NDArray[np.bool_], groups: NDArray[np.int64], lower: float, upper: float
) -> PointView:
    counts = confusion(p_defect, truth, lower, upper)
    defective, clean = int(truth.sum()), int((~truth).sum())
    return PointView(
        lower=lower,
        upper=upper,
        confusion=counts,
        defective=(counts.fn, defective - counts.tp - counts.fn, counts.tp),
        clean=(counts.tn, clean - counts.tn - counts.fp, counts.fp),
        accuracy_interval=wilson(counts.tp + counts.tn, counts.tp + counts.tn + counts.fp + counts.fn),
    )


def _roc_plot(p_defect: NDArray[np.float64], truth: NDArray[np.bool_]) -> Markup:
    with styled():
        figure = new_figure(3.4, 3.1)
        axes = figure.subplots()
        false_share, true_share = roc_curve(p_defect, truth)[:2]
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        axes.plot(false_share, true_share, color=BLUE, linewidth=1.8)
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.set_aspect("equal")
        axes.set_xlabel("good images called defective (1 - specificity)")
        axes.set_ylabel("defects found (sensitivity)")
        axes.set_title("ROC curve")
        quiet(axes, grid="both")
        return svg(figure, "ROC curve of the classifier ensemble")


def _histogram(p_defect: NDArray[np.float64], truth: NDArray[np.bool_], gates: Sequence[float]) -> Markup:
    with styled():
        figure = new_figure(5.0, 3.1)
        axes = figure.subplots()
        bins = np.linspace(0, 1, 26).tolist()
        kinds = [(~truth, BLUE, "no defect"), (truth, ORANGE, "with a defect")]
        for chosen, ink, name in kinds:
            label = f"{name} ({int(chosen.sum()):,})"
            axes.hist(p_defect[chosen], bins=bins, color=ink, alpha=0.6, label=label)
            axes.hist(p_defect[chosen], bins=bins, histtype="step", color=ink, linewidth=1.1)
        marked = sorted(set(gates))
        name = "gate" if len(marked) == 1 else "gates, of the nested rule of each fold"
        for number, gate in enumerate(marked):
            axes.axvline(gate, color=RED, linewidth=1.1, linestyle="--", label=name if number == 0 else None)
        if len(truth) > _MANY:
            axes.set_yscale("log")
        else:
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(0, 1)
        axes.set_xlabel("P(defect), out of fold")
        axes.set_ylabel("images")
        axes.set_title("What the classifiers say of good and of defective images")
        quiet(axes)
        axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")
        return svg(figure, "Histogram of P(defect)")
