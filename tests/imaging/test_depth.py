"""White in 16-bit images: what a network sees of a camera's values, and what a person does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.depth import depth_of, in_8bit, white
from steelsight.imaging.preprocess import Preprocess


@given(st.integers(0, 65535))
def test_the_depth_holds_the_value_and_the_next_lower_does_not(value: int) -> None:
    bits = depth_of(value)
    assert value <= white(np.dtype(np.uint16), bits)
    assert bits == 8 or value > white(np.dtype(np.uint16), bits - 2)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("size", [(32, 64), (96, 160)])
def test_a_network_sees_white_at_2_to_the_bits_less_1_and_nothing_above_it(bits: int, size: tuple[int, int]) -> None:
    top = (1 << bits) - 1
    preprocess = Preprocess(height=32, width=64, colour="grey", bits=bits)
    for value, expected in ((0, 0.0), (top // 2, top // 2 / top), (top, 1.0), (min(65535, 3 * top), 1.0)):
        seen = preprocess.to_input(np.full(size, value, np.uint16))
        np.testing.assert_allclose(seen, expected, atol=1e-6)
    np.testing.assert_allclose(preprocess.to_input(np.full(size, 255, np.uint8)), 1.0, atol=1e-6)


def test_a_person_sees_the_bits_of_the_camera() -> None:
    ramp = np.linspace(0, 255, 256).astype(np.uint8)[None]
    np.testing.assert_array_equal(in_8bit(ramp), ramp)
    for bits in (10, 12, 14, 16):
        np.testing.assert_array_equal(in_8bit(ramp.astype(np.uint16) << (bits - 8)), ramp)
    assert in_8bit(np.full((2, 2), 200, np.uint16)).max() == 50  # a covered camera stays dark
