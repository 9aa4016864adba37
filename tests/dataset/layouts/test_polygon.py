"""Polygons are filled pixel for pixel as the COCO API fills them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.layouts.polygon import polygon_runs
from steelsight.imaging.rle import decode_runs

mask_api = pytest.importorskip("pycocotools.mask")

HEIGHT, WIDTH = 23, 31
_corner = st.tuples(st.floats(-3, WIDTH + 3), st.floats(-3, HEIGHT + 3))


@given(st.lists(_corner, min_size=3, max_size=12))
def test_a_polygon_is_filled_as_pycocotools_fills_it(corners: list[tuple[float, float]]) -> None:
    peer = mask_api.decode(mask_api.frPyObjects([[value for corner in corners for value in corner]], HEIGHT, WIDTH)[0])
    runs = polygon_runs(np.array(corners), (HEIGHT, WIDTH))
    np.testing.assert_array_equal(decode_runs(runs, (HEIGHT, WIDTH)), peer[..., 0] if peer.ndim == 3 else peer)


def test_a_rectangle_holds_the_pixels_between_its_corners() -> None:
    runs = polygon_runs(np.array([[2, 1], [5, 1], [5, 4], [2, 4]], float), (6, 8))
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:5] = True
    np.testing.assert_array_equal(decode_runs(runs, (6, 8)), expected)
