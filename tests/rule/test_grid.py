"""The grids of the search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.rule.grid import Grids, area_grid


@given(st.integers(1, 10**7), st.floats(1.001, 3), st.integers(1, 10**5))
def test_areas_start_at_one_reach_the_largest_image_and_leave_no_wider_gap(
    largest: int, ratio: float, plain: int
) -> None:
    areas = area_grid(largest, ratio, plain)
    assert areas[0] == 1
    assert largest in areas
    assert plain in areas
    inside = areas[areas <= largest]
    assert (inside[1:] <= np.maximum(inside[:-1] + 1, inside[:-1] * ratio)).all()


def test_the_plain_area_follows_the_median_image() -> None:
    grids = Grids.of([0.6, 0.5, 0.5], 1.05, [(256, 1600), (100, 100), (256, 1600)], 4)
    assert grids.plain.min_area == (800,) * 4
    assert grids.gates.tolist() == [0.5, 0.6]
    assert grids.at_gate(0.2).plain.gate == 0.2


def test_soft_gates_are_none_and_those_up_to_the_plain_one() -> None:
    grids = Grids.of([0.3, 0.6, 0.5], 1.05, [(256, 1600)], 4, [5, 2, 5])
    assert grids.softness == (2, 5)
    assert grids.soft_gates.tolist() == [0, 0.3, 0.5]
    assert grids.at_gate(0.2).gates.tolist() == grids.at_gate(0.2).soft_gates.tolist() == [0.2]
