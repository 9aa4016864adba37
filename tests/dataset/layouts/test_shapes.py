"""What is drawn covers its pixels, whatever it is and wherever it lies."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.layouts.listing import Size
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import (
    Box,
    bitmap,
    ellipse,
    polygon,
    rectangle,
    thick_line,
    turned_rectangle,
)
from steelsight.imaging.rle import Runs, decode_runs

SIZE = (40, 60)


def drawn(draw: Callable[[Size], Runs]) -> np.ndarray:
    return decode_runs(draw(SIZE), SIZE)


@given(x=st.integers(0, 50), y=st.integers(0, 30), width=st.integers(1, 10), height=st.integers(1, 10))
def test_a_rectangle_is_its_pixels_from_either_corner(x: int, y: int, width: int, height: int) -> None:
    expected = np.zeros(SIZE, bool)
    expected[y : y + height, x : x + width] = True
    np.testing.assert_array_equal(drawn(rectangle(x, y, x + width, y + height)), expected)
    np.testing.assert_array_equal(drawn(rectangle(x + width, y, x, y + height)), expected)
    np.testing.assert_array_equal(
        drawn(bitmap((x, y, width, height), lambda: np.ones((height, width), bool))), expected
    )


@given(x=st.floats(0, 60), y=st.floats(0, 40), across=st.floats(1.5, 9), down=st.floats(1.5, 9), turn=st.floats(0, 360))
def test_an_ellipse_has_the_pixels_whose_centres_it_holds(
    x: float, y: float, across: float, down: float, turn: float
) -> None:
    found = drawn(ellipse((x, y), (across, down), turn))
    rows, columns = np.indices(SIZE) + 0.5
    angle = np.deg2rad(turn)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    beside = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)

    def held(by: float) -> np.ndarray:
        inside: np.ndarray = (along / (across + by)) ** 2 + (beside / (down + by)) ** 2 <= 1
        return inside

    assert found[held(-1.0)].all()
    assert not found[~held(1.0)].any()


def test_a_line_is_as_wide_as_it_says_and_a_turned_rectangle_turns_clockwise() -> None:
    for width in (1, 3, 5, 9):
        line = drawn(thick_line([(5, 20), (50, 20)], width))
        assert abs(line[:, 30].sum() - width) <= 1
    corners = turned_rectangle((30, 20), 20, 4, 90)
    np.testing.assert_allclose(sorted(corners), sorted([(32, 10), (32, 30), (28, 30), (28, 10)]), atol=1e-9)
    tilted = turned_rectangle((30, 20), 20, 4, 10)
    assert tilted[1][1] > 18  # the right end of the upper side goes down


@pytest.mark.parametrize(
    "draw",
    [
        polygon([(1, 1), (float("nan"), 2), (3, 3)]),
        rectangle(1, 1, 70, 2),
        ellipse((70, 10), (3, 3)),
        ellipse((30, 10), (-3, 3)),
        thick_line([(1, 1)], 3),
        thick_line([(1, 1), (80, 1)], 3),
    ],
)
def test_what_lies_elsewhere_is_refused(draw: Callable[[Size], Runs]) -> None:
    with pytest.raises(AnnotationError):
        draw(SIZE)


@pytest.mark.parametrize("box", [(-1, 0, 3, 3), (0, 0, 10**9, 10**9), (58, 0, 3, 3), (0, 0, 0, 3), (0, 10**400, 1, 1)])
def test_a_bitmap_beyond_the_image_is_never_unpacked(box: Box) -> None:
    with pytest.raises(AnnotationError, match="lies outside the 60 x 40 image"):
        bitmap(box, lambda: pytest.fail("it was unpacked"))(SIZE)
