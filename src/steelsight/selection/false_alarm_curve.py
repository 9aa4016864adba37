"""What is found against false alarms: the rule searched at one limit after another, each judged on folds without a say."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.coarse_grid import coarse
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import PLAIN, PUBLISHED, SHARED, KindName, find_rule
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.selection.decision import CurvePoint, MaskFigures

LIMITS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
"""Shares of the empty pairs that may be marked."""


def found_against_alarms(
    kind: KindName,
    view_without: Callable[[int], CombinedOutputs],
    folds: NDArray[np.int64],
    grids: Grids,
    limits: tuple[float, ...] = LIMITS,
) -> tuple[CurvePoint, ...]:
    """The curve of a kind of rule, searched on the coarse grid with the objective `defects` at each limit.

    Args:
        kind: the plain rule and the published one have no curve; `SHARED` stands in for them.
        view_without: fold -> what the members say that were chosen without that fold.
        folds: int64 (N,).
        grids: where to search.
        limits: on the images that a rule is searched on; on the others there may be more false alarms, or fewer.
    """
    searched = SHARED if kind in (PLAIN, PUBLISHED) else kind
    parts: dict[float, list[PixelCounts]] = {limit: [] for limit in limits}
    for fold in np.unique(folds).tolist():
        few = coarse(view_without(fold), grids)
        rest, judged = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for limit, counts in parts.items():
            aimed = replace(few.grids, objective=Objective(aim="defects", max_false_alarms=limit))
            rule = find_rule(searched, few.view, aimed, rest).rule
            counts.append(few.view.count(rule, judged))
    return tuple(_point(limit, counts) for limit, counts in parts.items())


def _point(limit: float, parts: list[PixelCounts]) -> CurvePoint:
    intersection, predicted, truth = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("intersection", "predicted", "truth")
    )
    figures, defective = MaskFigures.of(PixelCounts(intersection, predicted, truth)), truth > 0
    return CurvePoint(
        max_false_alarms=limit,
        false_alarm_share=figures.false_alarm_share,
        defective_dice=figures.defective_dice,
        found_share=float((intersection[defective] > 0).mean()) if defective.any() else None,
    )
