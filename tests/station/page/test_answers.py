"""The page's types of what the station answers, and the cases that node's tests of the page are held against."""

import json
import re
from pathlib import Path

from helpers.page_cases import FILE, as_text
from pydantic import BaseModel

from steelsight.inspector.artifact import CrossValidated
from steelsight.station.http import schemas

_TYPES = Path(schemas.__file__).parents[1] / "page/js/lib/answers.js"
_NOT_OF_THE_PAGE = {"ErrorAnswer", "Health"}


def test_each_answer_has_the_fields_that_the_page_reads() -> None:
    answers = {CrossValidated} | {
        model for model in vars(schemas).values() if isinstance(model, type) and issubclass(model, BaseModel)
    }
    expected = {
        re.sub("Answer$", "", model.__name__): {field.alias or name for name, field in model.model_fields.items()}
        for model in answers
        if not model.__name__.startswith("_") and model.__name__ not in _NOT_OF_THE_PAGE | {"BaseModel", "Model"}
    }
    assert _fields() == expected


def test_the_cases_of_the_page_are_what_python_says_today() -> None:
    """Otherwise: `PYTHONPATH=src:tests python -m helpers.page_cases`."""
    assert json.loads(FILE.read_text()) == json.loads(as_text())


def _fields() -> dict[str, set[str]]:
    """Of each typedef, with those of the one that it adds to."""
    fields: dict[str, set[str]] = {}
    text = _TYPES.read_text()
    for base, body, name in re.findall(r"@typedef \{(?:(\w+) & )?\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\} (\w+)", text):
        body = re.sub(r"<[^>]*>", "", body)
        fields[name] = set(re.findall(r"(\w+):", body)) | fields.get(base, set())
    return fields
