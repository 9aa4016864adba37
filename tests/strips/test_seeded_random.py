"""Chance of a place: the same again, apart from that of another, with the spread that is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.strips.seeded_random import (
    NORMAL,
    chosen,
    field,
    looked_up,
    pick,
    profile,
    scores,
    sine,
    speckle,
    spread,
    stream,
)

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(0, 9), st.integers(0, 9))
def test_a_place_has_chance_of_its_own(seed: int, one: int, other: int) -> None:
    first, second = stream(seed, one).random(3).tolist(), stream(seed, other).random(3).tolist()
    assert (first == second) == (one == other)


def test_quantiles_are_those_that_were_given() -> None:
    random, quantiles = stream(1), (2.0, 3.0, 10.0, 11.0)
    drawn = np.array([pick(random, quantiles) for _ in range(6000)])
    assert np.quantile(drawn, (0, 1 / 3, 2 / 3, 1)) == pytest.approx(quantiles, abs=0.15)


def test_weights_are_shares() -> None:
    random, weights = stream(2), (1.0, 0.0, 3.0)
    counts = np.bincount([chosen(random, weights) for _ in range(4000)], minlength=3) / 4000
    assert counts == pytest.approx((0.25, 0, 0.75), abs=0.03)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_sine_is_the_sine(turns: list[float]) -> None:
    places = np.array(turns)
    np.testing.assert_allclose(sine(places), np.sin(2 * np.pi * places), atol=1e-3)


@pytest.mark.parametrize("cell", [(1, 1), (1, 9), (12, 1), (8, 20)])
def test_fields_have_mean_0_and_deviation_1(cell: tuple[float, float]) -> None:
    drawn = np.concatenate([field(stream(seed), (240, 320), cell).ravel() for seed in range(4)])
    assert drawn.mean() == pytest.approx(0, abs=0.1)
    assert drawn.std() == pytest.approx(1, abs=0.1)
    lines = np.concatenate([profile(stream(seed), 4000, cell[1]) for seed in range(4)])
    assert lines.std() == pytest.approx(1, abs=0.1)


def test_a_field_is_smooth_within_its_cell_and_not_beyond() -> None:
    one = field(stream(3), (300, 300), (20, 20))
    near, far = (float(np.mean(one[:, :-by] * one[:, by:])) for by in (2, 60))
    assert near > 0.9
    assert abs(far) < 0.2


@pytest.mark.parametrize(("down", "across"), [(0.0, 0.0), (1.0, 1.0), (0.5, 3.0)])
def test_a_speckles_scores_are_deviations(down: float, across: float) -> None:
    drawn = looked_up(speckle(stream(4), (300, 400), down, across), scores(down, across))
    assert drawn.mean() == pytest.approx(0, abs=0.06)
    assert drawn.std() == pytest.approx(1, abs=0.2)
    assert spread(down, across) <= spread(0, 0) == 73.9


def test_a_normal_distribution_in_256_bytes() -> None:
    assert (np.diff(NORMAL) > 0).all()
    assert (NORMAL.mean(), NORMAL.std()) == (pytest.approx(0, abs=1e-8), pytest.approx(1, abs=0.01))
