"""Names of strangers: what goes into a cell comes out of it, and no cell is carried out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.safe_names import (
    for_cell,
    from_cell,
    is_background,
    is_ignore,
    is_plain,
    nearly,
    no_formula,
    same_but_for_spelling,
    shown,
)

NAMES = st.text(st.sampled_from("aB=+-@'1.\t\n\u202e＝é "), max_size=10)


@given(NAMES)
def test_a_cell_gives_the_name_back_and_is_no_formula(name: str) -> None:
    cell = no_formula(name)
    assert from_cell(cell) == name
    assert not cell.startswith(tuple("=+-@＝")) or re.fullmatch(r"[+-]?\d+(\.\d+)?", cell)


@given(NAMES)
def test_what_is_shown_is_plain_and_plain_names_are_shown_as_they_are(name: str) -> None:
    assert is_plain(shown(name))
    assert (shown(name) == name) == is_plain(name)
    assert is_plain(for_cell(name))


@given(st.text("aB1.é", min_size=1, max_size=8))
def test_case_and_unicode_form_are_spelling(name: str) -> None:
    assert same_but_for_spelling(name.upper()) == same_but_for_spelling(name)
    assert same_but_for_spelling(name.replace("é", "e\u0301")) == same_but_for_spelling(name)


@pytest.mark.parametrize(
    ("one", "other"), [("coil 7.jpg", "coil 8.jpg"), ("a1.jpg", "a10.jpg"), ("mask.png", "label.png")]
)
def test_names_that_mean_different_things_are_not_nearly_the_same(one: str, other: str) -> None:
    assert nearly(one) != nearly(other)
    assert nearly(f"folder/{one}") == nearly(one)


def test_what_is_no_class_of_defects() -> None:
    assert all(map(is_background, ("background", "_background_", "bg")))
    assert all(map(is_ignore, ("ignore", "void", "unlabelled")))
    assert not any(is_background(name) or is_ignore(name) for name in ("scratch", "1", "voids and pits"))
