"""Intervals: they cover what they should, and twins widen them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from steelsight.metrics.intervals import bootstrap_interval, bootstrap_ratios, wilson, without_spread


@given(st.integers(1, 500), st.data())
def test_wilson_equals_the_peer(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    level = data.draw(st.sampled_from([0.8, 0.95, 0.99]))
    theirs = binomtest(k, n).proportion_ci(level, method="wilson")
    assert tuple(wilson(k, n, level)) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="0 <= k <= n"):
        wilson(3, 2)


def test_bootstrap_approaches_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = bootstrap_interval(values, np.arange(400))
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_a_surface_photographed_again_tells_nothing_new() -> None:
    values = np.random.default_rng(2).random(50)
    once = bootstrap_interval(values, np.arange(50), seed=3)
    six_times = np.repeat(values, 6)
    grouped = bootstrap_interval(six_times, np.repeat(np.arange(50), 6), seed=3)
    as_if_new = bootstrap_interval(six_times, np.arange(300), seed=3)
    assert grouped == pytest.approx(once)
    assert as_if_new.high - as_if_new.low < 0.5 * (grouped.high - grouped.low)


def test_groups_may_lie_scattered_and_be_of_any_size() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(40), rng.integers(1, 5, 40))
    values = rng.random((groups.size, 3))
    shuffled = rng.permutation(groups.size)
    assert bootstrap_interval(values, groups) == pytest.approx(bootstrap_interval(values[shuffled], groups[shuffled]))


def test_draws_without_a_figure_are_left_out() -> None:
    values = np.array([np.nan, np.nan, 0.4, 0.6])
    low, high = bootstrap_interval(values, np.arange(4), np.nanmean)
    assert (low, high) == pytest.approx((0.4, 0.6))
    assert all(math.isnan(end) for end in bootstrap_interval(np.full(3, np.nan), np.arange(3), np.nanmean))


def test_one_group_has_no_spread_to_tell() -> None:
    assert all(math.isnan(end) for end in bootstrap_interval(np.ones(5), np.zeros(5, int)))


def test_the_seed_decides() -> None:
    values, groups = np.random.default_rng(5).random(30), np.arange(30)
    assert bootstrap_interval(values, groups, seed=1) == bootstrap_interval(values, groups, seed=1)
    assert bootstrap_interval(values, groups, seed=1) != bootstrap_interval(values, groups, seed=2)
    with pytest.raises(ValueError, match="each image has one"):
        bootstrap_interval(values, groups[:3])
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval(values, groups, level=95)


def test_ratios_of_many_columns_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(3)
    groups, wholes = rng.integers(0, 12, 40), rng.integers(0, 3, (40, 2))
    parts = rng.integers(0, wholes + 1)
    together = bootstrap_ratios(parts, wholes, groups, draws=200)
    for part, whole, found in zip(parts.T, wholes.T, together, strict=True):
        rows = np.stack([part, whole], axis=1)
        alone = bootstrap_interval(rows, groups, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum(), draws=200)
        assert found == pytest.approx(alone)
    assert all(np.isnan(end) for end in bootstrap_ratios(parts, wholes, np.zeros(40, int))[0])
    assert all(np.isnan(end) for end in bootstrap_ratios(parts * 0, wholes * 0, groups)[0])
    with pytest.raises(ValueError, match="do not fit"):
        bootstrap_ratios(parts, wholes, groups[1:])


def test_a_ratio_that_one_group_alone_weighs_in_has_no_interval() -> None:
    """The other column of the same draws keeps its own to the bit."""
    parts = np.array([[4, 1], [0, 0], [0, 2], [0, 1]])
    wholes = np.array([[7, 2], [0, 0], [0, 2], [0, 3]])
    groups = np.array([0, 0, 1, 2])
    lone, known = bootstrap_ratios(parts, wholes, groups)
    assert all(math.isnan(end) for end in lone)
    assert bootstrap_ratios(parts[:, 1:], wholes[:, 1:], groups) == (known,)
    assert known.low < 4 / 7 < known.high


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_a_share_shows_spread_if_two_groups_weigh_and_it_is_neither_none_nor_all(
    images: list[tuple[int, int, int]],
) -> None:
    part, more, groups = np.array(images).T
    whole = part + more
    said = without_spread(part, whole, groups)
    weighing = len({group for group, weight in zip(groups.tolist(), whole.tolist(), strict=True) if weight})
    if weighing < 2:
        assert said is not None
        assert all(math.isnan(end) for end in said)
    elif 0 < part.sum() < whole.sum():
        assert said is None
    else:
        theirs = binomtest(weighing if part.any() else 0, weighing).proportion_ci(0.95, method="exact")
        assert said == pytest.approx((theirs.low, theirs.high))
