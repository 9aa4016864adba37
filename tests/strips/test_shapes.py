"""Outlines as masks: of about the area that was asked for, in one piece, and cut at the surface's edge."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.strips.seeded_random import stream
from steelsight.strips.shapes import Shape, blob, ribbon, torn

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=30)
@given(SEEDS, st.floats(200, 20_000), st.floats(0.3, 3), st.floats(0, 0.5))
def test_a_blob_is_one_piece_of_about_its_area_around_its_centre(
    seed: int, area: float, tall: float, rough: float
) -> None:
    shape = blob(stream(seed), (100, 50), area, tall, rough)
    assert cv2.connectedComponents(shape.mask)[0] == 2
    assert 0.5 * area < shape.area < 1.6 * area
    rows, columns = np.nonzero(shape.mask)
    assert abs(rows.mean() + shape.top - 100) < (area * tall) ** 0.5 / 2 + 2
    assert abs(columns.mean() + shape.left - 50) < (area / tall) ** 0.5 / 2 + 2
    assert not shape.mask[[0, -1]].any()


@settings(max_examples=30)
@given(SEEDS, st.integers(30, 300), st.floats(3, 40), st.floats(-0.3, 0.3))
def test_a_ribbon_has_its_length_and_every_row_is_one_run(seed: int, length: int, width: float, lean: float) -> None:
    shape = ribbon(stream(seed), 10.0, 200.0, length, width, lean, 2.0)
    assert (shape.top, len(shape.mask)) == (10, length)
    edges = np.abs(np.diff(np.pad(shape.mask, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
    assert (edges == 2).all()
    assert shape.mask.sum(axis=1).mean() < 1.6 * width + 1
    assert shape.middle is not None
    assert ((shape.middle >= 0) & (shape.middle < shape.mask.shape[1])).all()


@settings(max_examples=30)
@given(SEEDS, st.floats(2, 12))
def test_what_is_torn_is_part_of_what_was_whole(seed: int, reach: float) -> None:
    whole = blob(stream(seed), (0, 0), 4000, 1, 0.3)
    left = torn(stream(seed, 1), whole, reach)
    assert (left.mask <= whole.mask).all()
    assert 0 < left.area < whole.area


@given(st.integers(-12, 25), st.integers(-12, 25))
def test_the_part_within_a_surface_is_that_of_whole_pixels(top: int, left: int) -> None:
    mask = np.arange(1, 31, dtype=np.uint8).reshape(5, 6)
    surface, wide = np.zeros((20, 20), np.uint8), np.zeros((60, 60), np.uint8)
    wide[top + 20 : top + 25, left + 20 : left + 26] = mask
    rows, columns, own_rows, own_columns = Shape(top, left, mask).within((20, 20))
    surface[rows, columns] = mask[own_rows, own_columns]
    np.testing.assert_array_equal(surface, wide[20:40, 20:40])


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_is_the_same_shape(seed: int) -> None:
    one, other = (blob(stream(seed), (9, 9), 500, 1, 0.2) for _ in range(2))
    np.testing.assert_array_equal(one.mask, other.mask)
