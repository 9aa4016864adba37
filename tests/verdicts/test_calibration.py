"""Calibration: it fits what it says, keeps the order of images, and is chosen only if the evidence supports it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from steelsight.metrics.calibration import CLIP, group_weights, log_loss
from steelsight.verdicts.calibration import (
    Calibration,
    CalibrationKind,
    choose_calibration,
    fit_calibration,
)

Evidence = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]


def simulated(groups: int, sharpness: float = 1.0, twins: int = 1, seed: int = 0) -> Evidence:
    """P(defect), truth, folds and groups of an inspector whose logits are off by a factor."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), twins)
    logit = 2 * rng.normal(rng.choice([-1, 1], groups), 1)
    defective = rng.random(groups) < 1 / (1 + np.exp(-logit))
    p = 1 / (1 + np.exp(-sharpness * logit))
    return p[group], defective[group], group % 5, group


probabilities = st.floats(0, 1, width=32)  # as networks give them


thousandths = st.integers(0, 1000).map(
    lambda number: number / 1000
)  # the peer takes what is closer than 1e-16 for equal


@st.composite
def labelled(
    draw: st.DrawFn, probabilities: st.SearchStrategy[float] = probabilities
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    count = draw(st.integers(1, 40))
    p = draw(st.lists(probabilities, min_size=count, max_size=count))
    defective = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    return np.array(p), np.array(defective), np.array(groups)


@given(labelled(), st.sampled_from(["none", "temperature", "isotonic"]), st.lists(probabilities, max_size=50))
def test_no_pair_of_images_changes_its_order(
    of: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]], kind: CalibrationKind, others: list[float]
) -> None:
    calibration = fit_calibration(kind, *of)
    p = np.unique(np.concatenate([of[0], others]))
    calibrated = calibration.apply(p)
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    if kind != "none":
        assert 0 < calibrated.min() <= calibrated.max() < 1
    one_by_one = [float(calibration.apply(np.array([value]))[0]) for value in p]
    assert one_by_one == pytest.approx(calibrated.tolist(), rel=1e-12)


@given(st.floats(0.01, 100), st.lists(st.floats(2**-20, 1 - 2**-20, width=32), min_size=2, max_size=50, unique=True))
def test_temperature_creates_ties_only_at_the_clip(temperature: float, p: list[float]) -> None:
    calibrated = Calibration(kind="temperature", temperature=temperature).apply(np.sort(np.array(p)))
    inside = calibrated[(calibrated > CLIP) & (calibrated < 1 - CLIP)]
    assert (np.diff(inside) > 0).all()


@given(labelled(thousandths))
def test_isotonic_equals_the_peer_with_a_good_and_a_defective_group_at_either_end(
    of: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]],
) -> None:
    p, defective, groups = of
    added = np.repeat([p.min(), p.max()], 2)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(
        np.concatenate([p, added]),
        np.concatenate([defective, [0, 1, 0, 1]]),
        sample_weight=np.concatenate([group_weights(groups), np.ones(4)]),
    )
    everywhere = np.linspace(0, 1, 101)
    ours = fit_calibration("isotonic", p, defective, groups).apply(everywhere)
    assert ours == pytest.approx(theirs.predict(everywhere), abs=1e-9)


def test_isotonic_never_claims_certainty() -> None:
    p = np.concatenate([np.linspace(0, 0.2, 30), np.linspace(0.8, 1, 18)])
    calibration = fit_calibration("isotonic", p, p > 0.5, np.arange(48))
    assert calibration.apply(np.array([0, 0.1, 0.9, 1])) == pytest.approx([1 / 32, 1 / 32, 19 / 20, 19 / 20])
    assert calibration.apply(np.array([0.5]))[0] == pytest.approx((1 / 32 + 19 / 20) / 2)  # a line between


def test_temperature_equals_the_peer_and_recovers_what_was_done() -> None:
    p, defective, _, groups = simulated(4000, sharpness=2.5)
    p = np.clip(p, CLIP, 1 - CLIP)
    found = fit_calibration("temperature", p, defective, groups).temperature
    logit, hits = np.log(p) - np.log1p(-p), defective.sum()
    target = np.where(defective, (hits + 1) / (hits + 2), 1 / (defective.size - hits + 2))

    def loss(beta: float) -> float:
        return float(np.mean(np.logaddexp(0, -beta * logit) * target + np.logaddexp(0, beta * logit) * (1 - target)))

    best = minimize_scalar(loss, bounds=(0.01, 10), method="bounded", options={"xatol": 1e-10})
    assert found == pytest.approx(1 / best.x, rel=1e-5)
    assert found == pytest.approx(2.5, rel=0.1)


def test_images_that_part_cleanly_do_not_ask_for_certainty() -> None:
    p = np.concatenate([np.full(20, 0.3), np.full(20, 0.7)])
    calibrated = fit_calibration("temperature", p, p > 0.5, np.arange(40)).apply(p)
    assert calibrated == pytest.approx(np.where(p > 0.5, 21 / 22, 1 / 22), abs=1e-6)


@pytest.mark.parametrize("kind", ["temperature", "isotonic"])
def test_a_group_counts_once(kind: CalibrationKind) -> None:
    p, defective, _, groups = simulated(60, sharpness=2)
    times = np.random.default_rng(1).integers(1, 7, 60)
    once = fit_calibration(kind, p, defective, groups)
    often = fit_calibration(kind, *(np.repeat(part, times) for part in (p, defective, groups)))
    assert often.apply(p) == pytest.approx(once.apply(p), abs=1e-9)


