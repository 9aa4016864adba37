"""Connected defects, false alarms, FROC and PRO, held against plain loops over small masks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steelsight.imaging.regions import find_regions
from steelsight.imaging.rle import encode_mask
from steelsight.metrics.defect_figures import defect_figures, defect_intervals, metres_of
from steelsight.metrics.defects import Defects, Matched, match_planes, match_runs
from steelsight.metrics.froc import froc, score_planes
from steelsight.metrics.pro import LIMIT, pro_curve

SHAPE = (5, 9)
MASKS = arrays.arrays(np.bool_, SHAPE)
MAPS = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 60, 61, 120, 200, 254, 255]))
TWINS = st.lists(st.tuples(MASKS, MAPS), min_size=1, max_size=3)


def regions_of(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Pixels that hang together by a side or a corner, by flooding."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    while left:
        region, edge = set(), [next(iter(left))]
        while edge:
            y, x = edge.pop()
            if (y, x) in left:
                left.remove((y, x))
                region.add((y, x))
                edge += [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        found.append(region)
    return found


def pairs_of(of: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    return sorted((len(region), sum(bool(other[pixel]) for pixel in region)) for region in regions_of(of))


@given(MASKS, MASKS)
def test_regions_and_what_they_share_are_those_of_flooding(truth: np.ndarray, marked: np.ndarray) -> None:
    matched = match_planes(truth, marked)
    assert sorted(map(tuple, matched.annotated.tolist())) == pairs_of(truth, marked)
    assert sorted(map(tuple, matched.marked.tolist())) == pairs_of(marked, truth)
    areas = [region.area for region in find_regions(0, marked, np.full(SHAPE, 9, np.uint8))]
    assert sorted(areas) == sorted(matched.marked[:, 0].tolist())  # the same regions as everywhere else


@given(MASKS, MASKS, st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_say_the_same_wherever_they_lie(
    truth: np.ndarray, marked: np.ndarray, left: int, more: int
) -> None:
    wide = [np.pad(mask, ((0, 0), (left, more))) for mask in (truth, marked)]
    said = match_runs(*(encode_mask(mask) for mask in wide), height=SHAPE[0])
    for mine, theirs in zip(said, match_planes(*wide), strict=True):
        assert mine.tolist() == theirs.tolist()


def test_figures_by_hand() -> None:
    """Two images, two classes: a defect found by half, one touched, one missed, one mark in another class's defect."""
    truth, marked = np.zeros((2, 2, 2, 40, 40), np.bool_)
    truth[0, 0, 0:2, 0:5] = True  # 10 pixels
    marked[0, 0, 0:1, 0:5] = True  # 5 of them
    truth[0, 0, 10:20, 0:10] = True  # 100 pixels
    marked[0, 0, 10, 0:10] = True  # 10 of them
    truth[1, 1, 0, 0:3] = True  # 3 pixels
    marked[1, 0, 0, 0:3] = True  # marked as the other class
    defects = Defects.gather(
        [match_planes(*planes) for planes in zip(*image, strict=True)] for image in zip(truth, marked, strict=True)
    )
    figures = defect_figures(defects, 2, 2, metres_of([40, 40], 0.5))
    assert (figures.all.annotated, figures.all.found, figures.all.half_found) == (3, 2, 1)
    assert (figures.all.marked, figures.all.false_alarms) == (3, 1)
    assert figures.all.false_alarms_per_image == 0.5
    assert figures.all.false_alarms_per_metre == pytest.approx(1 / 0.04)
    assert [one.found_share for one in figures.per_class] == [1.0, 0.0]
    assert [(one.least, one.all.annotated, one.all.found, one.all.false_alarms) for one in figures.by_area] == [
        (1, 1, 0, 1),
        (10, 1, 1, 0),
        (100, 1, 1, 0),
    ]
    assert figures.by_area[0].per_class[0].false_alarms == 1  # of the class that was marked
    assert figures.as_dict()["per_class"][1]["found_share"] == 0.0


def test_none_annotated_is_nan_and_null() -> None:
    figures = defect_figures(Defects.gather([[match_planes(*np.zeros((2, 3, 3), np.bool_))]]), 1, 1)
    assert math.isnan(figures.all.found_share)
    assert figures.by_area == ()
    assert figures.all.as_dict()["found_share"] is None
    assert figures.all.as_dict()["false_alarms_per_metre"] is None


