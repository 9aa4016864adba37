"""Label Studio's run lengths: what is packed comes back, and what is no stream of them is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.dataset.layouts.brush_runs import decode_brush, encode_brush


@given(values=arrays(np.uint8, st.integers(1, 400), elements=st.sampled_from([0, 0, 0, 7, 255])))
def test_values_come_back(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_brush(encode_brush(values), values.size), values)


def test_a_long_run_comes_back() -> None:
    values = np.repeat(np.array([0, 255, 3], np.uint8), [200_000, 70_000, 5])
    np.testing.assert_array_equal(decode_brush(encode_brush(values), values.size), values)


@given(content=st.lists(st.integers(0, 255), max_size=60))
def test_anything_else_is_refused_or_read(content: list[int]) -> None:
    try:
        assert decode_brush(content, 40).shape == (40,)
    except ValueError:
        return


@pytest.mark.parametrize("content", [["a"], [256], [-1], [True], [0] * 8])
def test_what_is_no_run_lengths_is_refused(content: list[object]) -> None:
    with pytest.raises(ValueError, match="run lengths"):
        decode_brush(content, 40)
