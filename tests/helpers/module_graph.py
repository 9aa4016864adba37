"""Who imports whom, read from the source: what a file imports anywhere in it, and all that follows from it."""

import ast
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path

from helpers.data import ROOT

SOURCE = ROOT / "src" / "steelsight"


@cache
def source_modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    return {_dotted("steelsight", path.relative_to(SOURCE)): path for path in sorted(SOURCE.rglob("*.py"))}


@cache
def helper_modules() -> dict[str, Path]:
    """Every helper of the tests, by its dotted name."""
    folder = ROOT / "tests" / "helpers"
    return {_dotted("helpers", path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}


def imported(tree: ast.AST, modules: Container[str]) -> Iterator[str]:
    """Those of some modules that a file imports, within functions and for types alone too."""
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


def closure(of: set[str], imports: Mapping[str, set[str]]) -> set[str]:
    """Some modules and all that they import, however far away."""
    found: set[str] = set()
    left = set(of)
    while left:
        found.add(one := left.pop())
        left |= imports[one] - found
    return found


def _dotted(package: str, path: Path) -> str:
    parts = (package, *path.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
