"""JSON and YAML of strangers: plain values, one kind of error, and no small text that stands for a large thing."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.parsing import parse_json, parse_yaml, whole

LEAVES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc: -#'\"\n", max_size=8)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=4)
)


@given(VALUES)
def test_what_was_written_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_yaml(yaml.safe_dump(value)) == value


@pytest.mark.parametrize("text", ["[" * 200_000, "{", "1" * 5000, b"\xff\xfe"], ids=["deep", "half", "long", "no text"])
def test_json_that_is_none_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize(
    "text", ["[" * 3000, "a: [", "2001-99-99", "!!python/object/apply:os.system [ls]", "&a [*a]"], ids=str.split
)
def test_yaml_that_is_none_is_a_yaml_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


def test_anchors_count_as_often_as_they_are_repeated() -> None:
    """Each line is ten of the line before: five lines are ten thousand values and are read, eight are refused."""
    lines = ["a0: &a0 x", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8))]
    assert len(parse_yaml("\n".join(lines[:5]))["a4"]) == 10
    with pytest.raises(yaml.YAMLError, match="repeat each other into more than 100,000 values"):
        parse_yaml("\n".join(lines))
    assert parse_yaml("") is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_of_64_bits_is_read(number: int) -> None:
    assert whole(str(number)) == number


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "1" * 5000, "1.0", "x", ""])
def test_a_number_that_no_array_holds_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        whole(text)
