"""Names as people count."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.natural_order import natural


@given(st.lists(st.integers(0, 10**12), unique=True), st.sampled_from(["", ".png", "_2.png"]))
def test_numbers_in_names_sort_by_value(numbers: list[int], end: str) -> None:
    names = sorted((f"strip{number}{end}" for number in numbers), key=natural)
    assert names == [f"strip{number}{end}" for number in sorted(numbers)]


@given(st.lists(st.text("a1٣0²-.", max_size=6), unique=True, min_size=2, max_size=5))
def test_different_names_have_one_order(names: list[str]) -> None:
    assert len({natural(name) for name in names}) == len(names)
    assert sorted(names, key=natural) == sorted(sorted(names), key=natural)
