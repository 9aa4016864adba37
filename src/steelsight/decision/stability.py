"""How far each threshold moves with the images it is searched on: a bootstrap over twin groups."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from steelsight.decision.candidates import SOFT, Kind, View, find_rule
from steelsight.decision.coarse import AREA_RATIO, STEP, coarse
from steelsight.decision.grid import Grids
from steelsight.decision.rule import Rule

DRAWS = 100
SEED = 0
LEVEL = 0.95


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Model):
    """95 % interval of a searched value; both ends were found in some draw."""

    low: float
    high: float


class Stability(_Model):
    """Intervals of the values that a kind of rule searches.

    Attributes:
        kind: of rule.
        draws, seed: of the bootstrap.
        level_step, area_ratio, gates, softnesses: the coarse grid that each draw was searched on.
        gate: of all kinds but `defaults`.
        softness: of kinds with a soft gate, None for the others.
        upper, lower, min_area: one per class; one alone where all classes share it; none where they stay plain.
    """

    kind: Kind
    draws: int
    seed: int
    level_step: int
    area_ratio: float
    gates: tuple[float, ...]
    softnesses: tuple[float, ...]
    gate: Range
    softness: Range | None
    upper: tuple[Range, ...]
    lower: tuple[Range, ...]
    min_area: tuple[Range, ...]


def find_stability(
    kind: Kind,
    view: View,
    groups: NDArray[np.int64],
    grids: Grids,
    progress: Callable[[int, int], None] | None = None,
    draws: int = DRAWS,
) -> Stability:
    """Search a kind of rule again and again on images drawn anew: percentile intervals of what is found.

    Each draw takes as many twin groups as there are, with replacement, and searches `kind` on all images of the groups
    drawn, counted as often as drawn, on the grid of `decision/coarse.py`. The ends of an interval are the values at ranks
    2.5 % and 97.5 %, rounded up. Members stay as they are. Two calls with the same evidence say the same.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.

    Args:
        kind: not `defaults`, which searches nothing.
        view: of all images.
        groups: int64 (N,), twin groups.
        grids: those of the full search.
        progress: called with (draws done, draws).
    """
    few = coarse(view, grids)
    _, place = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    rng = np.random.default_rng(SEED)
    rules = []
    for draw in range(draws):
        drawn = np.concatenate([members[group] for group in rng.integers(len(members), size=len(members)).tolist()])
        rules.append(few.fine(find_rule(kind, few.view, few.grids, drawn).rule))
        if progress:
            progress(draw + 1, draws)
    return Stability(
        kind=kind,
        draws=draws,
        seed=SEED,
        level_step=STEP,
        area_ratio=AREA_RATIO,
        gates=tuple((few.grids.soft_gates if kind in SOFT else few.grids.gates).tolist()),
        softnesses=grids.softness if kind in SOFT else (),
        gate=_range([rule.gate for rule in rules]),
        softness=_range([rule.softness for rule in rules]) if kind in SOFT else None,
        upper=_ranges(kind, rules, "upper"),
        lower=_ranges(kind, rules, "lower"),
        min_area=_ranges(kind, rules, "min_area"),
    )


def _ranges(kind: Kind, rules: Sequence[Rule], field: str) -> tuple[Range, ...]:
    """One per class, one for all that share it, or none."""
    match kind:
        case "tuned" | "soft-tuned":
            classes = rules[0].classes
        case "shared" | "soft-shared":
            classes = 1
        case _:
            classes = 0
    return tuple(_range([getattr(rule, field)[index] for rule in rules]) for index in range(classes))


def _range(values: Sequence[float]) -> Range:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return Range(low=float(low), high=float(high))
