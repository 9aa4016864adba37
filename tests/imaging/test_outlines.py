"""The outlines of a mask, filled, are the mask again: parts, holes, single pixels and what touches at a corner."""

from typing import Any

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.dataset.layouts.polygon import polygon_runs
from steelsight.imaging.outlines import one_ring, outlines
from steelsight.imaging.rle import decode_runs

MASKS: Any = arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(mask=MASKS)
def test_each_part_fills_its_own_pixels_and_all_parts_the_mask(mask: np.ndarray) -> None:
    size = (mask.shape[0], mask.shape[1])
    total = np.zeros(size, int)
    for outline in outlines(mask):
        part = decode_runs(polygon_runs(one_ring(outline).astype(float), size), size)
        left, top = outline.corner
        height, width = outline.pixels.shape
        np.testing.assert_array_equal(part[top : top + height, left : left + width], outline.pixels)
        assert part.sum() == outline.pixels.sum()
        total += part
    np.testing.assert_array_equal(total, mask)


@given(mask=MASKS)
def test_outlines_have_no_corner_without_a_turn(mask: np.ndarray) -> None:
    for outline in outlines(mask):
        for ring in (outline.outer, *outline.holes):
            steps = np.sign(np.roll(ring, -1, axis=0) - ring)
            assert (np.abs(steps).sum(axis=1) == 1).all()
            assert (steps != np.roll(steps, 1, axis=0)).any(axis=1).all()


@given(mask=MASKS)
def test_a_fill_that_draws_the_edge_as_well_differs_by_a_pixel_at_most(mask: np.ndarray) -> None:
    """As OpenCV does, with which YOLO's training draws its polygons: a hole may lose what lies at its edge and on the cut."""
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(drawn, [one_ring(outline).astype(np.int32) for outline in outlines(mask)], 1)
    assert drawn[mask].all()
    for outline in outlines(mask):
        if not outline.holes:
            alone = np.zeros(mask.shape, np.uint8)
            cv2.fillPoly(alone, [one_ring(outline).astype(np.int32)], 1)
            part = np.zeros(mask.shape, np.uint8)
            left, top = outline.corner
            height, width = outline.pixels.shape
            part[top : top + height, left : left + width] = outline.pixels
            assert (alone <= cv2.dilate(part, np.ones((3, 3), np.uint8))).all()
