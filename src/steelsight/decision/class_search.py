"""The search of one class: sums of gains for every gate, area, upper and lower."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.counts import Histograms
from steelsight.decision.grid import Away

TIE = 1e-9
"""Scores (means over images) that differ by less are the same."""


@dataclass(frozen=True, eq=False)
class Best:
    """Per gate: score float64 (G,), and where it stands on the grids, int64 (G,) each."""

    score: NDArray[np.float64]
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    area: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassSearch:
    """One class: its images that have a pixel above the lowest level and pass a gate, those with the defect first.

    Attributes:
        images: number of all images searched on, with those left out.
        empty: of these, how many do not have the defect.
        gains: float64 (D, L), Dice of each image with the defect if its mask is every pixel above `lower`.
        reached: uint16 or uint32 (n, L), how many areas of the grid the pixels above `upper` reach.
        passed: int64 (n,), how many gates the image passes, at least 1.
        place: intp (n,), where each image stands among those searched on.
        areas: length of the area grid.
    """

    images: int
    empty: int
    gains: NDArray[np.float64]
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
        gains = 2.0 * overlap / (predicted[:defective] + truth[order[:defective], None])
        # divided as `masks` divides, so that no rounding tells them apart
        found = predicted if scale is None else predicted / scale[order, None]
        reached = np.searchsorted(areas, found, side="right")
        small = np.uint16 if len(areas) < 2**16 else np.uint32
        return cls(len(chosen), empty, gains, reached.astype(small), passed[order], order, len(areas))

    def best(self, gates: int, away: Away) -> Best:
        """The best of each gate, and of these the one nearest to the plain rule."""
        levels = self.reached.shape[1]
        tops = np.zeros((gates, levels))
        for upper in range(levels):
            slab = self._slab(upper)
            most = np.append(slab.best(self.areas), 0.0)  # no image passes: nothing is gained
            tops[:, upper] = most[np.searchsorted(slab.passed, np.arange(1, gates + 1))]
        top = tops.max(axis=1)
        place = self._nearest(tops, top - TIE * self.images, away)
        return Best((self.empty + top) / self.images, *place)

    def _nearest(
        self, tops: NDArray[np.float64], enough: NDArray[np.float64], away: Away
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Per gate, the place with a gain of at least `enough` that is the fewest steps away."""
        gates = len(enough)
        found = np.zeros((3, gates), np.int64)
        steps = np.full(gates, np.iinfo(np.int64).max)
        for upper in np.argsort(away.upper, kind="stable").tolist():
            open_ = np.flatnonzero((tops[:, upper] >= enough) & (away.upper[upper] < steps))
            if not open_.size:
                continue
            slab = self._slab(upper)
            for gate in open_.tolist():
                place = slab.nearest(gate, float(enough[gate]), away, self.areas)
                if place is not None and away.upper[upper] + place[0] < steps[gate]:
                    steps[gate] = away.upper[upper] + place[0]
                    found[:, gate] = upper, place[1], place[2]
        return found[0], found[1], found[2]

    def _slab(self, upper: int) -> "Slab":
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
        return Slab(cube, passed, reached.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Slab:
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

    def nearest(self, gate: int, enough: float, away: Away, areas: int) -> tuple[int, int, int] | None:
        """Steps to, lower and area of the nearest place that gains `enough`; None where none does."""
        plain_lower, plain_area = int(away.lower.argmin()), int(away.area.argmin())
        upper = self.gain.shape[2] - 1
        row = int(np.searchsorted(self.passed, gate + 1))
        if row == len(self.passed):
            if enough > 0:
                return None
            lower = min(plain_lower, upper)
            return int(away.lower[lower]), lower, plain_area
        first = np.concatenate([[0], self.reached])
        last = np.concatenate([self.reached, [areas]]) - 1
        area = np.clip(np.clip(plain_area, first, np.maximum(first, last)), 0, areas - 1)  # the last may hold no area
        steps = away.area[area][:, None] + away.lower[: upper + 1]
        fits = (self.gain[row] >= enough) & (first <= last)[:, None]
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