@given(labelled(), st.sampled_from(["none", "temperature", "isotonic"]))
def test_it_comes_back_from_json(
    of: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]], kind: CalibrationKind
) -> None:
    calibration = fit_calibration(kind, *of)
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "temperature", "temperature": 0},
        {"kind": "temperature", "temperature": float("inf")},
        {"kind": "none", "temperature": 2},
        {"kind": "isotonic"},
        {"kind": "isotonic", "levels": [0.1, 0.2], "values": [0.5]},
        {"kind": "isotonic", "levels": [0.2, 0.2], "values": [0.4, 0.5]},
        {"kind": "isotonic", "levels": [0.1, 0.2], "values": [0.5, 0.4]},
        {"kind": "isotonic", "levels": [0.1, 0.2], "values": [0.5, 1.4]},
        {"kind": "none", "levels": [0.1], "values": [0.5]},
        {"kind": "platt"},
    ],
)
def test_a_map_that_is_none_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(fields)


def test_true_probabilities_are_left_alone() -> None:
    kept = [choose_calibration(*simulated(300, seed=seed)).calibration.kind for seed in range(4)]
    assert kept == ["none"] * 4


def test_overconfidence_is_cooled() -> None:
    p, defective, folds, groups = simulated(400, sharpness=3, twins=2)
    chosen = choose_calibration(p, defective, folds, groups)
    assert chosen.calibration.kind == "temperature"
    assert chosen.calibration.temperature == pytest.approx(3, rel=0.3)
    assert chosen.after.log_loss < chosen.before.log_loss
    assert chosen.after.error < chosen.before.error
    assert chosen.after.log_loss == pytest.approx(log_loss(chosen.nested, defective, groups))
    assert chosen.reason.startswith("P(defect) is calibrated by temperature 3")
    assert "isotonic does not lower that of temperature beyond noise" in chosen.reason


def test_what_no_temperature_mends_is_isotonic() -> None:
    p, defective, folds, groups = simulated(1000)
    chosen = choose_calibration(p**3, defective, folds, groups)
    assert chosen.calibration.kind == "isotonic"
    assert set(chosen.judged) == {"none", "temperature", "isotonic"}
    assert chosen.after.error < 0.3 * chosen.before.error


@pytest.mark.parametrize("sharpness", [1, 3])
def test_nested_probabilities_have_not_seen_their_fold(sharpness: float) -> None:
    p, defective, folds, groups = simulated(200, sharpness)
    chosen = choose_calibration(p, defective, folds, groups)
    for fold in range(5):
        rest, own = folds != fold, folds == fold
        without = fit_calibration(chosen.calibration.kind, p[rest], defective[rest], groups[rest])
        assert (chosen.nested[own] == without.apply(p[own])).all()


def test_without_folds_groups_are_dealt_out() -> None:
    p, defective, folds, groups = simulated(200, sharpness=3, twins=3)
    chosen = choose_calibration(p, defective, np.zeros_like(folds), groups)
    assert chosen.calibration.kind == "temperature"
    assert chosen.calibration == choose_calibration(p, defective, folds, groups).calibration
    ratio = (np.log(p) - np.log1p(-p)) / (np.log(chosen.nested) - np.log1p(-chosen.nested))
    inside = (p > 0.01) & (p < 0.99)
    temperatures = {groups[index]: round(float(ratio[index]), 6) for index in np.flatnonzero(inside)}
    assert len(set(temperatures.values())) == 5
    assert all(round(float(ratio[index]), 6) == temperatures[groups[index]] for index in np.flatnonzero(inside))


EVIDENCE = simulated(60, sharpness=3)


@pytest.mark.parametrize(
    ("p", "defective", "folds", "says"),
    [
        (EVIDENCE[0], np.zeros(60, bool), EVIDENCE[2], "no image with a defect"),
        (EVIDENCE[0], np.ones(60, bool), EVIDENCE[2], "no image without a defect"),
        (np.full(60, 0.25), EVIDENCE[1], EVIDENCE[2], "it is 0.2500 for every image"),
        (np.round(EVIDENCE[0]), EVIDENCE[1], EVIDENCE[2], "0 or 1 for every image"),
        (EVIDENCE[0], np.arange(60) < 9, EVIDENCE[2], "9 defective and 51 good groups are too few"),
        (EVIDENCE[0], EVIDENCE[1], EVIDENCE[1].astype(int), "in one fold"),
    ],
)
def test_too_little_evidence_leaves_it_as_it_is(
    p: NDArray[np.float64], defective: NDArray[np.bool_], folds: NDArray[np.int64], says: str
) -> None:
    chosen = choose_calibration(p, defective, folds, EVIDENCE[3])
    assert chosen.calibration == Calibration()
    assert says in chosen.reason
    assert (chosen.nested == p).all()
    assert set(chosen.judged) == {"none"}
    assert chosen.before == chosen.after


def test_saturated_probabilities_are_calibrated_like_others() -> None:
    p, defective, folds, groups = simulated(300, sharpness=12)
    p = p.astype(np.float32).astype(np.float64)
    assert (p == 1).any()
    chosen = choose_calibration(p, defective, folds, groups)
    assert chosen.calibration.kind != "none"
    assert 0 < chosen.nested.min() <= chosen.nested.max() < 1
