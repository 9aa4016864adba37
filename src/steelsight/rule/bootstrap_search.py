"""The search of the rule on many draws of the images at once, for a bootstrap.

The gains that `class_search.py` adds up are linear in how often an image counts. On a coarse grid all of them fit into one
array of gates, areas and lower thresholds per upper one, so that a draw is one more column of it. With the objective
`defects` the budget of false alarms is shared out among the classes in `BINS` parts at the most, rounded so that no draw
exceeds it: exact where the budget has no more false alarms than that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.dice import pair_dice
from steelsight.rule.budget import share_out
from steelsight.rule.class_search import TIE, ClassSearch
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Away, Grids
from steelsight.rule.kinds import KINDS, KindName
from steelsight.rule.objective import defects_score, pooled_dice
from steelsight.rule.pixel_counts import Histograms, count
from steelsight.rule.rule import area_scale

AT_ONCE = 50
"""Draws to search together: so many stay in the processor's cache."""

BINS = 64
"""Parts of a budget of false alarms."""


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The rule of each of D draws; thresholds are places among the levels of the histograms.

    Attributes:
        gate, softness: float64 (D,).
        upper, lower, min_area: int64 (C, D); C: the classes, 1 where they share a value, 0 where it stays plain.
    """

    gate: NDArray[np.float64]
    softness: NDArray[np.float64]
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    min_area: NDArray[np.int64]


def redraw(name: KindName, view: CombinedOutputs, grids: Grids, times: NDArray[np.int64]) -> Redrawn:
    """What `find_rule` finds on each draw; among rules within 1e-9 of the best, one near to the plain rule.

    Args:
        name: of a kind that searches something.
        view, grids: coarse, see `rule/coarse_grid.py`: work grows with the product of levels, levels, areas and gates.
        times: int64 (N, D), how often each image counts in each draw; at least one image in each.
    """
    kind = KINDS[name]
    gates, softness = (grids.soft_gates, grids.softness) if kind.soft else (grids.gates, (1.0,))
    match kind.searched:
        case "gate and thresholds of each class":
            scores, places = _thresholds(view.histograms, view.p_defect, grids, gates, softness, times)
        case "gate and shared thresholds":  # one class that holds every pair, as in `search_shared`
            classes = grids.plain.classes
            one = replace(grids, plain=grids.plain.only([0]))
            if grids.objective.aim == "pooled":  # a mean over classes, not over pairs
                scores, places = _shared_pooled(view, grids, gates, softness, times)
            else:
                pooled = view.histograms.reshape(-1, 1, *view.histograms.shape[2:])
                p_defect, often = np.repeat(view.p_defect, classes), np.repeat(times, classes, axis=0)
                scores, places = _thresholds(pooled, p_defect, one, gates, softness, often)
        case "gate" | "nothing":
            scores = _gate_scores(view, grids, gates, softness, times)
            places = np.empty((len(softness), 0, 3, len(gates), times.shape[1]), np.int64)
    at_softness, at_gate = _best(scores, np.abs(gates - grids.plain.gate))
    upper, lower, area = places[at_softness, :, :, at_gate, np.arange(times.shape[1])].transpose(2, 1, 0)
    return Redrawn(gates[at_gate], np.array(softness)[at_softness], upper, lower, grids.areas[area])


def _best(scores: NDArray[np.float64], away: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Softness and gate of each draw: within a tie of the best score (S, G, D), the gate least away, then the hardest."""
    softnesses, gates, draws = scores.shape
    rank = np.lexsort((np.repeat(np.arange(softnesses), gates), np.tile(away, softnesses))).argsort()
    flat = scores.reshape(-1, draws)
    at = np.where(flat >= flat.max(axis=0) - TIE, rank[:, None], rank.size).argmin(axis=0)
    return np.divmod(at, gates)


