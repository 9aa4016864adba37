"""A coarser grid: a hundredth of the work where the choice among rules, not the rule itself, is wanted."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.candidates import View
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule

STEP = 8
"""Between thresholds, of 255."""

AREA_RATIO = 1.5
GATES = 9
"""The most gates that are tried, the plain one and 0 aside."""


@dataclass(frozen=True, eq=False)
class Coarse:
    """Histograms of few levels and the grids to search them on; thresholds of rules are then places among the levels.

    Attributes:
        view: histograms uint32 (N, K, 2, L); the last dimension counts the pixels up to each level and above the one before.
        grids: with a plain rule whose thresholds are places.
        levels: int64 (L,), ascending, from 0 to 255, the plain thresholds among them.
    """

    view: View
    grids: Grids
    levels: NDArray[np.int64]

    def fine(self, rule: Rule) -> Rule:
        """A rule that was found here, with thresholds of 0..255."""
        levels = self.levels.tolist()
        upper, lower = (tuple(levels[place] for place in places) for places in (rule.upper, rule.lower))
        return rule.model_copy(update={"upper": upper, "lower": lower})


def coarse(view: View, grids: Grids) -> Coarse:
    """Thresholds in steps of 8, areas at least 1.5 times the one before, nine gates evenly chosen; and the plain rule's.

    Every rule of this grid is one of the full grid, and counts the same pixels.
    """
    plain = grids.plain
    levels = np.unique([*range(0, 256, STEP), 255, *plain.upper, *plain.lower])
    first = np.concatenate([[0], levels[:-1] + 1])
    places = {name: tuple(np.searchsorted(levels, getattr(plain, name)).tolist()) for name in ("upper", "lower")}
    return Coarse(
        View(np.add.reduceat(view.histograms, first, axis=-1, dtype=np.uint32), view.p_defect),
        replace(
            grids,
            gates=_few(grids.gates, plain.gate),
            areas=np.union1d(_thinned(grids.areas), plain.min_area),
            plain=plain.model_copy(update=places),
            soft_gates=_few(grids.soft_gates, plain.gate),
        ),
        levels,
    )


def _thinned(areas: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first and the last, and between them those that are `AREA_RATIO` times the one taken before."""
    taken = [0]
    while (after := int(np.searchsorted(areas, areas[taken[-1]] * AREA_RATIO))) < len(areas):
        taken.append(after)
    thinned: NDArray[np.int64] = areas[np.unique([*taken, len(areas) - 1])]
    return thinned


def _few(gates: NDArray[np.float64], plain: float) -> NDArray[np.float64]:
    chosen = gates[np.unique(np.linspace(0, len(gates) - 1, GATES).round().astype(np.intp))]
    return np.union1d(chosen, gates[gates == plain])
