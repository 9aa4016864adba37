"""The search of the rule: from histograms, exactly, over every threshold pair, a grid of areas and a grid of gates.

Why it is fast. Given the gate, classes do not depend on each other, and a class's score is the number of its images
without that defect plus a sum of gains: an image that keeps its mask gains its Dice where it has the defect, and loses
the 1 of an empty pair where it has not. So for each `upper` one needs only the images that reach above it, in order of
(gates that they pass, areas that they reach); reverse cumulative sums along both orders then give the score of every
gate, every area and every `lower` at once. Images whose tail is zero never matter. A soft gate divides what an image
reaches by a number of its own, known beforehand, and changes nothing else.

That is the competition's objective. `pooled` adds up pixels in place of gains, and is otherwise the same. With `defects`
the classes share one budget of false alarms: the search keeps, for each class, gate and number of false alarms, the most
that can be gained, and `budget.py` shares them out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.budget import share_out
from steelsight.rule.class_search import TIE, ClassBest, ClassSearch
from steelsight.rule.grid import Grids
from steelsight.rule.pixel_counts import Histograms, PixelCounts, count
from steelsight.rule.rule import Rule, area_scale


@dataclass(frozen=True)
class GateScore:
    """The best that a gate allows.

    Attributes:
        gate: P(defect) that an image must exceed.
        score: of the objective.
        rule: the rule that reaches it.
    """

    gate: float
    score: float
    rule: Rule


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        rule, score: the best of all, by the objective.
        gates: the best of each gate, in the order given.
    """

    rule: Rule
    score: float
    gates: tuple[GateScore, ...]


