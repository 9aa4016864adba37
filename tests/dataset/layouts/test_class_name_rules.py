"""Class names that a table can hold and tell apart; all others are refused with the mend."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.class_name_rules import refuse_class_names

ROOT = Path("data")


@given(st.lists(st.integers(1, 50), unique=True, max_size=6))
def test_different_numbers_are_different_names(numbers: list[int]) -> None:
    refuse_class_names([str(number) for number in numbers], ROOT)


@given(st.sampled_from(["1", "scratch", "rolled in", "é"]), st.integers(0, 3), st.integers(0, 3))
def test_a_name_with_spaces_around_it_is_the_same_in_a_table(name: str, before: int, after: int) -> None:
    with pytest.raises(UserError, match="would be one in a table"):
        refuse_class_names([name, " " * before + name + " " * after + " "], ROOT)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("1", "1"), "would be one in a table"),
        (("1", "1.0"), "would be one in a table"),
        (("é", "e\u0301"), "would be one in a table"),
        (("a\nb",), "no table can show"),
        (("  ",), "a name that can be seen"),
        (("pit", "\u200b"), "a name that can be seen"),
        (("pit", "\u200bpit"), "would be one in a table"),
        (("pit", "OK"), "no class of defects"),
        (("scratch", "Background"), "no class of defects"),
    ],
)
def test_what_is_refused(names: tuple[str, ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        refuse_class_names(names, ROOT)
    assert str(error.value).startswith("data: ")
