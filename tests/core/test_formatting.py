"""Numbers in sentences are short and true."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from steelsight.core.formatting import about, apart, at_most, percent

SHARE = st.floats(0, 1)


@given(SHARE, SHARE, SHARE)
def test_numbers_stand_in_their_order_as_they_are_shown(one: float, two: float, three: float) -> None:
    values = (one, two, three)
    shown = [float(text) for text in apart(*values)]
    for a, text_a in zip(values, shown, strict=True):
        for b, text_b in zip(values, shown, strict=True):
            assert (a < b) == (text_a < text_b)


def test_no_more_digits_than_it_takes() -> None:
    assert apart(0.3149, 0.04, 0.7249) == ["0.31", "0.04", "0.72"]
    assert apart(0.3149, 0.3151) == ["0.31", "0.32"]
    assert apart(0.5, 0.5) == ["0.50", "0.50"]
    assert apart(1e-30, 2e-30) == ["1e-30", "2e-30"]


@given(SHARE, SHARE)
def test_at_most_is_never_too_little_and_never_above_a_limit_that_is_kept(share: float, limit: float) -> None:
    shown = float(at_most(share, limit).removesuffix(" %"))
    assert shown >= 100 * share * (1 - 1e-9)
    if share <= limit:
        assert shown <= 100 * limit * (1 + 1e-9)


@given(
    st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.none() | st.integers(0, 4)
)
@example((249, 250), 0)
@example((1, 10**6), 1)
def test_none_and_all_are_said_of_none_and_all_alone(counts: tuple[int, int], digits: int | None) -> None:
    some, of = counts
    for text in (percent(some / of, digits), about(some / of), at_most(some / of)):
        assert (float(text.removesuffix(" %")) == 100) == (some == of)
        assert (float(text.removesuffix(" %")) == 0) == (some == 0)


@given(SHARE, st.integers(0, 4))
def test_a_percentage_is_the_share_to_half_a_unit_of_its_last_digit(share: float, digits: int) -> None:
    text = percent(share, digits).removesuffix(" %")
    shown = len(text.partition(".")[2])
    assert shown >= digits
    assert abs(float(text) - 100 * share) <= 0.5 * 10.0**-shown + 1e-9


@given(SHARE)
def test_what_was_stated_comes_back(share: float) -> None:
    assert float(percent(share).removesuffix(" %")) == pytest.approx(
        100 * share, rel=1e-5, abs=1e-10
    )  # less than 1e-12 is nothing


@given(SHARE)
def test_an_estimate_is_within_a_twentieth(share: float) -> None:
    assert float(about(share).removesuffix(" %")) == pytest.approx(100 * share, rel=0.051, abs=1e-10)


def test_what_a_sum_is_off_is_not_shown() -> None:
    assert percent(sum([0.1] * 10), 1) == "100.0 %"
    assert percent(0.7 + 0.2 + 0.1 - 1.0 + 1e-17, 2) == "0.00 %"
