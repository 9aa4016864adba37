"""How members combine."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.ensemble import combine_maps, combine_probabilities, to_8bit
from steelsight.preprocess import Preprocess

SMALL = Preprocess(height=32, width=64)
LARGE = Preprocess(height=64, width=96)


def test_one_member_at_the_image_size_passes_unchanged() -> None:
    map_ = np.random.default_rng(0).integers(0, 256, (3, 32, 64), dtype=np.uint8)
    assert np.array_equal(combine_maps([map_], [SMALL], (32, 64)), map_)


@given(a=st.integers(0, 255), b=st.integers(0, 255), c=st.integers(0, 255))
def test_members_of_any_size_weigh_the_same(a: int, b: int, c: int) -> None:
    maps = [
        np.full((1, 32, 64), a, np.uint8),
        np.full((1, 32, 64), b, np.uint8),
        np.full((1, 64, 96), c, np.uint8),
    ]
    combined = combine_maps(maps, [SMALL, SMALL, LARGE], (40, 70))
    assert combined.shape == (1, 40, 70)
    assert abs(int(combined[0, 5, 5]) - (a + b + c) / 3) <= 0.5 + 1e-3
    assert combined.min() == combined.max()


def test_probabilities_are_averaged_plainly_and_rounded_to_the_grid() -> None:
    assert combine_probabilities([0.25, 0.75]) == 0.5
    assert to_8bit(np.array([-1.0, 0.1, 2.0])).tolist() == [0, 26, 255]
