"""Confusion at operating points, ROC and precision-recall, against scikit-learn."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as peer

from steelsight.metrics.classification import (
    OPERATING_POINTS,
    Confusion,
    confusion,
    histogram_precision_recall,
    precision_recall,
    roc_auc,
    roc_curve,
)

Probabilities = NDArray[np.float64]
Truth = NDArray[np.bool_]


@st.composite
def both_kinds(draw: st.DrawFn) -> tuple[Probabilities, Truth]:
    """Probabilities with many ties, and at least one image of each kind."""
    n = draw(st.integers(2, 60))
    p = np.array(draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))) / 12
    truth = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    truth[:2] = True, False
    return p, truth


@pytest.mark.parametrize(
    ("tp", "tn", "fp", "fn", "inconclusive", "accuracy", "share"),
    [
        (1316, 1163, 19, 20, 0, 0.9845, 0.0),
        (2461, 0, 13, 11, 33, 0.9903, 0.0131),
        (2255, 0, 10, 1, 252, 0.9951, 0.1001),
    ],
)
def test_rates_as_the_reference_published_them(
    tp: int, tn: int, fp: int, fn: int, inconclusive: int, accuracy: float, share: float
) -> None:
    counted = Confusion(tp, tn, fp, fn, inconclusive)
    assert counted.images == 2518
    assert counted.accuracy == pytest.approx(accuracy, abs=5e-5)
    assert counted.inconclusive_share == pytest.approx(share, abs=5e-5)


def test_a_probability_on_a_bound_counts_with_the_lower_side() -> None:
    p = np.array([0.35, 0.3500001, 0.65, 0.6500001])
    truth = np.array([True, True, False, False])
    assert confusion(p, truth, 0.35, 0.65) == Confusion(tp=0, tn=0, fp=1, fn=1, inconclusive=2)
    assert confusion(np.array([0.5]), np.array([True]), 0.5, 0.5) == Confusion(tp=0, tn=0, fp=0, fn=1, inconclusive=0)


@given(both_kinds())
def test_every_image_is_counted_once_and_a_wider_zone_errs_less(case: tuple[Probabilities, Truth]) -> None:
    counted = [confusion(*case, lower, upper) for lower, upper in OPERATING_POINTS]
    assert {point.images for point in counted} == {case[0].size}
    assert counted[0].inconclusive == 0
    for narrow, wide in pairwise(counted):
        assert wide.fp <= narrow.fp
        assert wide.fn <= narrow.fn
        assert wide.inconclusive >= narrow.inconclusive


@given(both_kinds())
@settings(max_examples=50)
def test_curves_equal_the_peers(case: tuple[Probabilities, Truth]) -> None:
    p, truth = case
    assert roc_auc(p, truth) == pytest.approx(peer.roc_auc_score(truth, p))
    for ours, theirs in zip(roc_curve(p, truth), peer.roc_curve(truth, p, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs)
    precision, recall, threshold = peer.precision_recall_curve(truth, p)
    curve = precision_recall(p, truth)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1])
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1])
    np.testing.assert_allclose(curve.threshold[::-1], threshold)
    assert curve.average_precision == pytest.approx(peer.average_precision_score(truth, p))


@given(both_kinds())
@settings(max_examples=30)
def test_pixels_in_histograms_give_the_curve_of_the_pixels_themselves(case: tuple[Probabilities, Truth]) -> None:
    values, truth = (case[0] * 12).astype(np.uint8) * 20, case[1]
    background, inside = (np.bincount(values[kind], minlength=256) for kind in (~truth, truth))
    binned, plain = histogram_precision_recall(background, inside), precision_recall(values / 255, truth)
    for ours, theirs in zip(binned, plain, strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_one_kind_alone_has_no_area_and_its_missing_rate_is_nan() -> None:
    p, good = np.array([0.1, 0.9]), np.array([False, False])
    assert math.isnan(roc_auc(p, good))
    assert math.isnan(confusion(p, good, 0.5, 0.5).sensitivity)
    assert confusion(p, good, 0.5, 0.5).as_dict()["sensitivity"] is None
    assert np.isnan(roc_curve(p, good).true_positive_rate).all()
    assert math.isnan(precision_recall(p, good).average_precision)


def test_what_cannot_be_judged_is_refused() -> None:
    one = np.array([True])
    with pytest.raises(ValueError, match="exceeds"):
        confusion(np.array([0.5]), one, 0.6, 0.4)
    with pytest.raises(ValueError, match="nan at index 0"):
        roc_auc(np.array([np.nan]), one)
    with pytest.raises(ValueError, match="shape"):
        roc_auc(np.array([0.1, 0.2]), one)