@given(st.lists(st.tuples(MASKS, MASKS), min_size=1, max_size=4), st.data())
def test_some_images_of_many(images: list[tuple[np.ndarray, np.ndarray]], data: st.DataObject) -> None:
    matched = [[match_planes(*image)] for image in images]
    chosen = data.draw(st.lists(st.integers(0, len(images) - 1), max_size=6))
    some = Defects.gather(matched).only(np.array(chosen, np.intp))
    expected = Defects.gather(matched[index] for index in chosen)
    assert some.annotated.tolist() == expected.annotated.tolist()
    assert some.marked.tolist() == expected.marked.tolist()


def test_twins_widen_the_interval_and_it_holds_the_figure() -> None:
    rng = np.random.default_rng(0)
    hit = np.repeat(rng.integers(0, 2, 20), 5)  # twenty surfaces, five photographs of each
    one = [[Matched(np.array([[10, 9 * h]]), np.array([[4, 0]] * (1 - h) + [[9, 9]] * h))] for h in hit]
    defects = Defects.gather(one)
    of_groups, (of_class,) = defect_intervals(defects, np.repeat(np.arange(20), 5), 1)
    of_images, _ = defect_intervals(defects, np.arange(100), 1)
    share = defect_figures(defects, 100, 1).all.found_share
    assert of_groups == of_class
    assert of_groups.found.low < share < of_groups.found.high
    wide, narrow = (one.found.high - one.found.low for one in (of_groups, of_images))
    assert wide > 1.8 * narrow  # as the square root of five, about
    assert of_groups.false_alarms_per_image.low < 1 - share < of_groups.false_alarms_per_image.high


@settings(max_examples=60)
@given(TWINS, st.sampled_from([0, 1, 59, 60, 199]))
def test_froc_is_what_every_threshold_by_itself_finds(images: list[tuple[np.ndarray, np.ndarray]], lower: int) -> None:
    scored = [score_planes(truth, map_, lower) for truth, map_ in images]
    annotated, marked = (np.concatenate([of[part] for of in scored]) for part in (0, 1))
    curve = froc(annotated[:, 1], annotated[:, 2], marked[marked[:, 2] == 0, 1], len(images))
    for at in (0, 54, 55, 134, 193, 194, 195, 253, 254):
        defects = []
        for truth, map_ in images:
            kept = np.zeros(SHAPE, np.bool_)
            for region in regions_of(map_ > lower):
                if max(map_[pixel] for pixel in region) > curve.threshold[at]:
                    kept[tuple(np.transpose(list(region)))] = True
            defects.append([match_planes(truth, kept)])
        expected = defect_figures(Defects.gather(defects), len(images), 1).all
        assert curve.false_alarms[at] == expected.false_alarms_per_image
        for share, value in (
            (curve.found[at], expected.found_share),
            (curve.half_found[at], expected.half_found_share),
        ):
            assert share == value or (math.isnan(share) and math.isnan(value))
    for part in (curve.found, curve.half_found, curve.false_alarms):
        assert np.isnan(part).all() or (np.diff(part) >= 0).all()


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


def test_found_at_a_rate_of_false_alarms() -> None:
    curve = froc(np.array([250, 200, 0, 100]), np.array([200, 0, 0, 0]), np.array([220, 150, 90, 80]), images=4)
    assert [curve.found_at(rate) for rate in (0, 0.25, 0.5, 1)] == [0.25, 0.5, 0.75, 0.75]
    assert curve.found_at(1, half=True) == 0.25
    assert math.isnan(froc(np.zeros(0, int), np.zeros(0, int), np.array([9]), 1).found_at(1))


@pytest.mark.parametrize(("covered", "low", "high"), [(0, 0, 1 - 0.025 ** (1 / 8)), (9, 0.025 ** (1 / 8), 1)])
def test_an_interval_does_not_vanish_where_all_or_none_are_found(covered: int, low: float, high: float) -> None:
    """Sixteen images, two of each of eight surfaces."""
    defects = Defects.gather([[Matched(np.array([[9, covered]]), np.zeros((0, 2), np.int64))]] * 16)
    found, _ = defect_intervals(defects, np.arange(16) // 2, 1)
    assert found.found == found.half_found == pytest.approx((low, high))
    assert math.isnan(found.false_alarms_per_image.high)
