"""Plots of the page to sign: where the images lie between the two bounds, what fewer second looks cost, and expected cost."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from steelsight.core.formatting import apart, percent
from steelsight.metrics.binomial import clopper_pearson_upper
from steelsight.plots.style import BLUE, GREY, ORANGE, TEXT, WIDE, log_axis, new_figure, quiet, styled, svg
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.group_scores import score_groups, score_images
from steelsight.verdicts.outcome import give_verdicts
from steelsight.verdicts.policy import Policy

_MANY = 1000  # images above which counts need a logarithmic axis
_BINS = np.linspace(0, 1, 41)
_INKS = {"pass": BLUE, "review": GREY, "reject": ORANGE}
_WORDS = ("pass", "review", "reject")
_LABEL = 0.08
"""What the label of a threshold takes of the axis of P(defect), with some room."""


def zones_plot(policy: Policy, tested: EvaluationSet, answers: NDArray[np.str_]) -> Markup:
    """Histograms of P(defect) of good and of defective images, by verdict, over the zones of the verdicts.

    Args:
        answers: str (N,), the verdict of each image.
    """
    kinds = (("good", "reject", "overkill", ~tested.defective), ("defective", "pass", "escapes", tested.defective))
    with styled():
        figure = new_figure(WIDE, 2.6)
        both = figure.subplots(2, 1, sharex=True)
        for axes, (kind, wrong, name, chosen) in zip(both, kinds, strict=True):
            _shade(axes, policy)
            _stack(axes, tested.p_defect[chosen], answers[chosen])
            lost = int((answers[chosen] == wrong).sum())
            axes.set_title(f"{int(chosen.sum()):,} {kind} images: {name} {lost:,}")
        both[1].set_xlabel("P(defect), by networks that did not see the image")
        figure.supylabel("images", fontsize=8)
        keys = [Patch(facecolor=ink, label=word) for ink, word in zip(_INKS.values(), _WORDS, strict=True)]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
        return svg(figure, "P(defect) of good and of defective images over the zones of the verdicts")


def trade_off_plot(policy: Policy, tested: EvaluationSet) -> Markup | None:
    """Share of images that go to review against share of defective groups that are lost, as the pass bound moves; None where
    there is nothing to move."""
    widest = policy.model_copy(update={"pass_at": 1.0 if policy.reject_at is None else policy.reject_at})
    at_widest = np.array([verdict.answer for verdict in give_verdicts(widest, tested)])
    may_pass = np.sort(tested.p_defect[at_widest == "pass"])
    scores = score_groups(tested, score_images(tested, policy.severity)).escape
    scores = np.sort(scores[~np.isnan(scores)])
    if not may_pass.size or not scores.size:
        return None
    images = len(tested.image_ids)
    steps = np.concatenate([[-1.0], np.unique(may_pass)])
    review = (np.sum(at_widest != "reject") - np.searchsorted(may_pass, steps, side="right")) / images
    lost = np.searchsorted(scores, steps, side="right")
    delta = 1 - policy.wish.confidence
    bound = np.array([clopper_pearson_upper(int(count), scores.size, delta) for count in lost])
    place = int(np.searchsorted(steps, -1.0 if policy.pass_at is None else policy.pass_at, side="right")) - 1
    limits = [one for one in policy.statements if one.among == "defective" and one.defect_class is None]
    top = min(1.02, 4 * max([bound[max(1, place)], *(one.limit for one in limits)]))
    with styled():
        figure = new_figure(4.0, 2.8)
        axes = figure.subplots()
        axes.plot(
            review[1:], bound[1:], color=ORANGE, linestyle="--", label=f"bound at {percent(policy.wish.confidence)}"
        )
        axes.plot(review, lost / scores.size, color=BLUE, label="lost in the test")
        for one in limits:
            asked = f"asked for: at most {percent(one.limit)}"
            axes.axhline(one.limit, color=TEXT, linewidth=0.9, linestyle=":", label=asked)
        axes.plot(review[place], lost[place] / scores.size, "o", color=TEXT, markersize=6, label=_chosen(policy))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: percent(value))
            axis.set_major_locator(MaxNLocator(nbins=6))
        axes.set_ylim(-0.02 * top, top)
        axes.set_xlim(review[lost / scores.size <= top].min() - 0.01, review[0] + 0.01)
        axes.set_xlabel("images that go to a person")
        axes.set_ylabel("defective groups lost by P(defect)")
        axes.set_title("What fewer second looks let through")
        quiet(axes, grid="both")
        axes.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
        return svg(figure, "Share of images in review against share of defective groups lost")


def cost_plot(policy: Policy) -> Markup | None:
    """Expected cost per image by pass bound; None where no costs were given."""
    costs = policy.wish.costs
    if costs is None or len(policy.cost_curve) < 2:
        return None
    at = [max(0.0, point.pass_at) for point in policy.cost_curve]
    allowed = [one.threshold for one in policy.statements if one.kind == "escape" and one.threshold is not None]
    with styled():
        figure = new_figure(4.0, 2.8)
        axes = figure.subplots()
        axes.plot(at, [point.cost for point in policy.cost_curve], color=BLUE)
        axes.axhline(costs.review, color=GREY, linewidth=0.9, linestyle="--", label="a second look at every image")
        if allowed:
            axes.axvspan(min(allowed), 1, color=ORANGE, alpha=0.14, linewidth=0, label="more than the limits allow")
        axes.axvline(policy.pass_at or 0.0, color=TEXT, linewidth=1.1, label=_chosen(policy))
        if policy.expected_cost is not None:
            label = f"expected there: {policy.expected_cost:.3g} per image"
            axes.plot(
                policy.pass_at or 0.0, policy.expected_cost, "o", color=TEXT, markersize=6, clip_on=False, label=label
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, None)
        axes.set_xlabel("pass at P(defect) up to")
        axes.set_ylabel("expected cost per image")
        axes.set_title("Cost of an image, with its best reject bound")
        quiet(axes, grid="both")
        axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")
        return svg(figure, "Expected cost per image by pass bound")


def _shade(axes: Axes, policy: Policy) -> None:
    """The zones that P(defect) makes, each in its verdict's colour, with a line where one ends."""
    low = 0.0 if policy.pass_at is None else policy.pass_at
    high = 1.0 if policy.reject_at is None else policy.reject_at
    for answer, left, right in (("pass", 0.0, low), ("review", low, high), ("reject", high, 1.0)):
        axes.axvspan(left, right, color=_INKS[answer], alpha=0.16, linewidth=0)
    ends = sorted({end for end in (policy.pass_at, policy.reject_at) if end is not None})
    for end, (is_left, row) in zip(ends, label_places(ends), strict=True):
        axes.axvline(end, color=TEXT, linewidth=0.9)
        axes.annotate(
            apart(end, least=3)[0],
            (end, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if is_left else 4, -3 - 10 * row),
            textcoords="offset points",
            va="top",
            ha="right" if is_left else "left",
            fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.8},
        )


