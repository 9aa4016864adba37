"""How every verb speaks: rich on the terminal, `--json` for a program, errors in one sentence on standard error."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

console = Console(stderr=True, emoji=False)
"""Progress and messages go to standard error. Without emoji: line 100 of a file is written `FILE:100: ...`, which is one."""

results = Console(emoji=False)
"""Tables and figures that a verb was asked for go to standard output; with `--json` only the JSON does."""

_OPTIONS = {"overrides": "set"}
"""Options that are not called as the parameter is."""
_PARAMETER = re.compile(r"`(?P<name>[a-z][a-z_]*)=(?P<value>[^`\n]*)`")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class Interrupted(SystemExit):
    """Raised by a verb that Ctrl-C ends in good order, and that has said in its own words what is kept."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


@contextmanager
def counting(label: str, *, disable: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left; yields `advance(done, total)`."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=disable) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on standard error, one for each thing that is being done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield tell


def with_options(message: str) -> str:
    """A sentence of the library as the command line says it: a parameter, which it writes `name=` or `name=value`, becomes
    its option.

    >>> with_options("`out=runs/a`: there is a run; give another `out=`, or `max_pixels=`, or `overrides=folds=3`")
    '--out runs/a: there is a run; give another --out, or --max-pixels, or --set folds=3'
    """
    return _PARAMETER.sub(lambda found: f"{_option(found['name'])} {found['value']}".rstrip(), message)


def option_at(location: Sequence[int | str], prefix: str = "") -> str:
    """The option that a model's field is filled from, and what of it is meant.

    >>> option_at(("escape_of", "4"), "cost_")
    '--cost-escape-of 4'
    """
    return " ".join([_option(f"{prefix}{location[0]}"), *map(str, location[1:])]) if location else ""


def _option(parameter: str) -> str:
    return f"--{_OPTIONS.get(parameter, parameter).replace('_', '-')}"


def fail(message: str) -> None:
    """Print one error sentence, with options for parameters, and without characters that steer a terminal, which it may
    quote of a file."""
    shown = "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in with_options(message)
    )
    console.print(f"[bold red]steelsight:[/] {escape(shown)}", soft_wrap=True, highlight=False)


def finish(
    wrote: Sequence[Path],
    next_command: str | None,
    *,
    as_json: bool,
    figures: Mapping[str, Any] | None = None,
    look_at: Path | None = None,
) -> None:
    """End a verb: what it wrote, what of it to look at, and the next command, for people or as one JSON object on standard
    output."""
    if as_json:
        print(json.dumps({"wrote": [str(path) for path in wrote], "next": next_command, **(figures or {})}))
        return
    for path in wrote:
        results.print(f"wrote [bold]{escape(str(path))}[/]", soft_wrap=True, highlight=False)
    if look_at is not None:
        results.print(f"look at: [bold]{escape(str(look_at))}[/]", soft_wrap=True, highlight=False)
    if next_command:
        results.print(f"next: [cyan]{escape(next_command)}[/]", soft_wrap=True, highlight=False)
