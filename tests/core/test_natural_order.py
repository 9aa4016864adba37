"""Natural order: as numbers compare, beyond what Python makes a number of."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.natural_order import natural


@given(st.lists(st.integers(0, 10**40), unique=True), st.sampled_from(["", ".png", "_2.png"]))
def test_numbers_in_names_sort_by_value(numbers: list[int], end: str) -> None:
    names = sorted((f"strip{number}{end}" for number in numbers), key=natural)
    assert names == [f"strip{number}{end}" for number in sorted(numbers)]


@given(st.lists(st.text("a1٣0²-.", max_size=6), unique=True, min_size=2, max_size=5))
def test_different_names_have_one_order(names: list[str]) -> None:
    assert len({natural(name) for name in names}) == len(names)
    assert sorted(names, key=natural) == sorted(sorted(names), key=natural)


def test_thousands_of_digits_zeros_before_them_and_other_scripts() -> None:
    names = ["1" * 5000, "9" * 4999, "007", "7", "٨", "²", "10"]
    assert sorted(names, key=natural) == ["007", "7", "٨", "10", "9" * 4999, "1" * 5000, "²"]
