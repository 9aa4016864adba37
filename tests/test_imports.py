"""Who imports whom: no circle of any length, wherever in a file the import stands."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "steelsight"


def test_no_import_circle_not_even_a_hidden_one() -> None:
    """Imports within functions count, and those for types alone: either says that a file cannot be read without another."""
    modules = {_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
    imports = {name: set(_imported(ast.parse(path.read_text("utf-8")), modules)) for name, path in modules.items()}
    assert sum(map(len, imports.values())) > 1000
    assert _circle(imports) == []


def test_a_circle_would_be_seen() -> None:
    modules = {"steelsight.a", "steelsight.b", "steelsight.c", "steelsight"}
    hidden = """
        if TYPE_CHECKING:
            from steelsight.b import thing
    """
    within = "def late() -> None:\n    import steelsight.c\n"
    a = set(_imported(ast.parse("if True:\n    pass\n" + _dedented(hidden)), modules))
    assert a == {"steelsight.b"}
    assert set(_imported(ast.parse(within), modules)) == {"steelsight.c"}
    assert set(_imported(ast.parse("from steelsight import c"), modules)) == {"steelsight.c"}
    circle = {"steelsight.a": a, "steelsight.b": {"steelsight.c"}, "steelsight.c": {"steelsight.a"}}
    assert set(_circle(circle)) == {"steelsight.a", "steelsight.b", "steelsight.c"}


@pytest.mark.parametrize("text", ["from . import errors", "from .errors import UserError"])
def test_relative_imports_are_refused_since_they_would_escape_the_count(text: str) -> None:
    with pytest.raises(ValueError, match="relative"):
        list(_imported(ast.parse(text), {"steelsight.core.errors"}))


def _name(path: Path) -> str:
    parts = ("steelsight", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.Module, modules: Mapping[str, object] | set[str]) -> Iterator[str]:
    """Modules of ours that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError("a relative import")
            for alias in node.names:
                if (inside := f"{node.module}.{alias.name}") in modules:
                    yield inside
                elif node.module in modules:
                    yield node.module


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
