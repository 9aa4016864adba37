"""The grids of the search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.recipe.stated_rule import StatedRule
from steelsight.rule.grid import Grids, area_grid
from steelsight.rule.stated_rule_on_grid import stated_rule


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


@pytest.mark.parametrize("probability", [0.7, 0.3, 0.9, 0.6, 100 / 255, 0.999])
def test_upper_thresholds_between_equal_ends_are_the_one_that_a_stated_rule_would_have(probability: float) -> None:
    stated = StatedRule(gate=0.5, upper=probability, lower=0.1, min_area=1)
    grids = Grids.of([0.5], 1.05, [(8, 8)], 1, upper=(probability, probability))
    assert grids.uppers.tolist() == [*stated_rule(stated, 1, 1).upper, 255]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted))
def test_upper_thresholds_are_all_whole_levels_between_the_ends_and_never_the_last_alone(ends: list[float]) -> None:
    least, greatest = ends
    uppers = Grids.of([0.5], 1.05, [(8, 8)], 1, upper=(least, greatest)).uppers.tolist()
    inside = [level for level in range(255) if 255 * least <= level <= 255 * greatest]
    assert uppers[-1] == 255
    assert uppers[:-1] == inside or not inside
    assert len(uppers) > 1 or 255 * least > 254.99999
