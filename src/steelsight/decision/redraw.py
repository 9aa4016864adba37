"""The search of the rule on many draws of the images at once, for a bootstrap.

The gains that `class_search.py` adds up are linear in how often an image counts. On a coarse grid all of them fit into one
array of gates, areas and lower thresholds per upper one, so that a draw is one more column of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.candidates import SOFT, Kind, View
from steelsight.decision.class_search import TIE, ClassSearch
from steelsight.decision.counts import Histograms, count
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule, area_scale
from steelsight.metrics.dice import pair_dice

AT_ONCE = 50
"""Draws to search together: so many stay in the processor's cache."""


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


def redraw(kind: Kind, view: View, grids: Grids, times: NDArray[np.int64]) -> Redrawn:
    """What `find_rule` finds on each draw; among rules within 1e-9 of the best, one near to the plain rule.

    Args:
        kind: not `defaults`.
        view, grids: coarse, see `decision/coarse.py`: work grows with the product of levels, levels, areas and gates.
        times: int64 (N, D), how often each image counts in each draw; at least one image in each.
    """
    soft = kind in SOFT
    gates, softness = (grids.soft_gates, grids.softness) if soft else (grids.gates, (1.0,))
    match kind:
        case "tuned" | "soft-tuned":
            scores, places = _thresholds(view.histograms, view.p_defect, grids, gates, softness, times)
        case "shared" | "soft-shared":  # one class that holds every pair, as in `search_shared`
            classes = grids.plain.classes
            pooled = view.histograms.reshape(-1, 1, *view.histograms.shape[2:])
            p_defect, often = np.repeat(view.p_defect, classes), np.repeat(times, classes, axis=0)
            one = replace(grids, plain=grids.plain.only([0]))
            scores, places = _thresholds(pooled, p_defect, one, gates, softness, often)
        case _:
            scores = _gate_scores(view, grids.plain, gates, softness, times)
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
    view: View, plain: Rule, gates: NDArray[np.float64], softness: Sequence[float], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean Dice of the plain thresholds, float64 (S, G, D)."""
    passes = view.p_defect > gates[:, None]
    scores = []
    for one in softness:
        lowest = plain.model_copy(update={"gate": 0.0, "softness": one})
        counts = count(view.histograms, view.p_defect, lowest)
        passed = pair_dice(counts.intersection, counts.predicted, counts.truth).mean(axis=1)
        stopped = (counts.truth == 0).mean(axis=1)
        scores.append(np.where(passes, passed, stopped) @ times / times.sum(axis=0))
    return np.stack(scores)


def _thresholds(
    histograms: Histograms,
    p_defect: NDArray[np.float64],
    grids: Grids,
    gates: NDArray[np.float64],
    softness: Sequence[float],
    times: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best mean Dice, float64 (S, G, D), and where each class has it: int64 (S, K, 3, G, D) upper, lower and area."""
    areas, plain = grids.areas, grids.plain
    passed, images = np.searchsorted(gates, p_defect, side="left"), np.arange(len(p_defect))
    scores, places = np.zeros((len(softness), len(gates), times.shape[1])), []
    for row, one in enumerate(softness):
        scale = None if one == 1 else area_scale(one, p_defect)
        for index in range(plain.classes):
            start = (plain.upper[index], plain.lower[index], int(np.searchsorted(areas, plain.min_area[index])))
            of_class = ClassSearch.of(histograms, index, images, passed, areas, scale)
            empty = times[histograms[:, index, 1].sum(axis=-1) == 0].sum(axis=0)
            score, place = _of_class(of_class, empty, times, len(gates), start)
            scores[row] += score / plain.classes
            places.append(place)
    return scores, np.stack(places).reshape(len(softness), plain.classes, 3, len(gates), -1)


def _of_class(
    one: ClassSearch, empty: NDArray[np.int64], times: NDArray[np.int64], gates: int, start: tuple[int, int, int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best mean Dice of a class, float64 (G, D), and where: int64 (3, G, D); `empty` images of each draw lack the defect.

    A step away from `start` costs so little that all of them together stay below a tie.
    """
    levels, draws, images = one.reached.shape[1], times.shape[1], times.sum(axis=0)
    step = TIE * float(images.min()) / (2 * levels + one.areas)
    away = np.abs(np.arange(one.areas) - start[2])[:, None] + np.abs(np.arange(levels) - start[1])
    weights = times[one.place].astype(np.float64)
    best, place = np.full((gates, draws), -np.inf), np.zeros((3, gates, draws), np.int64)
    for upper in sorted(
        range(levels), key=lambda level: abs(level - start[0])
    ):  # the nearest first, as `search` has it
        gain = _gains(one, upper, weights, gates)
        gain -= step * (away[:, : upper + 1, None] + abs(upper - start[0]))
        flat = gain.reshape(gates, -1, draws)
        at = flat.argmax(axis=1)
        top = np.take_along_axis(flat, at[:, None], axis=1)[:, 0]
        better = top > best + step / 2
        best[better] = top[better]
        place[:, better] = np.stack([np.full_like(at, upper), at % (upper + 1), at // (upper + 1)])[:, better]
    return (empty + best) / images, place


def _gains(one: ClassSearch, upper: int, weights: NDArray[np.float64], gates: int) -> NDArray[np.float64]:
    """What is gained at one upper threshold: float64 (G, A, upper + 1, D)."""
    live = np.flatnonzero(one.reached[:, upper])
    cell = one.passed[live] * (one.areas + 1) + one.reached[live, upper]
    split = int(np.searchsorted(live, len(one.gains)))
    gain = np.zeros(((gates + 1) * (one.areas + 1), upper + 1, weights.shape[1]))
    for at, images in _groups(cell[:split], live[:split]):
        gain[at] = one.gains[images, : upper + 1].T @ weights[images]
    for at, images in _groups(cell[split:], live[split:]):
        gain[at] -= weights[images].sum(axis=0)
    cube = gain.reshape(gates + 1, one.areas + 1, upper + 1, -1)
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
