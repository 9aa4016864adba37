"""Outlines of masks, held against what is inside them."""

from typing import Any

import cv2
import numpy as np
from helpers.rings import filled
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.imaging.regions import find_regions
from steelsight.imaging.rle import encode_mask, parse_runs
from steelsight.station.http.polygons import region_polygons

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def ring_area(ring: Any) -> Any:
    """Negative where the ring goes anticlockwise on the screen."""
    x, y = np.array(ring).T
    return int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) // 2


@given(MASKS)
def test_filling_the_polygons_of_a_region_gives_its_pixels_back(mask: Any) -> None:
    regions = find_regions(0, mask, np.zeros(mask.shape, np.uint8))
    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    polygons = region_polygons(encode_mask(mask), regions, mask.shape)
    assert len(polygons) == len(regions)
    for region, (outline, *holes) in zip(regions, polygons, strict=True):
        drawn = filled([outline, *holes], mask.shape)
        assert len(np.unique(labels[drawn])) == 1
        assert cv2.boundingRect(drawn.view(np.uint8)) == (region.left, region.top, region.width, region.height)
        assert drawn.sum() == region.area == ring_area(outline) + sum(ring_area(hole) for hole in holes)
        assert ring_area(outline) > 0
        assert all(ring_area(hole) < 0 for hole in holes)
    assert (np.any([filled(rings, mask.shape) for rings in polygons], axis=0) == mask).all()


def test_a_hole_belongs_to_the_region_around_it_however_many_lie_in_each_other() -> None:
    mask = np.zeros((44, 44), np.bool_)
    for depth in range(7):
        mask[3 * depth : 44 - 3 * depth, 3 * depth : 44 - 3 * depth] = depth % 2 == 0
    mask[1, 3] = False  # a hole above the corner of another one of the same region
    regions = find_regions(0, mask, np.zeros(mask.shape, np.uint8))
    polygons = region_polygons(encode_mask(mask), regions, mask.shape)
    assert [len(rings) for rings in polygons] == [3, 2, 2, 1]
    for region, rings in zip(regions, polygons, strict=True):
        assert filled(rings, mask.shape).sum() == region.area


def test_runs_that_touch_are_one() -> None:
    mask = np.array([[1, 1, 0], [1, 1, 1]], np.bool_)
    regions = find_regions(0, mask, np.zeros(mask.shape, np.uint8))
    whole = region_polygons(encode_mask(mask), regions, mask.shape)
    assert region_polygons(parse_runs("1 1 2 2 4 1 6 1", mask.shape), regions, mask.shape) == whole
    assert whole == [[[(0, 0), (2, 0), (2, 1), (3, 1), (3, 2), (0, 2)]]]


def test_no_region_has_no_polygon() -> None:
    assert region_polygons(encode_mask(np.zeros((3, 3), np.bool_)), (), (3, 3)) == []
