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

from steelsight.decision.counts import Histograms, count
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule
from steelsight.metrics.dice import pair_dice

LEVELS = 256
TIE = 1e-9
"""Scores (means over images) that differ by less are the same."""


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
        bests.append(_ClassSearch.of(histograms, index, chosen, passed, areas).best(len(gates), start))
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


@dataclass(frozen=True, eq=False)
class _Best:
    """Per gate: score float64 (G,), and where it stands on the grids, int64 (G,) each."""

    score: NDArray[np.float64]
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    area: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _ClassSearch:
    """One class: its images that have a pixel above 0 and pass a gate, those with the defect first.

    Attributes:
        images: number of all images searched on, with those left out.
        empty: of these, how many do not have the defect.
        gains: float64 (D, 256), Dice of each image with the defect if its mask is every pixel above `lower`.
        reached: uint16 or uint32 (n, 256), how many areas of the grid the pixels above `upper` reach.
        passed: int64 (n,), how many gates the image passes, at least 1.
        areas: length of the area grid.
    """

    images: int
    empty: int
    gains: NDArray[np.float64]
    reached: NDArray[np.integer]
    passed: NDArray[np.int64]
    areas: int

    @classmethod
    def of(
        cls,
        histograms: Histograms,
        index: int,
        chosen: NDArray[np.intp],
        passed: NDArray[np.int64],
        areas: NDArray[np.int64],
    ) -> "_ClassSearch":
        truth = histograms[chosen, index, 1].sum(axis=-1, dtype=np.int64)
        empty = int((truth == 0).sum())
        alive = passed > 0
        alive &= histograms[chosen, index, 0, 1:].any(axis=-1) | histograms[chosen, index, 1, 1:].any(axis=-1)
        order = np.concatenate([np.flatnonzero(alive & (truth > 0)), np.flatnonzero(alive & (truth == 0))])
        defective = int((alive & (truth > 0)).sum())
        own = histograms[chosen[order], index]
        overlap = _above(own[:defective, 1])
        predicted = _above(own.sum(axis=1, dtype=np.uint32))
        gains = 2.0 * overlap / (predicted[:defective] + truth[order[:defective], None])
        reached = np.searchsorted(areas, predicted, side="right")
        small = np.uint16 if len(areas) < 2**16 else np.uint32
        return cls(len(chosen), empty, gains, reached.astype(small), passed[order], len(areas))

    def best(self, gates: int, start: tuple[int, int, int]) -> _Best:
        """The best of each gate; `start` is the plain (upper, lower, area), as places on the grids."""
        tops = np.zeros((gates, LEVELS))
        for upper in range(LEVELS):
            slab = self._slab(upper)
            most = np.append(slab.best(self.areas), 0.0)  # no image passes: nothing is gained
            tops[:, upper] = most[np.searchsorted(slab.passed, np.arange(1, gates + 1))]
        top = tops.max(axis=1)
        place = self._nearest(tops, top - TIE * self.images, start)
        return _Best((self.empty + top) / self.images, *place)

    def _nearest(
        self, tops: NDArray[np.float64], enough: NDArray[np.float64], start: tuple[int, int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Per gate, the place with a gain of at least `enough` that is the fewest steps from `start`."""
        gates = len(enough)
        found = np.zeros((3, gates), np.int64)
        steps = np.full(gates, np.iinfo(np.int64).max)
        for upper in sorted(range(LEVELS), key=lambda level: abs(level - start[0])):
            away = abs(upper - start[0])
            open_ = np.flatnonzero((tops[:, upper] >= enough) & (away < steps))
            if not open_.size:
                continue
            slab = self._slab(upper)
            for gate in open_.tolist():
                place = slab.nearest(gate, float(enough[gate]), start, self.areas)
                if place is not None and away + place[0] < steps[gate]:
                    steps[gate] = away + place[0]
                    found[:, gate] = upper, place[1], place[2]
        return found[0], found[1], found[2]

    def _slab(self, upper: int) -> "_Slab":
        live = np.flatnonzero(self.reached[:, upper])
        passed, gate_place = np.unique(self.passed[live], return_inverse=True)
        reached, area_place = np.unique(self.reached[live, upper], return_inverse=True)
        rows = len(passed) * (len(reached) + 1)
        place = gate_place * (len(reached) + 1) + area_place
        defective = int(np.searchsorted(live, len(self.gains)))
        gain = np.zeros((rows, upper + 1))
        if defective:
            order = np.argsort(place[:defective], kind="stable")
            ordered = place[order]
            starts = np.flatnonzero(np.diff(ordered, prepend=-1))
            gain[ordered[starts]] = np.add.reduceat(self.gains[live[order], : upper + 1], starts, axis=0)
        gain -= np.bincount(place[defective:], minlength=rows)[:, None]
        cube = gain.reshape(len(passed), len(reached) + 1, upper + 1)
        for later in range(len(passed) - 2, -1, -1):
            cube[later] += cube[later + 1]
        for later in range(len(reached) - 2, -1, -1):
            cube[:, later] += cube[:, later + 1]
        return _Slab(cube, passed, reached.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Slab:
    """Gains of one `upper`, only where they change.

    Attributes:
        gain: float64 (p, r + 1, upper + 1). Row [i, j] is of the gates that passed[i] passes and passed[i - 1] does
            not, and of the areas that reached[j] reaches and reached[j - 1] does not; row [:, r] is of areas that no
            image reaches.
        passed: int64 (p,), ascending.
        reached: int64 (r,), ascending.
    """

    gain: NDArray[np.float64]
    passed: NDArray[np.int64]
    reached: NDArray[np.int64]

    def best(self, areas: int) -> NDArray[np.float64]:
        """The largest gain by gate, float64 (p,); areas that no image reaches count where the grid has one."""
        unreached = not len(self.reached) or int(self.reached[-1]) < areas
        best: NDArray[np.float64] = self.gain[:, : len(self.reached) + unreached].max(axis=(1, 2))
        return best

    def nearest(self, gate: int, enough: float, start: tuple[int, int, int], areas: int) -> tuple[int, int, int] | None:
        """Steps to, lower and area of the place nearest to `start` that gains `enough`; None where none does."""
        _, plain_lower, plain_area = start
        upper = self.gain.shape[2] - 1
        row = int(np.searchsorted(self.passed, gate + 1))
        if row == len(self.passed):
            if enough > 0:
                return None
            lower = min(plain_lower, upper)
            return abs(lower - plain_lower), lower, plain_area
        first = np.concatenate([[0], self.reached])
        last = np.concatenate([self.reached, [areas]]) - 1
        area = np.clip(plain_area, first, np.maximum(first, last))
        steps = np.abs(area - plain_area)[:, None] + np.abs(np.arange(upper + 1) - plain_lower)
        fits = (self.gain[row] >= enough) & (first <= last)[:, None]
        if not fits.any():
            return None
        steps = np.where(fits, steps, np.iinfo(np.int64).max)
        at, lower = np.unravel_index(int(steps.argmin()), steps.shape)
        return int(steps[at, lower]), int(lower), int(area[at])


def _above(histograms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Pixels above each level: uint32 (n, 256) of histograms (n, 256)."""
    above = np.zeros(histograms.shape, np.uint32)
    np.cumsum(histograms[:, :0:-1], axis=1, dtype=np.uint32, out=above[:, -2::-1])
    return above
