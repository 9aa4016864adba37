"""How far each threshold moves with the images it is searched on: a bootstrap over twin groups."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelsight.core.model import Model
from steelsight.rule.bootstrap_search import AT_ONCE, redraw
from steelsight.rule.coarse_grid import AREA_RATIO, coarse, coarse_step
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, KindName
from steelsight.rule.rule import Rule

DRAWS = 500
SEED = 0
LEVEL = 0.95

FIELDS = ("gate", "softness", "upper", "lower", "min_area")


class ValueInterval(Model):
    """95 % interval of a searched value; both ends were found in some draw."""

    low: float
    high: float


class RuleStability(Model):
    """Intervals of the values that a kind of rule searches.

    Attributes:
        kind: of rule.
        draws, seed: of the bootstrap.
        level_step, area_ratio, gates, softnesses: the coarse grid that each draw was searched on.
        gate: of all kinds that search something.
        softness: of kinds with a soft gate, None for the others.
        upper, lower, min_area: one per class; one alone where all classes share it; none where they stay plain.
    """

    kind: KindName
    draws: int
    seed: int
    level_step: int
    area_ratio: float
    gates: tuple[float, ...]
    softnesses: tuple[float, ...]
    gate: ValueInterval
    softness: ValueInterval | None
    upper: tuple[ValueInterval, ...]
    lower: tuple[ValueInterval, ...]
    min_area: tuple[ValueInterval, ...]

    def of_class(self, field: Literal["upper", "lower", "min_area"], place: int) -> ValueInterval | None:
        """Of one class; None where the field stays plain."""
        ranges: tuple[ValueInterval, ...] = getattr(self, field)
        return ranges[min(place, len(ranges) - 1)] if ranges else None


def find_stability(
    kind: KindName,
    rule: Rule,
    view: CombinedOutputs,
    groups: NDArray[np.int64],
    grids: Grids,
    progress: Callable[[int, int], None] | None = None,
    draws: int = DRAWS,
) -> RuleStability:
    """Search a kind of rule again and again on images drawn anew: percentile intervals of what is found.

    Each draw takes as many twin groups as there are, with replacement, and searches `kind` on all images of the groups
    drawn, counted as often as drawn, on the grid of `rule/coarse_grid.py`, to which `rule` is added. The ends of an interval
    are the values at ranks 2.5 % and 97.5 %, rounded up. Members stay as they are. The same evidence says the same again.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.

    Args:
        kind: one that searches something.
        rule: of that kind, found on all images.
        view: of all images.
        groups: int64 (N,), twin groups.
        grids: those of the full search.
        progress: called with (draws done, draws).
    """
    few, soft = coarse(view, grids, rule), KINDS[kind].soft
    _, place = np.unique(groups, return_inverse=True)
    number, rng = int(place.max()) + 1, np.random.default_rng(SEED)
    drawn = [np.bincount(rng.integers(number, size=number), minlength=number) for _ in range(draws)]
    parts = []
    for first in range(0, draws, AT_ONCE):
        times = np.stack(drawn[first : first + AT_ONCE], axis=1)[place]
        parts.append(redraw(kind, few.view, few.grids, times))
        if progress:
            progress(min(draws, first + AT_ONCE), draws)
    found = {name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in FIELDS}
    return RuleStability(
        kind=kind,
        draws=draws,
        seed=SEED,
        level_step=coarse_step(grids),
        area_ratio=AREA_RATIO,
        gates=tuple((few.grids.soft_gates if soft else few.grids.gates).tolist()),
        softnesses=grids.softness if soft else (),
        gate=_range(found["gate"]),
        softness=_range(found["softness"]) if soft else None,
        upper=tuple(_range(few.levels[of_class]) for of_class in found["upper"]),
        lower=tuple(_range(few.levels[of_class]) for of_class in found["lower"]),
        min_area=tuple(_range(of_class) for of_class in found["min_area"]),
    )


def _range(values: NDArray[Any]) -> ValueInterval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return ValueInterval(low=float(low), high=float(high))
