"""Exact binomial bounds, against scipy and by counting all samples of small populations."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from steelsight.metrics.binomial import allowed, clopper_pearson_lower, clopper_pearson_upper, groups_needed

DELTAS = st.sampled_from([1e-6, 0.001, 0.05, 0.1, 0.5, 0.9])
LIMITS = st.sampled_from([0.0005, 0.01, 0.03, 0.05, 0.2, 0.7])


@given(st.integers(1, 3000), DELTAS, st.data())
def test_bounds_equal_the_peer(n: int, delta: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    upper = 1.0 if k == n else beta.ppf(1 - delta, k + 1, n - k)
    lower = 0.0 if k == 0 else beta.ppf(delta, k, n - k + 1)
    assert clopper_pearson_upper(k, n, delta) == pytest.approx(upper, rel=1e-9)
    assert clopper_pearson_lower(k, n, delta) == pytest.approx(lower, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("k", [0, 1, 17, 900, 50_000, 99_000, 99_999])
def test_bounds_equal_the_peer_on_a_hundred_thousand(k: int) -> None:
    n = 100_000
    assert clopper_pearson_upper(k, n, 0.05) == pytest.approx(beta.ppf(0.95, k + 1, n - k), rel=1e-9)
    assert clopper_pearson_lower(n - k, n, 0.05) == pytest.approx(beta.ppf(0.05, n - k, k + 1), rel=1e-9)


@given(st.integers(1, 60), DELTAS, st.floats(0.001, 0.999))
def test_the_upper_bound_fails_in_at_most_delta_of_all_samples(n: int, delta: float, p: float) -> None:
    fails = sum(binom.pmf(k, n, p) for k in range(n + 1) if clopper_pearson_upper(k, n, delta) < p)
    assert fails <= delta + 1e-9


@settings(max_examples=60)
@given(st.integers(0, 5000), LIMITS, DELTAS)
def test_one_loss_more_than_allowed_is_too_many(n: int, limit: float, delta: float) -> None:
    k = allowed(n, limit, delta)
    if k is None:
        assert clopper_pearson_upper(0, n, delta) > limit - 1e-12
        return
    assert clopper_pearson_upper(k, n, delta) <= limit + 1e-12
    assert clopper_pearson_upper(k + 1, n, delta) > limit - 1e-12


@settings(max_examples=60)
@given(st.integers(0, 200), LIMITS, DELTAS)
def test_one_group_fewer_than_needed_is_too_few(k: int, limit: float, delta: float) -> None:
    n = groups_needed(k, limit, delta)
    borne = allowed(n, limit, delta)
    assert borne is not None
    assert borne >= k
    fewer = allowed(n - 1, limit, delta)
    assert fewer is None or fewer < k


def test_without_a_loss_the_number_is_a_logarithm() -> None:
    for limit in (0.001, 0.01, 0.05, 0.1, 0.2):
        assert groups_needed(0, limit, 0.05) == math.ceil(math.log(0.05) / math.log(1 - limit))


def test_nothing_is_known_of_no_trial() -> None:
    assert clopper_pearson_upper(0, 0, 0.05) == 1
    assert clopper_pearson_lower(0, 0, 0.05) == 0
    assert allowed(0, 0.99, 0.05) is None


@pytest.mark.parametrize(("k", "n", "delta"), [(-1, 5, 0.05), (6, 5, 0.05), (1, 5, 0.0), (1, 5, 1.0), (1, 5, math.nan)])
def test_numbers_out_of_range_are_refused(k: int, n: int, delta: float) -> None:
    with pytest.raises(ValueError, match="0 <= k <= n"):
        clopper_pearson_upper(k, n, delta)
    with pytest.raises(ValueError, match="limit in"):
        allowed(5, 1.0, 0.05)
