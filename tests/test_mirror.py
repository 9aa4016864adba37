"""The tests mirror the tree: `src/steelsight/a/b.py` has `tests/a/test_b.py`, or mirror.toml says what drives it."""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from helpers.data import ROOT
from helpers.longest import LONGEST
from helpers.module_graph import SOURCE, closure, helper_modules, imported, source_modules

TESTS = ROOT / "tests"
TABLE = tomllib.loads((TESTS / "mirror.toml").read_text("utf-8"))
DRIVEN_BY: dict[str, str] = TABLE["driven_by"]
ABOUT: dict[str, str] = TABLE["about"]


@cache
def sources() -> set[str]:
    """Every file that wants a test; migrations are driven whole, and an `__init__` says what its files say."""
    paths = (path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
    return {path.as_posix() for path in paths if path.name != "__init__.py" and "migrations" not in path.parts}


@cache
def all_tests() -> set[str]:
    return {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}


def own_test(source: str) -> str:
    path = Path(source)
    return path.with_name(f"test_{path.name}").as_posix()


def test_every_source_has_a_test_of_its_name_or_says_which_drives_it() -> None:
    assert sorted(one for one in sources() - set(DRIVEN_BY) if own_test(one) not in all_tests()) == []


def test_every_test_has_a_source_of_its_name_or_says_what_it_is_about() -> None:
    mirrored = {own_test(source) for source in sources()}
    assert sorted(all_tests() - mirrored - set(ABOUT)) == []
    assert sorted(one for one in ABOUT if one in mirrored or one not in all_tests()) == []


def test_no_line_of_the_table_is_stale() -> None:
    assert sorted(set(DRIVEN_BY) - sources()) == []
    assert sorted(source for source in DRIVEN_BY if own_test(source) in all_tests()) == []
    assert sorted(set(DRIVEN_BY.values()) - all_tests()) == []
    assert list(DRIVEN_BY) == sorted(DRIVEN_BY)
    assert list(ABOUT) == sorted(ABOUT)


@pytest.mark.parametrize("test", sorted(set(DRIVEN_BY.values())))
def test_a_test_reaches_what_it_is_said_to_drive(test: str) -> None:
    reached = reached_from(test)
    assert sorted(one for one, by in DRIVEN_BY.items() if by == test and module_of(one) not in reached) == []


@pytest.mark.parametrize("source", sorted(source for source in sources() if own_test(source) in all_tests()))
def test_a_test_reaches_the_source_whose_name_it_bears(source: str) -> None:
    assert module_of(source) in reached_from(own_test(source))


def test_what_a_test_does_not_import_or_run_is_not_reached() -> None:
    reached = reached_from("core/test_formatting.py")
    assert "steelsight.core.formatting" in reached
    assert not any(
        name.startswith(("steelsight.station", "steelsight.report", "steelsight.cli.inspect")) for name in reached
    )
    only = set(verbs(ast.parse('run_cli("inspect", "serve", out)\n["-m", "steelsight.cli.main", "log", "prune"]')))
    assert only == {"inspect", "log"}  # the verb alone, not the words behind it


def test_the_tests_that_start_first_are_there() -> None:
    assert sorted(set(LONGEST) - {f"tests/{one}" for one in all_tests()}) == []


def test_no_package_is_empty() -> None:
    packages = [path.parent for path in SOURCE.rglob("__init__.py")]
    assert [folder.name for folder in packages if len(list(folder.rglob("*.py"))) == 1] == []


def module_of(source: str) -> str:
    return ".".join(("steelsight", *Path(source).with_suffix("").parts))


def reached_from(test: str) -> set[str]:
    """Modules of ours that a test imports or whose verb it runs, with its conftests and helpers, however far away."""
    path = TESTS / test
    inside = [folder for folder in path.parents if folder.is_relative_to(TESTS)]
    files = [path, *(folder / "conftest.py" for folder in inside if (folder / "conftest.py").exists())]
    return closure({name for file in files for name in begun(file)}, import_graph())


@cache
def import_graph() -> dict[str, set[str]]:
    """Whom each module imports when it runs; the command line's door leads to no verb, for it runs the one named."""
    graph = {name: set(begun(path)) for name, path in (source_modules() | helper_modules()).items()}
    graph["steelsight.cli.main"] -= {f"steelsight.cli.{verb}" for verb in all_verbs()}
    return graph


@cache
def begun(path: Path) -> frozenset[str]:
    """What a file imports when it runs, or runs as a program."""
    return frozenset(_begun(path))


def _begun(path: Path) -> Iterator[str]:
    tree: ast.AST = ast.parse(path.read_text("utf-8"))
    if path != SOURCE / "__init__.py":  # there, what is imported for types says where each lazy name stands
        tree = WithoutTypes().visit(tree)
    modules = source_modules() | helper_modules()
    yield from imported(tree, modules)
    if TESTS in path.parents:
        for text in texts(ast.walk(tree)):
            if text in modules:  # python -m steelsight.cli.main
                yield text
            elif "from steelsight" in text and (program := parsed(text)):  # python -c "..."
                yield from imported(program, modules)
        yield from (f"steelsight.cli.{verb}" for verb in verbs(tree))


class WithoutTypes(ast.NodeTransformer):
    """What is imported for types alone is not run."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_types else self.generic_visit(node)


@cache
def all_verbs() -> frozenset[str]:
    return frozenset(path.stem for path in (SOURCE / "cli").glob("*.py") if path.stem not in ("main", "__init__"))


def verbs(tree: ast.AST) -> Iterator[str]:
    """What a command begins with: the first argument of a call, the first word of a list, or what follows the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            words = texts(node.args)
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
            words = texts(node.elts)
        else:
            continue
        first = words.index("steelsight.cli.main") + 1 if "steelsight.cli.main" in words else 0
        if not all_verbs().issuperset(words):  # a list of verbs is no command
            yield from (word for word in words[first : first + 1] if word in all_verbs())


def parsed(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except SyntaxError:  # prose
        return None


def texts(nodes: Iterable[ast.AST]) -> list[str]:
    """What stands there in so many words, and an empty text for each thing else."""
    values = (node.value if isinstance(node, ast.Constant) else None for node in nodes)
    return [value if isinstance(value, str) else "" for value in values]
