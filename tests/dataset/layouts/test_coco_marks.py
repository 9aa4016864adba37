"""The mask of an annotation, held against pixels, and against the box and area beside it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.layouts.coco_file import CocoAnnotation
from steelsight.dataset.layouts.coco_marks import annotation_runs
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.imaging.rle import Runs, decode_runs

SIZE = (40, 60)
SQUARE = [[10, 5, 30, 5, 30, 25, 10, 25]]


def runs(segmentation: Any, bbox: Any = None, area: Any = None) -> Runs:
    return annotation_runs(CocoAnnotation("annotation 1", 1, 1, segmentation, bbox, area), SIZE)


@given(st.integers(0, 30), st.integers(0, 20), st.integers(4, 20), st.integers(4, 20))
def test_a_rectangle_is_its_pixels_and_its_own_box_and_area_agree(left: int, top: int, wide: int, high: int) -> None:
    wide, high = min(wide, SIZE[1] - left), min(high, SIZE[0] - top)
    corners = [left, top, left + wide, top, left + wide, top + high, left, top + high]
    expected = np.zeros(SIZE, bool)
    expected[top : top + high, left : left + wide] = True
    mask = decode_runs(runs([corners], [left, top, wide, high], wide * high), SIZE)
    assert (mask != expected).sum() <= 2 * (wide + high) + 4  # whose edge pixels are in is the polygon's own matter
    inner = expected[top + 1 : top + high - 1, left + 1 : left + wide - 1]
    assert (mask[top + 1 : top + high - 1, left + 1 : left + wide - 1] == inner).all()


def test_run_lengths_and_overlapping_polygons() -> None:
    counts = {"size": list(SIZE), "counts": [85, 20, 20, 5, SIZE[0] * SIZE[1] - 130]}
    found = decode_runs(runs(counts), SIZE).T.ravel()  # down the columns
    assert np.flatnonzero(found).tolist() == [*range(85, 105), *range(125, 130)]
    assert runs([SQUARE[0], SQUARE[0]]).area == runs(SQUARE).area


@pytest.mark.parametrize(
    ("segmentation", "kind"),
    [
        (None, "missing-mask"),
        ([], "missing-mask"),
        ({"size": [40, 60]}, "run-not-a-number"),
        ({"size": [60, 40], "counts": [2400]}, "wrong-size"),
        ({"size": [40, 60], "counts": [2400]}, "empty-mask"),
        ([[1, 2, 3, 4]], "bad-polygon"),
        ([1, 2, 3, 4, 5, 6], "bad-polygon"),
        ([[[1, 2], [3, 4], [5, 6]]], "bad-polygon"),
        ("polygon", "bad-polygon"),
        ([[1, 2, 30, 4, 62, 6]], "polygon-out-of-range"),
        ([[1, 2, 30, 4, float("nan"), 6]], "polygon-out-of-range"),
    ],
)
def test_what_is_no_mask(segmentation: Any, kind: str) -> None:
    with pytest.raises(AnnotationError) as error:
        runs(segmentation)
    assert error.value.kind == kind


@pytest.mark.parametrize(("bbox", "area"), [([10, 5, 20, 20], 400), ([11, 6, 20, 20], 400), (None, 700), ("x", True)])
def test_what_is_stated_loosely_or_not_at_all_is_no_contradiction(bbox: Any, area: Any) -> None:
    assert runs(SQUARE, bbox, area).area > 300


@pytest.mark.parametrize(("bbox", "area"), [([30, 5, 20, 20], 400), ([10, 5, 30, 25], None), (None, 1000), (None, 100)])
def test_what_lies_elsewhere_or_is_of_another_size_is_one(bbox: Any, area: Any) -> None:
    with pytest.raises(AnnotationError, match="one of the two is wrong") as error:
        runs(SQUARE, bbox, area)
    assert error.value.kind == "contradiction"
