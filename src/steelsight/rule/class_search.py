"""The search of one class: sums of gains for every gate, area, upper and lower."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.grid import Away
from steelsight.rule.objective import ObjectiveName, pooled_dice
from steelsight.rule.pixel_counts import Histograms

TIE = 1e-9
"""Scores (means over images) that differ by less are the same."""


@dataclass(frozen=True, eq=False)
class ClassBest:
    """Per gate: score float64 (G,), and where it stands on the grids, int64 (G,) each."""

    score: NDArray[np.float64]
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    area: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassSearch:
    """One class: its images that have a pixel above the lowest level and pass a gate, those with the defect first.

    Attributes:
        aim: what is searched for.
        images: number of all images searched on, with those left out.
        empty: of these, how many do not have the defect.
        truth: annotated pixels of all of them.
        gains: float64 (D, L), of each image with the defect if its mask is every pixel above `lower`: its Dice, or with
            `pooled` the pixels that are rightly marked.
        predicted: uint32 (n, L), pixels above each level.
        reached: uint16 or uint32 (n, L), how many areas of the grid the pixels above `upper` reach.
        passed: int64 (n,), how many gates the image passes, at least 1.
        place: intp (n,), where each image stands among those searched on.
        areas: length of the area grid.
    """

    aim: ObjectiveName
    images: int
    empty: int
    truth: int
    gains: NDArray[np.float64]
    predicted: NDArray[np.uint32]
    reached: NDArray[np.integer]
    passed: NDArray[np.int64]
    place: NDArray[np.intp]
    areas: int

    @classmethod
    def of(
        cls,
        histograms: Histograms,
        index: int,
        chosen: NDArray[np.intp],
        passed: NDArray[np.int64],
        areas: NDArray[np.int64],
        scale: NDArray[np.float64] | None = None,
        aim: ObjectiveName = "competition",
    ) -> "ClassSearch":
        """Of histograms uint32 (N, K, 2, L).

        Args:
            index: of the class.
            chosen: the images to search on.
            passed: of these, how many gates each passes.
            areas: the grid.
            scale: of these, what a soft gate multiplies areas with (`rule.area_scale`); None where the gate is hard.
        """
        truth = histograms[chosen, index, 1].sum(axis=-1, dtype=np.int64)
        empty = int((truth == 0).sum())
        alive = passed > 0
        alive &= histograms[chosen, index, 0, 1:].any(axis=-1) | histograms[chosen, index, 1, 1:].any(axis=-1)
        order = np.concatenate([np.flatnonzero(alive & (truth > 0)), np.flatnonzero(alive & (truth == 0))])
        defective = int((alive & (truth > 0)).sum())
        own = histograms[chosen[order], index]
        overlap = _above(own[:defective, 1])
        predicted = _above(own.sum(axis=1, dtype=np.uint32))
        gains = (
            overlap.astype(np.float64)
            if aim == "pooled"
            else 2.0 * overlap / (predicted[:defective] + truth[order[:defective], None])
        )
        # divided as `masks` divides, so that no rounding tells them apart
        found = predicted if scale is None else predicted / scale[order, None]
        reached = np.searchsorted(areas, found, side="right")
        small = np.uint16 if len(areas) < 2**16 else np.uint32
        return cls(
            aim,
            len(chosen),
            empty,
            int(truth.sum()),
            gains,
            predicted,
            reached.astype(small),
            passed[order],
            order,
            len(areas),
        )

    @property
    def nothing(self) -> float:
        """What a mask in no image is worth, on the scale of `Slab.gain`."""
        return 1.0 if self.aim == "pooled" and not self.truth else 0.0

    @property
    def tie(self) -> float:
        """Gains that differ by less are the same."""
        return TIE if self.aim == "pooled" else TIE * self.images

    def best(self, gates: int, away: Away, uppers: NDArray[np.int64]) -> ClassBest:
        """The best of each gate, and of these the one nearest to the plain rule."""
        tops = np.full((gates, self.reached.shape[1]), -np.inf)
        for upper in uppers.tolist():
            slab = self.slab(upper)
            most = np.append(slab.best(self.areas), self.nothing)  # no image passes
            tops[:, upper] = most[np.searchsorted(slab.passed, np.arange(1, gates + 1))]
        top = tops.max(axis=1)
        place = self._nearest(tops, top - self.tie, away)
        return ClassBest(top if self.aim == "pooled" else (self.empty + top) / self.images, *place)

    def front(self, gates: int, budget: int, uppers: NDArray[np.int64]) -> "BudgetFront":
        """The largest gain of each gate with at most so many false alarms."""
        best, tops = np.zeros((gates, budget + 1)), np.full((gates, self.reached.shape[1]), -np.inf)
        for upper in uppers.tolist():
            slab = self.slab(upper)
            rows = np.searchsorted(slab.passed, np.arange(1, gates + 1))
            kept = slab.rows(self.areas)
            gain, cost = slab.gain[:, :kept].max(axis=2), slab.cost[:, :kept]
            tops[rows == len(slab.passed), upper] = 0.0  # no image passes
            for gate in np.flatnonzero(rows < len(slab.passed)).tolist():
                affordable = cost[rows[gate]] <= budget
                gains = gain[rows[gate]][affordable]
                np.maximum.at(best[gate], cost[rows[gate]][affordable], gains)
                tops[gate, upper] = gains.max(initial=-np.inf)
        return BudgetFront(np.maximum.accumulate(best, axis=1), tops)

    def nearest(
        self, front: "BudgetFront", spent: NDArray[np.int64], away: Away
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Upper, lower and area of each gate: the nearest to the plain rule of those that gain most at no more than `spent`
        false alarms."""
        enough = np.take_along_axis(front.gain, spent[:, None], axis=1)[:, 0] - self.tie
        return self._nearest(front.tops, enough, away, spent)

    def _nearest(
        self,
        tops: NDArray[np.float64],
        enough: NDArray[np.float64],
        away: Away,
        spent: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Per gate, the place with a gain of at least `enough` that is the fewest steps away."""
        gates = len(enough)
        found = np.zeros((3, gates), np.int64)
        steps = np.full(gates, np.iinfo(np.int64).max)
        for upper in np.argsort(away.upper, kind="stable").tolist():
            open_ = np.flatnonzero((tops[:, upper] >= enough) & (away.upper[upper] < steps))
            if not open_.size:
                continue
            slab = self.slab(upper)
            for gate in open_.tolist():
                most = None if spent is None else int(spent[gate])
                place = slab.nearest(gate, float(enough[gate]), away, self.areas, self.nothing, most)
                if place is not None and away.upper[upper] + place[0] < steps[gate]:
                    steps[gate] = away.upper[upper] + place[0]
                    found[:, gate] = upper, place[1], place[2]
        return found[0], found[1], found[2]

    def slab(self, upper: int) -> "Slab":
        """What each gate, area and lower threshold is worth at one upper one."""
        live = np.flatnonzero(self.reached[:, upper])
        passed, gate_place = np.unique(self.passed[live], return_inverse=True)
        reached, area_place = np.unique(self.reached[live, upper], return_inverse=True)
        rows = len(passed) * (len(reached) + 1)
        place = gate_place * (len(reached) + 1) + area_place
        defective = int(np.searchsorted(live, len(self.gains)))
        shape = (len(passed), len(reached) + 1)
        of_defective = _summed(self.gains[live[:defective], : upper + 1], place[:defective], rows)
        gain = _cumulated(of_defective.reshape(*shape, upper + 1))
        if self.aim == "pooled":
            marked = _summed(self.predicted[live, : upper + 1].astype(np.float64), place, rows)
            marked = _cumulated(marked.reshape(*shape, upper + 1))
            gain = pooled_dice(gain, marked, np.full_like(marked, self.truth))
            cost = np.zeros(shape, np.int64)
        else:
            cost = _cumulated(np.bincount(place[defective:], minlength=rows).reshape(shape))
        if self.aim == "competition":
            gain -= cost[..., None]
        return Slab(gain, cost, passed, reached.astype(np.int64))


def _summed(values: NDArray[np.float64], place: NDArray[np.intp], rows: int) -> NDArray[np.float64]:
    """Rows of `values` (n, c) added up by their place: float64 (rows, c)."""
    total = np.zeros((rows, values.shape[1]))
    if len(values):
        order = np.argsort(place, kind="stable")
        ordered = place[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        total[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return total


def _cumulated(cube: NDArray[Any]) -> NDArray[Any]:
    """Sums over all that pass at least as many gates and reach at least as many areas, in place."""
    for later in range(cube.shape[0] - 2, -1, -1):
        cube[later] += cube[later + 1]
    for later in range(cube.shape[1] - 3, -1, -1):
        cube[:, later] += cube[:, later + 1]
    return cube


@dataclass(frozen=True, eq=False)
class BudgetFront:
    """What a class gains with a budget of false alarms.

    Attributes:
        gain: float64 (G, B + 1), the most of each gate with at most 0..B false alarms.
        tops: float64 (G, L), the most of each gate and upper threshold with at most B.
    """

    gain: NDArray[np.float64]
    tops: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slab:
    """Gains of one `upper`, only where they change.

    Attributes:
        gain: float64 (p, r + 1, upper + 1). Row [i, j] is of the gates that passed[i] passes and passed[i - 1] does
            not, and of the areas that reached[j] reaches and reached[j - 1] does not; row [:, r] is of areas that no
            image reaches. With `competition` less the false alarms, with `pooled` the Dice itself.
        cost: int64 (p, r + 1), false alarms.
        passed: int64 (p,), ascending.
        reached: int64 (r,), ascending.
    """

    gain: NDArray[np.float64]
    cost: NDArray[np.int64]
    passed: NDArray[np.int64]
    reached: NDArray[np.int64]

    def rows(self, areas: int) -> int:
        """How many of the rows stand for areas of the grid: all, or all but that of areas that no image reaches."""
        return len(self.reached) + (not len(self.reached) or int(self.reached[-1]) < areas)

    def best(self, areas: int) -> NDArray[np.float64]:
        """The largest gain by gate, float64 (p,); areas that no image reaches count where the grid has one."""
        best: NDArray[np.float64] = self.gain[:, : self.rows(areas)].max(axis=(1, 2))
        return best

    def dense(self, gates: int, areas: int, nothing: float) -> NDArray[np.float64]:
        """The gain of every gate, area and lower threshold: float64 (gates, areas, upper + 1)."""
        padded = np.concatenate([self.gain, np.full((1, *self.gain.shape[1:]), nothing)])
        rows = np.searchsorted(self.passed, np.arange(1, gates + 1))
        return np.asarray(padded[rows][:, np.searchsorted(self.reached, np.arange(1, areas + 1))])

    def nearest(
        self, gate: int, enough: float, away: Away, areas: int, nothing: float, spent: int | None = None
    ) -> tuple[int, int, int] | None:
        """Steps to, lower and area of the nearest place that gains `enough`; None where none does.

        Args:
            nothing: what is gained where no image passes the gate.
            spent: the most false alarms; None for any number.
        """
        plain_lower, plain_area = int(away.lower.argmin()), int(away.area.argmin())
        upper = self.gain.shape[2] - 1
        row = int(np.searchsorted(self.passed, gate + 1))
        if row == len(self.passed):
            if enough > nothing:
                return None
            lower = min(plain_lower, upper)
            return int(away.lower[lower]), lower, plain_area
        first = np.concatenate([[0], self.reached])
        last = np.concatenate([self.reached, [areas]]) - 1
        area = np.clip(np.clip(plain_area, first, np.maximum(first, last)), 0, areas - 1)  # the last may hold no area
        steps = away.area[area][:, None] + away.lower[: upper + 1]
        fits = (self.gain[row] >= enough) & (first <= last)[:, None]
        if spent is not None:
            fits &= (self.cost[row] <= spent)[:, None]
        if not fits.any():
            return None
        steps = np.where(fits, steps, np.iinfo(np.int64).max)
        at, lower = np.unravel_index(int(steps.argmin()), steps.shape)
        return int(steps[at, lower]), int(lower), int(area[at])


def _above(histograms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Pixels above each level: uint32 (n, L) of histograms (n, L)."""
    above = np.zeros(histograms.shape, np.uint32)
    np.cumsum(histograms[:, :0:-1], axis=1, dtype=np.uint32, out=above[:, -2::-1])
    return above
