"""Who imports whom: no circle of any length, wherever in a file the import stands."""

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import pytest
from helpers.module_graph import imported, source_modules


def test_no_import_circle_not_even_a_hidden_one() -> None:
    """Imports within functions count, and those for types alone: either says that a file cannot be read without another."""
    modules = source_modules()
    imports = {name: set(imported(ast.parse(path.read_text("utf-8")), modules)) for name, path in modules.items()}
    assert sum(map(len, imports.values())) > 1000
    assert _circle(imports) == []


def test_a_circle_would_be_seen() -> None:
    modules = {"steelsight.a", "steelsight.b", "steelsight.c", "steelsight"}
    hidden = """
        if TYPE_CHECKING:
            from steelsight.b import thing
    """
    within = "def late() -> None:\n    import steelsight.c\n"
    a = set(imported(ast.parse("if True:\n    pass\n" + _dedented(hidden)), modules))
    assert a == {"steelsight.b"}
    assert set(imported(ast.parse(within), modules)) == {"steelsight.c"}
    assert set(imported(ast.parse("from steelsight import c"), modules)) == {"steelsight.c"}
    circle = {"steelsight.a": a, "steelsight.b": {"steelsight.c"}, "steelsight.c": {"steelsight.a"}}
    assert set(_circle(circle)) == {"steelsight.a", "steelsight.b", "steelsight.c"}


@pytest.mark.parametrize("text", ["from . import errors", "from .errors import UserError"])
def test_relative_imports_are_refused_since_they_would_escape_the_count(text: str) -> None:
    with pytest.raises(ValueError, match="relative"):
        list(imported(ast.parse(text), {"steelsight.core.errors"}))


def _circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules of one circle in their order, the first again at the end; empty where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in text.splitlines()) + "\n"
