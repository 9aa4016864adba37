"""Calibration figures: they are what their definitions say, count groups, and tell true probabilities from false ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as their_log_loss

from steelsight.metrics.calibration import (
    CLIP,
    brier_score,
    calibration_error_interval,
    error_by_chance,
    expected_calibration_error,
    log_loss,
    reliability_curve,
)
from steelsight.metrics.intervals import bootstrap_interval, wilson

Judged = tuple[NDArray[np.float64], NDArray[np.bool_]]


def simulated(images: int, seed: int, sharpness: float = 1.0) -> tuple[NDArray[np.float64], Judged]:
    """The true probability of each image, and what an inspector says whose logits are off by a factor."""
    rng = np.random.default_rng(seed)
    logit = 2 * rng.normal(rng.choice([-1, 1], images), 1)
    true = 1 / (1 + np.exp(-logit))
    return true, (1 / (1 + np.exp(-sharpness * logit)), rng.random(images) < true)


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    count = draw(st.integers(1, 60))
    p = draw(st.lists(st.floats(0, 1, width=32), min_size=count, max_size=count))
    truth = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return np.array(p), np.array(truth)


@given(judged())
def test_brier_score_and_log_loss_equal_the_peer(of: Judged) -> None:
    p, truth = of
    assert brier_score(p, truth) == pytest.approx(brier_score_loss(truth, p, pos_label=True), abs=1e-12)
    theirs = their_log_loss(truth, np.clip(p, CLIP, 1 - CLIP), labels=[False, True])
    assert log_loss(p, truth) == pytest.approx(theirs, abs=1e-9)


def test_a_certainty_that_is_wrong_costs_what_the_clip_says() -> None:
    assert log_loss(np.array([0.0]), np.array([True])) == pytest.approx(-np.log(CLIP))


@given(judged(), st.randoms())
def test_neither_order_nor_twins_change_a_figure(of: Judged, random: object) -> None:
    p, truth = of
    once = np.arange(p.size)
    twice = np.random.default_rng(p.size).permutation(np.tile(once, 2))
    for figure in (expected_calibration_error, brier_score, log_loss):
        assert figure(p[twice], truth[twice], twice) == pytest.approx(figure(p, truth, once), abs=1e-9)
    ours, theirs = reliability_curve(p, truth, once), reliability_curve(p[twice], truth[twice], twice)
    for name in ("predicted", "share", "low", "high"):
        assert getattr(theirs, name) == pytest.approx(getattr(ours, name), abs=1e-9)
    assert theirs.images.tolist() == (2 * ours.images).tolist()


def test_bins_are_of_equal_count_and_fewer_where_images_are_few() -> None:
    p, truth = np.random.default_rng(0).random(200), np.ones(200, bool)
    assert reliability_curve(p, truth).images.tolist() == [20] * 10
    assert reliability_curve(p[:45], truth[:45]).images.sum() == 45
    assert reliability_curve(p[:45], truth[:45]).images.size == 4
    assert reliability_curve(p[:3], truth[:3]).images.tolist() == [3]
    assert reliability_curve(p, truth, np.arange(200) // 10).images.size == 2  # 20 groups


def test_equal_probabilities_are_never_parted() -> None:
    p = np.repeat([0.1, 0.2, 0.9], [100, 3, 7])
    curve = reliability_curve(p, p > 0.5)
    assert curve.images.sum() == 110
    assert np.isin(curve.images, [100, 3, 7, 10, 103]).all()


def test_the_error_by_hand() -> None:
    p = np.repeat([0.1, 0.4, 0.8], [10, 10, 20])
    truth = np.concatenate([np.arange(10) < 3, np.arange(10) < 4, np.arange(20) < 10])
    # bins of ten groups each, the last two of which are one tie: |.3 - .1| / 4 + 0 + |.5 - .8| / 2
    assert expected_calibration_error(p, truth) == pytest.approx(0.2)
    assert reliability_curve(p, truth).share.tolist() == pytest.approx([0.3, 0.4, 0.5])


def test_the_interval_of_a_bin_counts_groups() -> None:
    groups = np.repeat(np.arange(10), 5)
    truth = groups < 3
    curve = reliability_curve(np.full(50, 0.5), truth, groups)
    assert (curve.low[0], curve.high[0]) == pytest.approx(tuple(wilson(3, 10)))


def test_a_group_of_two_minds_widens_the_interval_to_whole_counts() -> None:
    groups = np.array([0, 0, 1, 2, 3])
    truth = np.array([True, False, True, False, False])
    curve = reliability_curve(np.full(5, 0.5), truth, groups)
    assert curve.share[0] == pytest.approx(1.5 / 4)
    assert curve.low[0] == pytest.approx(wilson(1, 4).low)
    assert curve.high[0] == pytest.approx(wilson(2, 4).high)


def coverage(sharpness: float, images: int = 300, runs: int = 60) -> tuple[float, float]:
    """How often our interval and the plain percentile one hold the true error of these bins."""
    ours = naive = 0
    for seed in range(runs):
        true, (p, truth) = simulated(images, seed, sharpness)
        bin_of = np.argsort(np.argsort(p)) * 10 // images
        error = np.abs(np.bincount(bin_of, true - p)).sum() / images
        low, high = calibration_error_interval(p, truth, np.arange(images), draws=100)
        ours += low <= error <= high

        def of_drawn(rows: NDArray[np.float64]) -> float:
            return float(np.abs(np.bincount(rows[:, 0].astype(int), rows[:, 1])).sum() / len(rows))

        rows = np.stack([bin_of, truth - p], axis=1)
        low, high = bootstrap_interval(rows, np.arange(images), of_drawn, 100)
        naive += low <= error <= high
    return ours / runs, naive / runs


def test_the_interval_of_the_error_holds_the_truth_where_the_percentile_one_never_does() -> None:
    ours, naive = coverage(sharpness=1.0)
    assert ours >= 0.85
    assert naive == 0
    assert coverage(sharpness=3.0)[0] >= 0.95


def test_the_interval_holds_the_error_and_narrows_with_groups() -> None:
    _, (p, truth) = simulated(400, 1)
    error, groups = expected_calibration_error(p, truth), np.arange(400)
    few, many = (calibration_error_interval(p, truth, of) for of in (np.repeat(np.arange(100), 4), groups))
    assert many.low <= error <= many.high
    assert few.high - few.low > many.high - many.low
    assert np.isnan(calibration_error_interval(p, truth, np.zeros(400, int))).all()


def test_chance_alone_shows_the_error_of_true_probabilities() -> None:
    runs = [simulated(200, seed) for seed in range(60)]
    seen = np.mean([expected_calibration_error(p, truth) for _, (p, truth) in runs])
    said = np.mean([error_by_chance(p, draws=50) for _, (p, _) in runs])
    assert said == pytest.approx(seen, rel=0.1)
    p = runs[0][1][0]
    assert error_by_chance(np.repeat(p, 4), np.repeat(np.arange(200), 4)) == pytest.approx(error_by_chance(p), rel=0.1)
    assert error_by_chance(np.array([0.0, 1.0])) == 0


@pytest.mark.parametrize(
    ("p", "truth", "says"),
    [
        ([], [], "no image"),
        ([0.1], [True, False], "all must be"),
        ([1.2], [True], "0..1: 1.2"),
        ([np.nan], [True], "nan"),
    ],
)
def test_what_cannot_be_judged_is_refused(p: list[float], truth: list[bool], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        expected_calibration_error(np.array(p), np.array(truth, bool))
