"""The grids on which the rule is searched."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.defaults import plain_area, plain_rule
from steelsight.decision.rule import Rule


@dataclass(frozen=True, eq=False)
class Grids:
    """Where the rule is searched; thresholds are always searched on all 256 levels.

    Attributes:
        gates: float64 (G,), ascending, distinct.
        areas: int64 (A,), ascending, distinct, from 1.
        plain: the rule that is used before anything is tuned, and that settles ties; its areas are among `areas`.
    """

    gates: NDArray[np.float64]
    areas: NDArray[np.int64]
    plain: Rule

    @classmethod
    def of(cls, gates: Iterable[float], ratio: float, sizes: Iterable[tuple[int, int]], classes: int) -> "Grids":
        """Grids for images of these (height, width) sizes, with `ratio` between areas; see `area_grid`."""
        shapes = list(sizes)
        area = plain_area(shapes)
        areas = area_grid(max(height * width for height, width in shapes), ratio, area)
        return cls(np.unique(np.array(list(gates), np.float64)), areas, plain_rule(classes, area))

    def at_gate(self, gate: float) -> "Grids":
        """The same with one gate only, which is then the plain one too."""
        return Grids(np.array([gate]), self.areas, self.plain.model_copy(update={"gate": gate}))


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
