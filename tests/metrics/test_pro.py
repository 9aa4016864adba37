"""PRO is the mean share covered of each region, held against plain loops."""

import math

import numpy as np
import pytest
from helpers.small_masks import TWINS, regions_of
from hypothesis import given

from steelsight.metrics.froc import score_planes
from steelsight.metrics.pro import LIMIT, pro_curve


@given(TWINS)
def test_pro_is_the_mean_share_covered_of_each_region(images: list[tuple[np.ndarray, np.ndarray]]) -> None:
    levels = np.concatenate([score_planes(truth, map_, 0).levels for truth, map_ in images])
    outside = np.concatenate([map_[~truth] for truth, map_ in images])
    curve = pro_curve(levels, np.bincount(outside, minlength=256))
    for at in (1, 2, 56, 136, 196, 255, 256):
        value = 256 - at
        shares = [
            np.mean([map_[pixel] >= value for pixel in region])
            for truth, map_ in images
            for region in regions_of(truth)
        ]
        np.testing.assert_allclose(curve.overlap[at], np.mean(shares) if shares else np.nan)
        np.testing.assert_allclose(curve.false_positive_rate[at], np.mean(outside >= value) if outside.size else np.nan)
    area = curve.area()
    if shares and outside.size:
        fine = np.interp(np.linspace(0, LIMIT, 200_001), *_single(*curve))
        assert area == pytest.approx(fine.mean(), abs=2e-4)
    else:
        assert math.isnan(area)


def _single(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve with its upright steps a hair wide, since `np.interp` wants x to rise."""
    return x + np.arange(x.size) * 1e-12, y


def test_pro_of_perfect_and_of_useless_maps() -> None:
    levels, background = np.zeros((2, 256), np.int64), np.zeros(256, np.int64)
    levels[:, 255], background[0] = (3, 300), 1000
    assert pro_curve(levels, background).area() == 1
    same = np.full((2, 256), 4)
    assert pro_curve(same, np.full(256, 10)).area() == pytest.approx(LIMIT / 2)


def test_a_small_defect_weighs_as_much_as_a_large_one_in_pro() -> None:
    levels = np.zeros((2, 256), np.int64)
    levels[0, 255], levels[1, 0] = 1, 10_000
    background = np.zeros(256, np.int64)
    background[0] = 50
    assert pro_curve(levels, background).overlap[1] == 0.5
