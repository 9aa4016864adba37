"""Numbers in sentences are short and true."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.formatting import apart, at_most

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
