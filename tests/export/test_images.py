"""Images that stand for the others: evenly spread."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.export.images import spread


@given(st.integers(0, 50), st.integers(1, 60))
def test_a_spread_is_even_ascending_and_keeps_both_ends(count: Any, most: Any) -> None:
    chosen = spread(range(count), most)
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) == min(count, most)
    if most > 1 and count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
    steps = np.diff(chosen)
    assert steps.size == 0 or steps.max() - steps.min() <= 1
