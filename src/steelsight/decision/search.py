"""The search of the rule: from histograms, exactly, over every threshold pair, a grid of areas and a grid of gates.

Why it is fast. Given the gate, classes do not depend on each other, and a class's score is the number of its images
without that defect plus a sum of gains: an image that keeps its mask gains its Dice where it has the defect, and loses
the 1 of an empty pair where it has not. So for each `upper` one needs only the images that reach above it, in order of
(gates that they pass, areas that they reach); reverse cumulative sums along both orders then give the score of every
gate, every area and every `lower` at once. Images whose tail is zero never matter. A soft gate divides what an image
reaches by a number of its own, known beforehand, and changes nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.class_search import TIE, ClassSearch
from steelsight.decision.counts import Histograms, count
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule, area_scale
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
    *,
    soft: bool = False,
) -> SearchResult:
    """Find the rule of the highest mean Dice over every (image, class) pair, as the competition defines it.

    Among rules within 1e-9 of the best, each class takes the one nearest to `plain`: the fewest steps away, counted on
    the grids of upper, lower and area together; the gate nearest to the plain one wins likewise, then the hardest. Few
    images leave wide ties, and this keeps the rule away from their ends.

    Args:
        histograms: uint32 (N, K, 2, L), pixels per probability over background (0) and truth (1) at the image's size, with
            L = 256; fewer levels where they are coarse (`decision/coarse.py`).
        p_defect: float64 (N,).
        grids: where to search, and the plain rule of K classes that settles ties.
        images: indices of the images to search on, repeated where an image counts more than once; None for all.
        soft: with the soft gates of `grids` in place of the hard ones.

    Raises:
        ValueError: there is no image, or no softness to search.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    if not len(chosen):
        raise ValueError("search needs at least one image")
    gates, softnesses = _gates(grids, soft)
    return _best_gate(
        [_at_softness(histograms, p_defect, grids, chosen, gates, one) for one in softnesses], grids.plain
    )


def _gates(grids: Grids, soft: bool) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """Gates and softnesses to search."""
    if soft and not grids.softness:
        raise ValueError("these grids have no softness, so there is no soft gate to search")
    return (grids.soft_gates, grids.softness) if soft else (grids.gates, (1.0,))


def _at_softness(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    chosen: NDArray[np.intp],
    gates: NDArray[np.float64],
    softness: float,
) -> tuple[GateDice, ...]:
    """The best of each gate."""
    areas, plain = grids.areas, grids.plain
    passed = np.searchsorted(gates, p_defect[chosen], side="left")
    scale = None if softness == 1 else area_scale(softness, p_defect[chosen])
    bests = []
    for index in range(plain.classes):
        of_class = ClassSearch.of(histograms, index, chosen, passed, areas, scale)
        bests.append(of_class.best(len(gates), grids.away(index)))
    return tuple(
        GateDice(
            gate=float(gate),
            dice=float(np.mean([best.score[g] for best in bests])),
            rule=Rule(
                gate=float(gate),
                softness=softness,
                upper=tuple(int(best.upper[g]) for best in bests),
                lower=tuple(int(best.lower[g]) for best in bests),
                min_area=tuple(int(areas[best.area[g]]) for best in bests),
            ),
        )
        for g, gate in enumerate(gates)
    )


def search_shared(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
    *,
    soft: bool = False,
) -> SearchResult:
    """As `search`, with one upper, one lower and one area for all classes: three numbers and a gate in all.

    The mean over pairs does not care whose pair it is, so this is the search of one class that holds every pair.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    plain, classes = grids.plain, grids.plain.classes
    pooled = histograms[chosen].reshape(-1, 1, *histograms.shape[2:])
    one = plain.only([0])
    found = search(pooled, np.repeat(p_defect[chosen], classes), replace(grids, plain=one), soft=soft)
    points = tuple(GateDice(point.gate, point.dice, spread(point.rule, classes)) for point in found.gates)
    return SearchResult(spread(found.rule, classes), found.dice, points)


def search_gate(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
    *,
    soft: bool = False,
) -> SearchResult:
    """As `search`, over the gate (and its softness) alone: thresholds and areas stay plain."""
    chosen = np.arange(len(histograms)) if images is None else images
    gates, softnesses = _gates(grids, soft)
    found = []
    for softness in softnesses:
        lowest = grids.plain.model_copy(update={"gate": 0.0, "softness": softness})  # any gate stops what 0 stops
        counts = count(histograms, p_defect, lowest, chosen)
        passed = pair_dice(counts.intersection, counts.predicted, counts.truth)
        stopped = (counts.truth == 0).astype(np.float64)
        points = []
        for gate in gates.tolist():
            dice = float(np.where((p_defect[chosen] > gate)[:, None], passed, stopped).mean())
            points.append(GateDice(gate, dice, lowest.model_copy(update={"gate": gate})))
        found.append(tuple(points))
    return _best_gate(found, grids.plain)


def _best_gate(found: Sequence[tuple[GateDice, ...]], plain: Rule) -> SearchResult:
    """The best of all gates; of each gate, the softness that serves it best."""
    points = tuple(_first(at_gate, lambda point: point.rule.softness) for at_gate in zip(*found, strict=True))
    best = _first([point for at_gate in found for point in at_gate], lambda point: abs(point.gate - plain.gate))
    return SearchResult(best.rule, best.dice, points)


def _first(points: Sequence[GateDice], key: Callable[[GateDice], float]) -> GateDice:
    """Of those within a tie of the best, the one of least `key`, then the hardest."""
    top = max(point.dice for point in points)
    return min(
        (point for point in points if point.dice >= top - TIE), key=lambda point: (key(point), point.rule.softness)
    )


def spread(rule: Rule, classes: int) -> Rule:
    """A rule of one class, for all of `classes`."""
    return rule.model_copy(update={name: getattr(rule, name) * classes for name in ("upper", "lower", "min_area")})
