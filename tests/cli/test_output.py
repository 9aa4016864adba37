"""Messages of the library as the command line says them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from helpers.data import ROOT, run_cli
from typer.core import TyperCommand, TyperGroup

from steelsight.cli.main import app
from steelsight.cli.output import with_options

SOURCE = ROOT / "src" / "steelsight"
SPELLS_OPTIONS = {
    "core/commands.py": "builds the command lines that reports and READMEs show, from a verb and its parameters",
}
"""The files outside cli/ that may name an option, and why."""
LIBRARY = [path for path in sorted(SOURCE.rglob("*")) if path.suffix in (".py", ".j2", ".js", ".yaml", ".html")]


def verbs(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, found in group.commands.items():
        if isinstance(found, TyperGroup):
            yield from verbs(found, f"{prefix}{name} ")
        elif isinstance(found, TyperCommand):
            yield f"{prefix}{name}", found


def options_of(verb: TyperCommand) -> set[str]:
    return {name for parameter in verb.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


APP = typer.main.get_command(app)
assert isinstance(APP, TyperGroup)
VERBS = {name: options_of(verb) for name, verb in verbs(APP)}
OPTIONS = {option for options in VERBS.values() for option in options if option.startswith("--")}


def below_the_command_line() -> list[Path]:
    return [path for path in LIBRARY if path.relative_to(SOURCE).parts[0] != "cli"]


def options_named(path: Path) -> set[str]:
    """What looks like an option; in JavaScript, where `--i` counts down, what is one."""
    found = set(re.findall(r"(?<![\w(-])--[a-z][a-z-]*", path.read_text(encoding="utf-8")))
    return found & OPTIONS if path.suffix == ".js" else found


def messages(path: Path) -> Iterator[str]:
    """The texts of a Python file, of an f-string piece by piece, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def commands(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The verb and the options of each command line that a file builds."""
    text = path.read_text(encoding="utf-8")
    calls = re.findall(r"\{\{ (command\(.*?\)) \}\}", text) if path.suffix == ".j2" else [text]
    for node in (node for call in calls if path.suffix in (".py", ".j2") for node in ast.walk(ast.parse(call))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
            assert isinstance(node.args[0], ast.Constant)
            yield (
                str(node.args[0].value),
                {f"--{(one.arg or '').rstrip('_')}".replace("_", "-") for one in node.keywords},
            )


def consoles(path: Path) -> Iterator[ast.Call]:
    """Each place where a file makes a console of rich."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Console":
            yield node


def test_a_line_number_is_printed_as_it_is(tmp_path: Path) -> None:
    """Between colons 100 and 1234 are names of emoji."""
    table = tmp_path / "l100.csv"
    rows = [f"a{number}.jpg,1,1 2" for number in range(2, 100)]
    table.write_text("\n".join(["ImageId,ClassId,EncodedPixels", *rows, "bad.jpg,1,1"]) + "\n")
    failed = run_cli("score", table, table)
    assert failed.returncode == 2
    assert "l100.csv:100: bad.jpg" in failed.stderr


def test_no_console_puts_emoji_for_numbers() -> None:
    made = [
        (path.relative_to(ROOT).as_posix(), one.lineno, {word.arg: ast.unparse(word.value) for word in one.keywords})
        for path in [*SOURCE.rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
        for one in consoles(path)
    ]
    assert len(made) > 2
    assert [(file, line) for file, line, words in made if words.get("emoji") != "False"] == []


def test_the_names_of_options_stand_in_cli_alone() -> None:
    named = {path.relative_to(SOURCE).as_posix(): options_named(path) for path in below_the_command_line()}
    assert {file: options for file, options in named.items() if options and file not in SPELLS_OPTIONS} == {}
    assert {file for file in SPELLS_OPTIONS if not named[file]} == set()


def test_each_parameter_that_a_message_names_is_printed_as_an_option_that_there_is() -> None:
    named = {
        name
        for path in below_the_command_line()
        if path.suffix == ".py"
        for text in messages(path)
        for name in re.findall(r"`([a-z][a-z_]*)=", text)
    }
    assert {"out", "resume", "overrides", "device", "images", "host"} <= named
    assert {name for name in named if with_options(f"`{name}=`") not in OPTIONS} == set()


def test_each_command_line_that_a_text_shows_is_one_that_there_is() -> None:
    shown = [one for path in below_the_command_line() for one in commands(path)]
    assert {verb for verb, _ in shown} >= {"train", "decide", "export", "inspect", "weights add", "data check"}
    assert [(verb, options - VERBS[verb]) for verb, options in shown if options - VERBS[verb]] == []


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("choose another `out=`", "choose another --out"),
        ("`device=cuda`: use `device=cpu`", "--device cuda: use --device cpu"),
        ("`overrides=members.*.weights=random`", "--set members.*.weights=random"),
        (
            "raise `max_pixels=` or leave out `class_ids=`, then go on",
            "raise --max-pixels or leave out --class-ids, then go on",
        ),
        ("`steelsight data check FOLDER` lists them", "`steelsight data check FOLDER` lists them"),
        ("a`b=c: no such file", "a`b=c: no such file"),
    ],
)
def test_a_parameter_is_printed_as_its_option(message: str, said: str) -> None:
    assert with_options(message) == said
