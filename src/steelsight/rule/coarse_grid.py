"""Coarser grids: few thresholds for the rule itself, if the recipe wants them; and a hundredth of the work where the choice
among rules, not the rule itself, is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.rule import Rule

STEP = 8
"""Between thresholds, of 255."""

AREA_RATIO = 1.5
GATES = 9
"""The most gates that are tried, those of given rules aside."""


@dataclass(frozen=True, eq=False)
class CoarseGrid:
    """Histograms of few levels and the grids to search them on; thresholds of rules are then places among the levels.

    Attributes:
        view: histograms uint32 (N, K, 2, L); the last dimension counts the pixels up to each level and above the one before.
        grids: with a plain rule whose thresholds are places; steps away from it are those of the full grid.
        levels: int64 (L,), ascending, from 0 to 255, the plain thresholds among them.
    """

    view: CombinedOutputs
    grids: Grids
    levels: NDArray[np.int64]

    def fine(self, rule: Rule) -> Rule:
        """A rule that was found here, with thresholds of 0..255."""
        levels = self.levels.tolist()
        upper, lower = (tuple(levels[place] for place in places) for places in (rule.upper, rule.lower))
        return rule.model_copy(update={"upper": upper, "lower": lower})


def coarse(view: CombinedOutputs, grids: Grids, *rules: Rule) -> CoarseGrid:
    """Thresholds in steps of 8 or of some steps of the grids, areas at least 1.5 times the one before, nine gates evenly
    chosen; and the plain rule's.

    Every rule of this grid is one of the full grid, and counts the same pixels.

    Args:
        rules: of the full grid, whose values are to be on this one too.
    """
    always = (grids.plain, *rules)
    areas = np.union1d(_thinned(grids.areas), [area for rule in always for area in rule.min_area])
    few = replace(grids, gates=_few(grids.gates, always), areas=areas, soft_gates=_few(grids.soft_gates, always))
    return _at_levels(view, few, coarse_step(grids), always, np.searchsorted(grids.areas, areas))


def stepped(view: CombinedOutputs, grids: Grids) -> CoarseGrid:
    """Thresholds in the steps of the grids, the least and greatest upper ones, and the plain rule's; all areas and gates."""
    return _at_levels(view, grids, grids.step, (grids.plain,), np.arange(len(grids.areas)))


def coarse_step(grids: Grids) -> int:
    """Between the thresholds of `coarse`, of 255: the least multiple of the step of the grids that is no finer than 8."""
    return -(-STEP // grids.step) * grids.step


def _at_levels(
    view: CombinedOutputs, grids: Grids, step: int, always: Iterable[Rule], areas: NDArray[np.int64]
) -> CoarseGrid:
    """
    Args:
        areas: of `grids`, where they stand on the full grid.
    """
    plain = grids.plain
    stated = [level for rule in always for level in (*rule.upper, *rule.lower)]
    if grids.step > 1:  # the least and the greatest upper threshold that are wanted
        stated += grids.uppers[[0, -2 if len(grids.uppers) > 1 else 0]].tolist()
    levels = np.unique([*range(0, 256, step), 255, *stated])
    first = np.concatenate([[0], levels[:-1] + 1])
    thresholds = {name: tuple(np.searchsorted(levels, getattr(plain, name)).tolist()) for name in ("upper", "lower")}
    return CoarseGrid(
        CombinedOutputs(np.add.reduceat(view.histograms, first, axis=-1, dtype=np.uint32), view.p_defect),
        replace(
            grids,
            plain=plain.model_copy(update=thresholds),
            places=(levels, areas),
            uppers=np.flatnonzero(np.isin(levels, grids.uppers)),
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


def _few(gates: NDArray[np.float64], always: Iterable[Rule]) -> NDArray[np.float64]:
    chosen = gates[np.unique(np.linspace(0, len(gates) - 1, GATES).round().astype(np.intp))]
    return np.union1d(chosen, gates[np.isin(gates, [rule.gate for rule in always])])
