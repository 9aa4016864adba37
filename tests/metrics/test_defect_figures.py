"""What is found and what is false, by hand; intervals that know of twins."""

import math

import numpy as np
import pytest

from steelsight.metrics.defect_figures import defect_figures, defect_intervals, metres_of
from steelsight.metrics.defects import Defects, Matched, match_planes


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


@pytest.mark.parametrize(("covered", "low", "high"), [(0, 0, 1 - 0.025 ** (1 / 8)), (9, 0.025 ** (1 / 8), 1)])
def test_an_interval_does_not_vanish_where_all_or_none_are_found(covered: int, low: float, high: float) -> None:
    """Sixteen images, two of each of eight surfaces."""
    defects = Defects.gather([[Matched(np.array([[9, covered]]), np.zeros((0, 2), np.int64))]] * 16)
    found, _ = defect_intervals(defects, np.arange(16) // 2, 1)
    assert found.found == found.half_found == pytest.approx((low, high))
    assert math.isnan(found.false_alarms_per_image.high)


def test_defects_of_a_single_surface_say_nothing_of_how_sure_their_share_is() -> None:
    """Seven defects of the second class on one surface, four of them found; the first class on each of eight."""
    none = np.zeros((0, 2), np.int64)
    first = [Matched(np.array([[9, 9 * (at % 2)]]), none) for at in range(8)]
    second = [Matched(np.array([[9, 9]] * 4 + [[9, 0]] * 3), none), *[Matched(none, none)] * 7]
    both = Defects.gather([list(image) for image in zip(first, second, strict=True)])
    _, (spread, lone) = defect_intervals(both, np.arange(8), 2)
    assert all(math.isnan(end) for end in (*lone.found, *lone.half_found))
    assert spread == defect_intervals(Defects.gather([[one] for one in first]), np.arange(8), 1)[0]
    assert spread.found.low < 0.5 < spread.found.high
