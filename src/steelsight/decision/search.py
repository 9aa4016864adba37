"""The search of the rule: from histograms, exactly, over every threshold pair, a grid of areas and a grid of gates.

Why it is fast. Given the gate, classes do not depend on each other, and a class's score is the number of its images
without that defect plus a sum of gains: an image that keeps its mask gains its Dice where it has the defect, and loses
the 1 of an empty pair where it has not. So for each `upper` one needs only the images that reach above it, in order of
(gates that they pass, areas that they reach); reverse cumulative sums along both orders then give the score of every
gate, every area and every `lower` at once. Images whose tail is zero never matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.class_search import TIE, ClassSearch
from steelsight.decision.counts import Histograms, count
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule
from steelsight.metrics.dice import pair_dice


@dataclass(frozen=True)
class GateDice:
    """The best that a gate allows.

    Attributes:
        gate: P(defect) that an image must exceed.
        dice: mean Dice over every (image, class) pair.
        rule: the rule that reaches it.
    """

    gate: float
    dice: float
    rule: Rule


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        rule, dice: the best of all, by mean Dice over every (image, class) pair.
        gates: the best of each gate, in the order given.
    """

    rule: Rule
    dice: float
    gates: tuple[GateDice, ...]


def search(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
) -> SearchResult:
    """Find the rule of the highest mean Dice over every (image, class) pair, as the competition defines it.

    Among rules within 1e-9 of the best, each class takes the one nearest to `plain`: the fewest steps away, counted on
    the grids of upper, lower and area together; the gate nearest to the plain one wins likewise. Few images leave wide
    ties, and this keeps the rule away from their ends.

    Args:
        histograms: uint32 (N, K, 2, 256), pixels per probability over background (0) and truth (1) at the image's size.
        p_defect: float64 (N,).
        grids: where to search, and the plain rule of K classes that settles ties.
        images: indices of the images to search on; None for all.

    Raises:
        ValueError: there is no image.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    if not len(chosen):
        raise ValueError("search needs at least one image")
    gates, areas, plain = grids.gates, grids.areas, grids.plain
    passed = np.searchsorted(gates, p_defect[chosen], side="left")
    bests = []
    for index in range(plain.classes):
        start = (plain.upper[index], plain.lower[index], int(np.searchsorted(areas, plain.min_area[index])))
        bests.append(ClassSearch.of(histograms, index, chosen, passed, areas).best(len(gates), start))
    found = tuple(
        GateDice(
            gate=float(gate),
            dice=float(np.mean([best.score[g] for best in bests])),
            rule=Rule(
                gate=float(gate),
                upper=tuple(int(best.upper[g]) for best in bests),
                lower=tuple(int(best.lower[g]) for best in bests),
                min_area=tuple(int(areas[best.area[g]]) for best in bests),
            ),
        )
        for g, gate in enumerate(gates)
    )
    return _best_gate(found, plain)


def search_shared(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
) -> SearchResult:
    """As `search`, with one upper, one lower and one area for all classes: three numbers and a gate in all.

    The mean over pairs does not care whose pair it is, so this is the search of one class that holds every pair.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    plain, classes = grids.plain, grids.plain.classes
    pooled = histograms[chosen].reshape(-1, 1, *histograms.shape[2:])
    one = Rule(gate=plain.gate, upper=plain.upper[:1], lower=plain.lower[:1], min_area=plain.min_area[:1])
    found = search(pooled, np.repeat(p_defect[chosen], classes), Grids(grids.gates, grids.areas, one))
    points = tuple(GateDice(point.gate, point.dice, spread(point.rule, classes)) for point in found.gates)
    return SearchResult(spread(found.rule, classes), found.dice, points)


def search_gate(
    histograms: Histograms, p_defect: NDArray[np.float64], grids: Grids, images: NDArray[np.intp] | None = None
) -> SearchResult:
    """As `search`, over the gate alone: thresholds and areas stay plain."""
    chosen = np.arange(len(histograms)) if images is None else images
    counts = count(histograms, np.full(len(histograms), 2.0), grids.plain, chosen)
    passed = pair_dice(counts.intersection, counts.predicted, counts.truth)
    stopped = (counts.truth == 0).astype(np.float64)
    points = []
    for gate in grids.gates.tolist():
        dice = float(np.where((p_defect[chosen] > gate)[:, None], passed, stopped).mean())
        points.append(GateDice(gate, dice, grids.plain.model_copy(update={"gate": gate})))
    return _best_gate(tuple(points), grids.plain)


def _best_gate(points: tuple[GateDice, ...], plain: Rule) -> SearchResult:
    top = max(point.dice for point in points)
    best = min((point for point in points if point.dice >= top - TIE), key=lambda point: abs(point.gate - plain.gate))
    return SearchResult(best.rule, best.dice, points)


def spread(rule: Rule, classes: int) -> Rule:
    """A rule of one class, for all of `classes`."""
    return Rule(
        gate=rule.gate, upper=rule.upper * classes, lower=rule.lower * classes, min_area=rule.min_area * classes
    )