def _gate_scores(
    view: CombinedOutputs, grids: Grids, gates: NDArray[np.float64], softness: Sequence[float], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores of the plain thresholds, float64 (S, G, D)."""
    passes = (view.p_defect > gates[:, None]).astype(np.float64)
    scores = []
    for one in softness:
        lowest = grids.plain.model_copy(update={"gate": 0.0, "softness": one})
        counts = count(view.histograms, view.p_defect, lowest)
        dice, defective = pair_dice(counts.intersection, counts.predicted, counts.truth), counts.truth > 0
        match grids.objective.aim:
            case "competition":
                stopped = (~defective).mean(axis=1)
                scores.append(np.where(passes > 0, dice.mean(axis=1), stopped) @ times / times.sum(axis=0))
            case "pooled":
                of_classes = [
                    pooled_dice((passes * right) @ times, (passes * marked) @ times, (true @ times)[None])
                    for right, marked, true in zip(
                        counts.intersection.T, counts.predicted.T, counts.truth.T, strict=True
                    )
                ]
                scores.append(np.mean(of_classes, axis=0))
            case "defects":
                gain = (passes * np.where(defective, dice, 0.0).sum(axis=1)) @ times
                alarms = (passes * (~defective & (counts.predicted > 0)).sum(axis=1)) @ times
                pairs = [defective.sum(axis=1) @ times, (~defective).sum(axis=1) @ times]
                scores.append(
                    np.stack(
                        [
                            defects_score(gain[:, draw], alarms[:, draw], int(some), grids.objective.budget(int(none)))
                            for draw, (some, none) in enumerate(zip(*pairs, strict=True))
                        ],
                        axis=1,
                    )
                )
    return np.stack(scores)


def _thresholds(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    gates: NDArray[np.float64],
    softness: Sequence[float],
    times: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best score, float64 (S, G, D), and where each class has it: int64 (S, K, 3, G, D) upper, lower and area."""
    plain, aim = grids.plain, grids.objective.aim
    scores, places = np.zeros((len(softness), len(gates), times.shape[1])), []
    for row, classes in enumerate(_searches(histograms, p_defect, grids, gates, softness)):
        empties = [times[histograms[:, index, 1].sum(axis=-1) == 0].sum(axis=0) for index in range(plain.classes)]
        if aim == "defects":
            scores[row], of_classes = _within_budget(classes, empties, times, len(gates), grids)
            places += of_classes
            continue
        for index, (of_class, empty) in enumerate(zip(classes, empties, strict=True)):
            truth = histograms[:, index, 1].sum(axis=-1, dtype=np.int64) @ times
            score, place = _of_class(of_class, empty, truth, times, len(gates), grids.away(index), grids.uppers)
            scores[row] += score / plain.classes
            places.append(place)
    return scores, np.stack(places).reshape(len(softness), plain.classes, 3, len(gates), -1)


def _searches(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    gates: NDArray[np.float64],
    softness: Sequence[float],
) -> Iterator[list[ClassSearch]]:
    """Of each softness, the searches of the classes."""
    passed, images = np.searchsorted(gates, p_defect, side="left"), np.arange(len(p_defect))
    for one in softness:
        scale = None if one == 1 else area_scale(one, p_defect)
        yield [
            ClassSearch.of(histograms, index, images, passed, grids.areas, scale, grids.objective.aim)
            for index in range(grids.plain.classes)
        ]


def _shared_pooled(
    view: CombinedOutputs, grids: Grids, gates: NDArray[np.float64], softness: Sequence[float], times: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """As `_thresholds`, with one place for all classes, by the mean over classes of the Dice of all pixels."""
    truth = [view.histograms[:, index, 1].sum(axis=-1, dtype=np.int64) @ times for index in range(grids.plain.classes)]
    weights = times.astype(np.float64)
    scores, places = [], []
    for classes in _searches(view.histograms, view.p_defect, grids, gates, softness):

        def gain(upper: int, classes: list[ClassSearch] = classes) -> NDArray[np.float64]:
            cubes = [
                _gains(one, upper, weights[one.place], len(gates), of) for one, of in zip(classes, truth, strict=True)
            ]
            return np.asarray(np.mean(cubes, axis=0))

        best, place = _best_place(gain, (len(gates), times.shape[1]), grids.away(0), TIE, grids.uppers)
        scores.append(best)
        places.append(place[None])
    return np.stack(scores), np.stack(places)


def _of_class(
    one: ClassSearch,
    empty: NDArray[np.int64],
    truth: NDArray[np.int64],
    times: NDArray[np.int64],
    gates: int,
    away: Away,
    uppers: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best score of a class, float64 (G, D), and where: int64 (3, G, D); `empty` images of each draw lack the defect, and
    `truth` pixels are annotated in each."""
    weights, images = times[one.place].astype(np.float64), times.sum(axis=0)
    tie = TIE if one.aim == "pooled" else TIE * float(images.min())
    best, place = _best_place(
        lambda upper: _gains(one, upper, weights, gates, truth), (gates, times.shape[1]), away, tie, uppers
    )
    return best if one.aim == "pooled" else (empty + best) / images, place


def _nearest_first(uppers: NDArray[np.int64], away: Away) -> list[int]:
    """The upper thresholds in the order in which `search` takes them."""
    ordered: list[int] = uppers[np.argsort(away.upper[uppers], kind="stable")].tolist()
    return ordered


def _step(away: Away, tie: float) -> float:
    """A step away from the plain rule costs so little that all of them together stay below a tie."""
    return tie / (1 + sum(int(steps.max()) for steps in away))


def _best_place(
    gain_at: Callable[[int], NDArray[np.float64]],
    shape: tuple[int, int],
    away: Away,
    tie: float,
    uppers: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The best of float64 (G, A, upper + 1, D) over all places and uppers: float64 (G, D), and where, int64 (3, G, D)."""
    step = _step(away, tie)
    below = away.area[:, None] + away.lower
    best, place = np.full(shape, -np.inf), np.zeros((3, *shape), np.int64)
    for upper in _nearest_first(uppers, away):
        gain = gain_at(upper)
        gain -= step * (below[:, : upper + 1, None] + away.upper[upper])
        flat = gain.reshape(shape[0], -1, shape[1])
        at = flat.argmax(axis=1)
        top = np.take_along_axis(flat, at[:, None], axis=1)[:, 0]
        better = top > best + step / 2
        best[better] = top[better]
        place[:, better] = np.stack([np.full_like(at, upper), at % (upper + 1), at // (upper + 1)])[:, better]
    return best, place


def _within_budget(
    classes: Sequence[ClassSearch],
    empties: Sequence[NDArray[np.int64]],
    times: NDArray[np.int64],
    gates: int,
    grids: Grids,
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Largest Dice of pairs with a defect within each draw's budget, float64 (G, D), and where each class has it."""
    draws = times.shape[1]
    empty = np.sum(empties, axis=0)
    defective = sum(one.images for one in classes) / len(times) * times.sum(axis=0) - empty
    budgets = np.array([grids.objective.budget(int(each)) for each in empty])
    bins, tie = np.minimum(budgets, BINS), TIE * max(1.0, float(defective.min())) / len(classes)
    fronts, wheres = [], []
    for index, one in enumerate(classes):
        weights = times[one.place].astype(np.float64)
        front, where = _front(one, weights, gates, budgets, bins, grids.away(index), tie, grids.uppers)
        fronts.append(front)
        wheres.append(where)
    size = fronts[0].shape[-1]
    gained, shares = share_out([front.reshape(-1, size) for front in fronts], tie * len(classes), np.tile(bins, gates))
    places = [
        np.take_along_axis(where.reshape(3, -1, size), spent[None, :, None], axis=2)[:, :, 0].reshape(3, gates, draws)
        for where, spent in zip(wheres, shares, strict=True)
    ]
    return gained.reshape(gates, draws) / np.maximum(defective, 1), places


def _front(
    one: ClassSearch,
    weights: NDArray[np.float64],
    gates: int,
    budgets: NDArray[np.int64],
    bins: NDArray[np.int64],
    away: Away,
    tie: float,
    uppers: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What a class gains with each part of the budget, float64 (G, D, bins + 1), and where: int64 (3, G, D, bins + 1)."""
    draws, size = weights.shape[1], int(bins.max()) + 1
    step = _step(away, tie)
    below = away.area[:, None] + away.lower
    best, place = np.full((gates, draws, size), -np.inf), np.zeros((3, gates, draws, size), np.int64)
    gate, draw = np.indices((gates, draws))
    per_bin = bins / np.maximum(budgets, 1)
    for upper in _nearest_first(uppers, away):
        gain, alarms = _gains_and_alarms(one, upper, weights, gates)
        gain -= step * (below[:, : upper + 1, None] + away.upper[upper])
        lower = gain.argmax(axis=2)
        top = np.take_along_axis(gain, lower[:, :, None], axis=2)[:, :, 0]
        part = np.ceil(alarms * per_bin - 1e-9).astype(np.int64)
        for area in np.argsort(away.area, kind="stable").tolist():
            here = np.where(alarms[:, area] <= budgets, part[:, area], 0)
            better = (alarms[:, area] <= budgets) & (top[:, area] > best[gate, draw, here] + step / 2)
            at = gate[better], draw[better], here[better]
            best[at] = top[:, area][better]
            place[(slice(None), *at)] = np.stack(
                [np.full_like(lower[:, area], upper), lower[:, area], np.full_like(lower[:, area], area)]
            )[:, better]
    for later in range(1, size):
        poorer = best[..., later] < best[..., later - 1]
        best[..., later][poorer] = best[..., later - 1][poorer]
        place[..., later][:, poorer] = place[..., later - 1][:, poorer]
    return best, place


def _gains(
    one: ClassSearch, upper: int, weights: NDArray[np.float64], gates: int, truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What is gained at one upper threshold: float64 (G, A, upper + 1, D)."""
    gain, alarms = _gains_and_alarms(one, upper, weights, gates)
    if one.aim == "pooled":
        live = np.flatnonzero(one.reached[:, upper])
        marked = _cube(one, live, one.predicted[live, : upper + 1].astype(np.float64), upper, weights, gates)
        return pooled_dice(gain, marked, np.broadcast_to(truth, gain.shape))
    gain -= alarms[:, :, None]
    return gain


def _gains_and_alarms(
    one: ClassSearch, upper: int, weights: NDArray[np.float64], gates: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gains, float64 (G, A, upper + 1, D), and false alarms, float64 (G, A, D), at one upper threshold."""
    live = np.flatnonzero(one.reached[:, upper])
    split = int(np.searchsorted(live, len(one.gains)))
    gain = _cube(one, live[:split], one.gains[live[:split], : upper + 1], upper, weights, gates)
    empty = live[split:]
    alarms = _cube(one, empty, np.ones((len(empty), 1)), upper, weights, gates)
    return gain, alarms[:, :, 0]


def _cube(
    one: ClassSearch,
    live: NDArray[np.intp],
    values: NDArray[np.float64],
    upper: int,
    weights: NDArray[np.float64],
    gates: int,
) -> NDArray[np.float64]:
    """Weighted sums of values (n, c) of the images `live`, over all that pass each gate and reach each area above `upper`:
    float64 (G, A, c, D)."""
    cell = one.passed[live] * (one.areas + 1) + one.reached[live, upper]
    total = np.zeros(((gates + 1) * (one.areas + 1), values.shape[1], weights.shape[1]))
    for at, rows in _groups(cell, np.arange(len(live))):
        total[at] = values[rows].T @ weights[live[rows]]
    cube = total.reshape(gates + 1, one.areas + 1, values.shape[1], -1)
    for later in range(gates - 1, 0, -1):
        cube[later] += cube[later + 1]
    for later in range(one.areas - 1, 0, -1):
        cube[:, later] += cube[:, later + 1]
    return cube[1:, 1:]


def _groups(cell: NDArray[np.int64], images: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """The images of each cell."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    return zip(ordered[first].tolist(), np.split(images[order], first[1:]), strict=False)