def search(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
    *,
    soft: bool = False,
) -> SearchResult:
    """Find the rule of the highest score by the objective of `grids`.

    Among rules within 1e-9 of the best, each class takes the one nearest to `plain`: the fewest steps away, counted on
    the grids of upper, lower and area together; the gate nearest to the plain one wins likewise, then the hardest. Few
    images leave wide ties, and this keeps the rule away from their ends.

    Args:
        histograms: uint32 (N, K, 2, L), pixels per probability over background (0) and truth (1) at the image's size, with
            L = 256; fewer levels where they are coarse (`rule/coarse_grid.py`).
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
) -> tuple[GateScore, ...]:
    """The best of each gate."""
    areas, plain = grids.areas, grids.plain
    passed = np.searchsorted(gates, p_defect[chosen], side="left")
    scale = None if softness == 1 else area_scale(softness, p_defect[chosen])
    aim, everything = grids.objective.aim, range(plain.classes)
    classes = [ClassSearch.of(histograms, index, chosen, passed, areas, scale, aim) for index in everything]
    if aim == "defects":
        scores, bests = _within_budget(classes, len(gates), grids)
    else:
        bests = [of_class.best(len(gates), grids.away(index), grids.uppers) for index, of_class in enumerate(classes)]
        scores = np.mean([best.score for best in bests], axis=0)
    return tuple(_point(gate, softness, float(scores[g]), bests, g, areas) for g, gate in enumerate(gates.tolist()))


def _point(
    gate: float, softness: float, score: float, bests: Sequence[ClassBest], g: int, areas: NDArray[np.int64]
) -> GateScore:
    rule = Rule(
        gate=gate,
        softness=softness,
        upper=tuple(int(best.upper[g]) for best in bests),
        lower=tuple(int(best.lower[g]) for best in bests),
        min_area=tuple(int(areas[best.area[g]]) for best in bests),
    )
    return GateScore(gate=gate, score=score, rule=rule)


def _within_budget(
    classes: Sequence[ClassSearch], gates: int, grids: Grids
) -> tuple[NDArray[np.float64], list[ClassBest]]:
    """Of each gate, the largest Dice of pairs with a defect that the budget of false alarms allows."""
    budget = grids.objective.budget(sum(one.empty for one in classes))
    fronts = [one.front(gates, budget, grids.uppers) for one in classes]
    gained, shares = share_out([front.gain for front in fronts], TIE)
    bests = []
    for index, (one, front, spent) in enumerate(zip(classes, fronts, shares, strict=True)):
        gain = np.take_along_axis(front.gain, spent[:, None], axis=1)[:, 0]
        bests.append(ClassBest(gain, *one.nearest(front, spent, grids.away(index))))
    defective = sum(one.images - one.empty for one in classes)
    return gained / max(defective, 1), bests


def search_shared(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    images: NDArray[np.intp] | None = None,
    *,
    soft: bool = False,
) -> SearchResult:
    """As `search`, with one upper, one lower and one area for all classes: three numbers and a gate in all.

    A mean over pairs does not care whose pair it is, so this is the search of one class that holds every pair. `pooled` is
    a mean over classes: there the scores of the classes are added up place by place.
    """
    chosen = np.arange(len(histograms)) if images is None else images
    plain, classes = grids.plain, grids.plain.classes
    one = replace(grids, plain=plain.only([0]))
    if grids.objective.aim == "pooled":
        gates, softnesses = _gates(grids, soft)
        at = [_shared_pooled(histograms, p_defect, grids, chosen, gates, softness) for softness in softnesses]
        return _best_gate(at, plain)
    pooled = histograms[chosen].reshape(-1, 1, *histograms.shape[2:])
    found = search(pooled, np.repeat(p_defect[chosen], classes), one, soft=soft)
    points = tuple(GateScore(point.gate, point.score, spread(point.rule, classes)) for point in found.gates)
    return SearchResult(spread(found.rule, classes), found.score, points)


def _shared_pooled(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    chosen: NDArray[np.intp],
    gates: NDArray[np.float64],
    softness: float,
) -> tuple[GateScore, ...]:
    """The best of each gate by the mean over classes of the Dice of all pixels."""
    plain, areas, away = grids.plain, grids.areas, grids.away(0)
    passed = np.searchsorted(gates, p_defect[chosen], side="left")
    scale = None if softness == 1 else area_scale(softness, p_defect[chosen])
    classes = [
        ClassSearch.of(histograms, index, chosen, passed, areas, scale, "pooled") for index in range(plain.classes)
    ]
    best = np.full(len(gates), -1.0)
    steps = np.full(len(gates), np.iinfo(np.int64).max)
    place = np.zeros((3, len(gates)), np.int64)
    for upper in grids.uppers.tolist():
        mean = np.mean([one.slab(upper).dense(len(gates), len(areas), one.nothing) for one in classes], axis=0)
        apart = away.upper[upper] + away.area[:, None] + away.lower[: upper + 1]
        for g, cube in enumerate(mean):
            top = float(cube.max())
            if top < best[g] - TIE:
                continue
            at = int(np.where(cube >= top - TIE, apart, np.iinfo(np.int64).max).argmin())
            away_from_plain = int(apart.flat[at])
            if top > best[g] + TIE or away_from_plain < steps[g]:
                best[g], steps[g] = max(top, best[g]), away_from_plain
                place[:, g] = upper, at % (upper + 1), at // (upper + 1)
    best_of = ClassBest(best, *place)
    return tuple(
        _point(gate, softness, float(best[g]), [best_of] * plain.classes, g, areas)
        for g, gate in enumerate(gates.tolist())
    )


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
        points = []
        for gate in gates.tolist():
            score = grids.objective.score(_stopped(counts, p_defect[chosen] <= gate))
            points.append(GateScore(gate, score, lowest.model_copy(update={"gate": gate})))
        found.append(tuple(points))
    return _best_gate(found, grids.plain)


def _stopped(counts: PixelCounts, images: NDArray[np.bool_]) -> PixelCounts:
    """The same without the masks of some images."""
    kept = ~images[:, None]
    return PixelCounts(counts.intersection * kept, counts.predicted * kept, counts.truth)


def _best_gate(found: Sequence[tuple[GateScore, ...]], plain: Rule) -> SearchResult:
    """The best of all gates; of each gate, the softness that serves it best."""
    points = tuple(_first(at_gate, lambda point: point.rule.softness) for at_gate in zip(*found, strict=True))
    best = _first([point for at_gate in found for point in at_gate], lambda point: abs(point.gate - plain.gate))
    return SearchResult(best.rule, best.score, points)


def _first(points: Sequence[GateScore], key: Callable[[GateScore], float]) -> GateScore:
    """Of those within a tie of the best, the one of least `key`, then the hardest."""
    top = max(point.score for point in points)
    return min(
        (point for point in points if point.score >= top - TIE), key=lambda point: (key(point), point.rule.softness)
    )


def spread(rule: Rule, classes: int) -> Rule:
    """A rule of one class, for all of `classes`."""
    return rule.model_copy(update={name: getattr(rule, name) * classes for name in ("upper", "lower", "min_area")})
