"""Dice as the competition defines it."""

import csv
import json
import math

import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steelsight.metrics.dice import dice_figures, pair_dice

LABELS = SHARED / "severstal" / "annotations" / "image_labels_all_12568.csv"


@needs_shared
def test_all_empty_floor_of_the_whole_training_set() -> None:
    with LABELS.open(newline="") as stream:
        truth = np.array([[int(row[f"area_{c}"]) for c in (1, 2, 3, 4)] for row in csv.DictReader(stream)])
    nothing = np.zeros_like(truth)
    figures = dice_figures(nothing, nothing, truth)
    assert (figures.images, figures.pairs) == (12568, 50272)
    assert figures.defective_pairs_per_class == (897, 247, 5150, 801)
    assert figures.floor == pytest.approx(0.8589, abs=5e-5)
    assert figures.floor_per_class == pytest.approx((0.929, 0.980, 0.590, 0.936), abs=5e-4)
    assert figures.dice == figures.floor
    assert (figures.defective_dice, figures.false_alarm_share) == (0, 0)


def test_figures_by_hand() -> None:
    truth = np.array([[10, 0], [0, 0], [4, 8]])
    predicted = np.array([[10, 1], [0, 0], [0, 8]])
    intersection = np.array([[10, 0], [0, 0], [0, 4]])
    figures = dice_figures(intersection, predicted, truth)
    assert figures.dice == pytest.approx((1 + 0 + 1 + 1 + 0 + 0.5) / 6)
    assert figures.per_class == pytest.approx((2 / 3, 0.5))
    assert figures.floor == 0.5
    assert figures.floor_per_class == pytest.approx((1 / 3, 2 / 3))
    assert figures.defective_dice == pytest.approx((1 + 0 + 0.5) / 3)
    assert figures.defective_per_class == pytest.approx((0.5, 0.5))
    assert figures.false_alarm_share == pytest.approx(1 / 3)
    assert figures.false_alarm_per_class == (0, 0.5)
    assert figures.iou_per_class == pytest.approx((10 / 14, 4 / 13))
    assert figures.mean_iou == pytest.approx((10 / 14 + 4 / 13) / 2)
    assert (figures.defective_pairs_per_class, figures.predicted_pairs_per_class) == ((2, 1), (1, 2))


def test_a_figure_over_nothing_is_nan_and_none_in_json() -> None:
    full, none = np.array([[4]]), np.array([[0]])
    assert math.isnan(dice_figures(none, none, none).defective_dice)
    assert math.isnan(dice_figures(full, full, full).false_alarm_share)
    absent = dice_figures(np.array([[4, 0]]), np.array([[4, 9]]), np.array([[4, 0]]))
    assert absent.iou_per_class[0] == absent.mean_iou == 1
    assert math.isnan(absent.iou_per_class[1])
    written = json.loads(json.dumps(dice_figures(none, none, none).as_dict(), allow_nan=False))
    assert (written["defective_dice"], written["defective_per_class"], written["dice"]) == (None, [None], 1.0)


@given(arrays.arrays(np.bool_, (4, 3, 6, 5)), arrays.arrays(np.bool_, (4, 3, 6, 5)))
def test_dice_of_masks(predicted: np.ndarray, truth: np.ndarray) -> None:
    counts = [masks.sum(axis=(2, 3)) for masks in (predicted & truth, predicted, truth)]
    expected = []
    for p, t in zip(predicted.reshape(12, 30), truth.reshape(12, 30), strict=True):
        empty = not p.any() and not t.any()
        expected.append(1.0 if empty else 2 * (p & t).sum() / (p.sum() + t.sum()))
    assert pair_dice(*counts).ravel().tolist() == pytest.approx(expected)
    assert dice_figures(*counts).dice == pytest.approx(np.mean(expected))


@given(st.sampled_from([np.uint8, np.uint16, np.uint32, np.int64]))
def test_small_integer_types_do_not_overflow(dtype: type) -> None:
    full = np.array([[200]], dtype)
    assert pair_dice(full, full, full).tolist() == [[1.0]]


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="exceeds its mask"):
        dice_figures(np.array([[5]]), np.array([[4]]), np.array([[9]]))
    with pytest.raises(ValueError, match="shapes"):
        dice_figures(np.zeros((0, 4), int), np.zeros((0, 4), int), np.zeros((0, 4), int))