def label_places(ends: Sequence[float]) -> list[tuple[bool, int]]:
    """Where the label of each threshold stands: whether left of its line, and in which row, so that none hides another.

    >>> label_places([0.04, 0.72]), label_places([0.565, 0.584]), label_places([0.01, 0.03]), label_places([0.97, 0.99])
    ([(False, 0), (True, 0)], [(True, 0), (False, 0)], [(False, 0), (False, 1)], [(True, 1), (True, 0)])
    """
    if len(ends) < 2 or ends[1] - ends[0] > 2 * _LABEL:
        return [(end > 0.5, 0) for end in ends]
    if ends[0] < _LABEL:
        return [(False, 0), (False, 1)]
    if ends[1] > 1 - _LABEL:
        return [(True, 1), (True, 0)]
    return [(True, 0), (False, 0)]


def _stack(axes: Axes, p_defect: NDArray[np.float64], answers: NDArray[np.str_]) -> None:
    """Counts by verdict, one on the other; what is rare lies at the bottom, where a logarithmic axis shows it."""
    order = sorted(_INKS, key=lambda answer: int((answers == answer).sum()))
    parts = [p_defect[answers == answer] for answer in order]
    inks = [_INKS[answer] for answer in order]
    axes.hist(parts, bins=_BINS.tolist(), stacked=True, color=inks, edgecolor="white", linewidth=0.4)
    if p_defect.size > _MANY:
        log_axis(axes, "y", (1, p_defect.size))
        axes.set_ylim(0.6, None)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4, min_n_ticks=1))
    axes.set_xlim(0, 1)
    quiet(axes)


def _chosen(policy: Policy) -> str:
    return "no image passes" if policy.pass_at is None else f"chosen: pass up to {apart(policy.pass_at, least=3)[0]}"
