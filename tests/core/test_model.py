"""What is wrong with a content that is no model, in one sentence."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from steelsight.core.errors import UserError
from steelsight.core.model import MadeByPrograms, Model, explain, keys_of


class Part(Model):
    verdict: Literal["reject", "review"]
    times: int = Field(default=1, ge=1)
    number: Literal[1, 2] = 1
    of: str = Field(default="", alias="class")


class Whole(Model):
    parts: tuple[Part, ...]
    names: Literal["balanced"] | list[int] = "balanced"


def keys(location: Any) -> list[str]:
    return keys_of(Part if location else Whole)


def sentence(content: object, **options: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate(content)
    return explain(refused.value, **options)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "parts: the key is missing; add it"),
        ({"parts": [{}]}, "parts.0.verdict: the key is missing; add it"),
        ({"parts": [{"verdict": "stop"}]}, "parts.0.verdict: 'stop' is not allowed; it must be one of: reject, review"),
        ({"parts": [{"verdict": "rejct"}]}, "parts.0.verdict: 'rejct' is not allowed; did you mean 'reject'?"),
        ({"parts": [{"verdit": "reject"}]}, "parts.0.verdit: there is no such key; did you mean 'verdict'?"),
        ({"part": []}, "part: there is no such key; did you mean 'parts'?"),
        ({"parts": [{"clas": "4"}]}, "parts.0.clas: there is no such key; did you mean 'class'?"),
        (
            {"parts": [{"verdict": "reject", "times": 0}]},
            "parts.0.times: 0 is refused: it should be greater than or equal to 1; correct it",
        ),
        (
            {"parts": [{"verdict": "reject", "number": "1"}]},
            "parts.0.number: '1' is refused: it should be 1 or 2; correct it",
        ),
        (
            {"parts": ["all"]},
            "parts.0: 'all' is refused: there must be a mapping; it may have the keys verdict, times, number, class",
        ),
        ([], "there must be a mapping; it may have the keys parts, names"),
        (
            {"parts": [], "names": ["a"]},
            "names.0: 'a' is refused: it should be a valid integer, unable to parse string as an integer; correct it",
        ),
    ],
)
def test_the_first_fault_is_told_with_place_value_rule_and_mend(content: object, said: str) -> None:
    assert sentence(content, keys=keys) == said


def test_who_asks_says_where_and_what_to_do() -> None:
    assert sentence({}, mend="export it again") == "parts: the key is missing; export it again"
    assert sentence({}, mend="", place=lambda at: f"a file, {at[0]}") == "a file, parts: the key is missing"
    assert sentence({"parts": [], "x": 1}) == "x: there is no such key; take it out"


class Wish(MadeByPrograms):
    share: float = Field(default=0.5, gt=0, lt=1)
    of: dict[str, int] = Field({})


class Read(Model):
    wish: Wish


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"share": 1.5}, r"^Wish\.share: 1\.5 is refused: it should be less than 1; correct it$"),
        ({"of": {"a": "x"}}, r"^Wish\.of\.a: 'x' is refused"),
        ({"shar": 0.5}, r"^Wish\.shar: there is no such key; did you mean 'share'\?$"),
    ],
)
def test_what_a_program_makes_is_refused_as_the_projects_own_error(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Wish(**values)
    with pytest.raises(ValidationError):
        Wish.model_validate(values)
    with pytest.raises(ValidationError):
        Read.model_validate({"wish": values})
    assert Wish(share=0.25) == Read.model_validate({"wish": {"share": 0.25}}).wish


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["parts", "names", "verdict", "times", "x"]) | st.text(), inner, max_size=3)
    ),
)


@given(anything)
def test_any_content_is_told_in_one_short_line(content: object) -> None:
    try:
        Whole.model_validate(content)
    except ValidationError as error:
        short = [step for fault in error.errors() for step in fault["loc"] if len(repr(step)) > 100]
        told = explain(error, keys=keys, place=lambda location: "place" if location else "")
        assert "\n" not in told.replace("\\n", "")
        assert short or len(told) < 400
