"""The YAML of severity rules, and what is wrong with it in one sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.core.model import Location, explain, first_fault
from steelsight.core.parsing import parse_yaml


class _Text(yaml.BaseLoader):
    """Every value as the text that stands there, so that class 010 stays 010; a key that comes twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(problem=f"{twice!r} stands there twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def parse(path: Path) -> Any:
    """What the file holds, every value as text.

    Raises:
        UserError: no such file, or not YAML.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a YAML file with severity rules")
    try:
        return parse_yaml(path.read_text("utf-8-sig", errors="replace"), _Text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UserError(
            f"{path}:{where} cannot be read as YAML ({getattr(error, 'problem', error)}); correct it"
        ) from error


def explain_severity(error: ValidationError, path: Path, keys: Mapping[str, Sequence[str]]) -> str:
    """One sentence for the first fault: where, what stands there, the rule, the nearest right word.

    Args:
        keys: the keys of the file ("") and of what stands under some of them.
    """
    if first_fault(error)["type"] in ("tuple_type", "too_short"):
        return f"{path}: rules: there must be a list of rules, at least one; begin each with `- `"

    def place(location: Location) -> str:
        return ": ".join([str(path), *_place(location)])

    return explain(error, place=place, keys=lambda location: keys[str(location[0]) if location else ""])


def _place(location: Location) -> list[str]:
    """`rule 2`, `area_above` of ("rules", 1, "area_above")."""
    if len(location) > 1 and location[0] == "rules":
        return [f"rule {int(location[1]) + 1}", *map(str, location[2:])]
    return [str(step) for step in location]
