"""Plots of the page to sign: where the images lie between the two bounds, what fewer second looks cost, and expected cost."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from steelsight.decision.digits import apart, percent
from steelsight.decision.losses import score_groups, score_images
from steelsight.decision.policy import Policy
from steelsight.decision.tested import Tested
from steelsight.decision.verdict import give_verdict
from steelsight.metrics.binomial import clopper_pearson_upper
from steelsight.report.ink import BLUE, GREY, ORANGE, RED, TEXT, WIDE, new_figure, quiet, styled, svg

_MANY = 1000  # images above which counts need a logarithmic axis
_BINS = np.linspace(0, 1, 41)


def zones_plot(policy: Policy, tested: Tested) -> Markup:
    """Histograms of P(defect) of good and of defective images over the zones of the three verdicts."""
    with styled():
        figure = new_figure(WIDE, 3.1)
        good, defective = figure.subplots(2, 1, sharex=True)
        zones = _zones(policy)
        for axes, chosen, name in (
            (good, ~tested.defective, "good images"),
            (defective, tested.defective, "defective images"),
        ):
            for low, high, ink, _ in zones:
                axes.axvspan(low, high, color=ink, alpha=0.13, linewidth=0)
            for end in (policy.pass_at, policy.reject_at):
                if end is not None:
                    axes.axvline(end, color=TEXT, linewidth=1)
            _counts(axes, tested.p_defect[chosen], tested.p_defect[chosen & tested.found])
            axes.set_title(f"{name} ({int(chosen.sum()):,})")
        defective.set_xlabel("P(defect), said of each image by networks that did not see it")
        figure.supylabel("images", fontsize=8)
        keys = [Patch(facecolor=ink, alpha=0.3, label=name) for _, _, ink, name in zones]
        bars = [Patch(facecolor=GREY, alpha=0.45, label="images"), Patch(facecolor=TEXT, label="with a defect marked")]
        figure.legend(handles=[*keys, *bars], loc="outside lower center", ncols=len(keys) + len(bars))
        return svg(figure, "P(defect) of good and of defective images over the zones of the verdicts")


def trade_off_plot(policy: Policy, tested: Tested) -> Markup | None:
    """Share of images that go to review against share of defective groups that are lost, as the pass bound moves; None where
    there is nothing to move."""
    widest = policy.model_copy(update={"pass_at": 1.0 if policy.reject_at is None else policy.reject_at})
    at_widest = verdicts(widest, tested)
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
    with styled():
        figure = new_figure(4.4, 2.9)
        axes = figure.subplots()
        axes.plot(review, bound, color=ORANGE, linestyle="--", label=f"bound at {percent(policy.wish.confidence)}")
        axes.plot(review, lost / scores.size, color=BLUE, label="lost in the test")
        _limit(axes, policy)
        at = -1.0 if policy.pass_at is None else policy.pass_at
        place = int(np.searchsorted(steps, at, side="right")) - 1
        axes.plot(review[place], lost[place] / scores.size, "o", color=TEXT, markersize=6, label=_chosen(policy))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.set_ylim(-0.02, None)
        axes.set_xlabel("images that go to a person")
        axes.set_ylabel("defective groups lost")
        axes.set_title("What fewer second looks let through")
        quiet(axes, grid="both")
        axes.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
        return svg(figure, "Share of images in review against share of defective groups lost")


def cost_plot(policy: Policy) -> Markup | None:
    """Expected cost per image by pass bound; None where no costs were given."""
    if len(policy.cost_curve) < 2:
        return None
    at, cost = (np.array([getattr(point, name) for point in policy.cost_curve]) for name in ("pass_at", "cost"))
    with styled():
        figure = new_figure(4.4, 2.9)
        axes = figure.subplots()
        shown = np.maximum(at, 0.0)
        axes.plot(shown, cost, color=BLUE, drawstyle="steps-post")
        place = int(np.searchsorted(at, -1.0 if policy.pass_at is None else policy.pass_at, side="right")) - 1
        axes.plot(shown[max(0, place)], cost[max(0, place)], "o", color=TEXT, markersize=6, label=_chosen(policy))
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("pass at P(defect) up to")
        axes.set_ylabel("expected cost per image")
        axes.set_title("Expected cost, with the best reject bound for each")
        quiet(axes, grid="both")
        axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")
        return svg(figure, "Expected cost per image by pass bound")


def verdicts(policy: Policy, tested: Tested) -> NDArray[np.str_]:
    """The answer to every tested image: str (N,)."""
    return np.array(
        [
            give_verdict(policy, tested.classes, p, regions, (height, width)).answer
            for p, regions, (height, width) in zip(
                tested.p_defect.tolist(), tested.regions, tested.sizes.tolist(), strict=True
            )
        ],
        dtype="<U6",
    )


def _zones(policy: Policy) -> Sequence[tuple[float, float, str, str]]:
    """Low end, high end, colour and name of each zone that there is."""
    low = 0.0 if policy.pass_at is None else policy.pass_at
    high = 1.0 if policy.reject_at is None else policy.reject_at
    zones = [] if policy.pass_at is None else [(0.0, low, BLUE, "pass, if nothing is marked")]
    if low < high:
        zones.append((low, high, GREY, "review"))
    return zones if policy.reject_at is None else [*zones, (high, 1.0, ORANGE, "reject")]


def _counts(axes: Axes, p_defect: NDArray[np.float64], marked: NDArray[np.float64]) -> None:
    bins = _BINS.tolist()
    axes.hist(p_defect, bins=bins, color=GREY, alpha=0.45)
    axes.hist(p_defect, bins=bins, histtype="step", color=GREY, linewidth=0.9)
    axes.hist(marked, bins=bins, color=TEXT, rwidth=0.55)
    if p_defect.size > _MANY:
        axes.set_yscale("log")
        axes.set_ylim(0.6, None)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4, min_n_ticks=1))
    axes.set_xlim(0, 1)
    quiet(axes)


def _limit(axes: Axes, policy: Policy) -> None:
    for one in policy.statements:
        if one.among == "defective" and one.defect_class is None:
            axes.axhline(one.limit, color=RED, linewidth=1, linestyle=":", label=f"asked for: {percent(one.limit)}")


def _chosen(policy: Policy) -> str:
    return "no image passes" if policy.pass_at is None else f"chosen: pass up to {apart(policy.pass_at, least=3)[0]}"
