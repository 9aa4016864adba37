"""Which columns of a map are looked at."""

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.columns import Columns
from steelsight.imaging.combine import round_levels


@given(st.integers(0, 1 << 30), st.integers(0, 254), st.booleans(), st.booleans())
def test_no_pixel_above_the_level_is_left_out_and_what_touches_still_touches(
    seed: int, level: int, rounded: bool, everywhere: bool
) -> None:
    random = np.random.default_rng(seed)
    values: Any = (random.random((6, 200)) * 260).astype(np.float32) * (random.random(200) < 0.05)
    counted = None if everywhere else random.random(values.shape) < 0.5
    whole = round_levels(values.copy())
    columns = Columns.above(whole.copy() if rounded else values.copy(), level, counted)
    if counted is not None:
        whole *= counted
    assert columns.count_above(level) == (whole > level).sum()
    assert not columns.levels[:, -1].any()
    drawn = np.flatnonzero(columns.levels.any(axis=1))
    for row in drawn:
        assert np.array_equal(columns.levels[row, :-1], whole[:, columns.places[row]])
    for row, next_row in pairwise(drawn):
        near = columns.places[next_row] - columns.places[row] == 1
        assert near == (next_row - row == 1)


def test_a_map_with_nothing_above_has_no_column() -> None:
    assert Columns.above(np.full((4, 9), 7, np.uint8), 7).levels.shape == (0, 5)
