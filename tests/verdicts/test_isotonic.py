"""The nearest rising function, against the peer."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from steelsight.verdicts.isotonic import pool_adjacent_violators, straight_lines

LEVELS = st.floats(0, 1, width=32)
"""As networks say them; between levels 1e-311 apart, the slope of numpy.interp is infinite."""


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=40))
def test_pooling_equals_the_peer(points: list[tuple[float, int]]) -> None:
    values, weights = np.array(points).T
    levels = np.arange(values.size, dtype=np.float64)
    theirs = IsotonicRegression().fit_transform(levels, values, sample_weight=weights)
    ends, at = pool_adjacent_violators(levels, values, weights)
    assert np.interp(levels, ends, at) == pytest.approx(theirs, abs=1e-9)


@settings(deadline=None)  # the first call is slow on a busy machine
@example([(0.0, 0.32345165219402455), (1.0, 0.85)], [])
@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=20), st.lists(LEVELS))
def test_lines_never_fall_and_equal_the_peer(points: list[tuple[float, float]], p: list[float]) -> None:
    levels = np.unique([level for level, _ in points])
    values = np.sort([value for _, value in points])[: levels.size]
    where = np.sort(np.concatenate([p, levels, np.nextafter(levels, 0), np.nextafter(levels, 1)]))
    found = straight_lines(where, levels, values)
    assert (np.diff(found) >= 0).all()
    assert found == pytest.approx(np.interp(where, levels, values), abs=1e-12)
    assert (straight_lines(levels, levels, values) == values).all()
