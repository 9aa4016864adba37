"""The grids on which the rule is searched."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.objective import Objective
from steelsight.rule.plain_rule import GATE, plain_area, plain_rule
from steelsight.rule.rule import Rule
from steelsight.rule.stated_rule_on_grid import level_of


class Away(NamedTuple):
    """Steps of the full grid from the plain rule to each place of a grid: int64, (L,), (L,) and (A,), 0 at the plain one."""

    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    area: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grids:
    """Where the rule is searched; thresholds are searched on all levels of the histograms.

    Attributes:
        gates: float64 (G,), ascending, distinct.
        areas: int64 (A,), ascending, distinct, from 1.
        plain: the rule that is used before anything is tuned, and that settles ties; hard, its areas are among `areas`.
        softness: of soft gates, ascending, distinct, each above 1; where there are none, no soft gate is searched.
        soft_gates: float64 (S,), ascending, distinct: below these a rule with a soft gate stops an image all the same.
        places: of the levels and of `areas` on the full grid, int64 (L,) and (A,); None where this is the full grid.
        objective: what the rule is searched for.
        searched: False: the plain rule is taken as it is.
        stated: the rule that the recipe states; it is judged, and never searched.
        uppers: int64, ascending: the upper thresholds that are searched, as places among the levels of the histograms. The
            last level is always among them: a class that is never marked.
        step: from one threshold to the next, of 255: with few images, few thresholds fit them less by chance.
    """

    gates: NDArray[np.float64]
    areas: NDArray[np.int64]
    plain: Rule
    softness: tuple[float, ...] = ()
    soft_gates: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    places: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    objective: Objective = field(default_factory=Objective)
    searched: bool = True
    stated: Rule | None = None
    uppers: NDArray[np.int64] = field(default_factory=lambda: np.arange(256))
    step: int = 1

    @classmethod
    def of(
        cls,
        gates: Iterable[float],
        ratio: float,
        sizes: Iterable[tuple[int, int]],
        classes: int,
        softness: Iterable[float] = (),
        objective: Objective | None = None,
        upper: tuple[float, float] = (0.0, 1.0),
        step: int = 1,
    ) -> "Grids":
        """Grids for images of these (height, width) sizes, with `ratio` between areas; see `area_grid`.

        Soft gates are searched at 0 and at those of `gates` that do not exceed the plain one, upper thresholds between the
        two probabilities of `upper` (where no level lies there, at the one that stands for the first), all thresholds at
        multiples of `step`, at both of these ends and at the plain ones.
        """
        shapes = list(sizes)
        area = plain_area(shapes)
        areas = area_grid(max(height * width for height, width in shapes), ratio, area)
        hard = np.unique(np.array(list(gates), np.float64))
        soft_gates = np.union1d(hard[hard <= GATE], [0.0])
        plain = plain_rule(classes, area)
        aimed = objective or Objective()
        inside = [level for level in range(255) if 255 * upper[0] <= level <= 255 * upper[1]]
        uppers = np.union1d(inside or [level_of(upper[0])], 255).astype(np.int64)
        return cls(
            hard, areas, plain, tuple(sorted(set(softness))), soft_gates, objective=aimed, uppers=uppers, step=step
        )

    def away(self, index: int) -> Away:
        """How far every place is from the plain rule of a class."""
        levels, areas = self.places or (np.arange(256), np.arange(len(self.areas)))
        upper, lower = levels[self.plain.upper[index]], levels[self.plain.lower[index]]
        area = areas[np.searchsorted(self.areas, self.plain.min_area[index])]
        return Away(np.abs(levels - upper), np.abs(levels - lower), np.abs(areas - area))

    def at_gate(self, gate: float) -> "Grids":
        """The same with one gate only, which is then the plain one too."""
        only = np.array([gate])
        return replace(self, gates=only, soft_gates=only, plain=self.plain.model_copy(update={"gate": gate}))


def area_grid(largest: int, ratio: float, plain: int) -> NDArray[np.int64]:
    """Minimum areas from 1 pixel to `largest`, each at most `ratio` times the one before, or one pixel more.

    Args:
        largest: pixels of the largest image.
        ratio: above 1.
        plain: the plain rule's area, which is always on the grid.

    Returns:
        int64 (n,), ascending, distinct.

    >>> area_grid(12, 1.5, 7).tolist()
    [1, 2, 3, 4, 6, 7, 9, 12]
    """
    areas = [1]
    while areas[-1] < largest:
        areas.append(min(largest, max(areas[-1] + 1, int(areas[-1] * ratio))))
    return np.unique(np.array([*areas, plain], np.int64))
