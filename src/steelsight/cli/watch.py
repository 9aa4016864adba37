"""`steelsight watch`: inspect what a line camera writes into a folder."""

import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from steelsight.cli.inspect import Device, InspectorFolder, Threads
from steelsight.cli.judging import AsJson
from steelsight.cli.output import INTERRUPTED, Interrupted, console, fail, finish, with_options
from steelsight.cli.serve import Data, Database, KeepDays, KeepWhat, MaxPixels, Name, read_settings
from steelsight.cli.sign import Trust
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown

if TYPE_CHECKING:
    from steelsight.station.watch.loop import Follow
    from steelsight.station.watch.settings import Watched

LEAVE = "leave"
_SHOW_EVERY = 0.25  # seconds

KeepGb = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="GB of images and maps beyond which the oldest are removed.",
        show_default="no limit: that of a `serve` on the same data holds",
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that is watched.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for images.csv, defects.csv and submission.csv, which follow the log.", show_default="none"
    ),
]
Move = Annotated[str, typer.Option(metavar="FOLDER|leave", help="Where inspected files are moved; leave: nowhere.")]
Settle = Annotated[float, typer.Option(min=0.0, help="Seconds without a change after which a file is complete.")]
Patience = Annotated[float, typer.Option(min=0.0, help="Seconds for which a file that cannot be read is tried again.")]
Poll = Annotated[float, typer.Option(min=0.05, help="Seconds between two looks at the folder.")]
Below = Annotated[bool, typer.Option("--below", help="Watch the subfolders as well.")]
Once = Annotated[bool, typer.Option("--once", help="Take what is there, then end.")]


def watch(
    inspector: InspectorFolder,
    folder: Folder,
    data: Data = Path("station"),
    database: Database = None,
    name: Name = None,
    out: Out = None,
    move: Move = LEAVE,
    settle: Settle = 1.0,
    patience: Patience = 30.0,
    poll: Poll = 1.0,
    below: Below = False,
    once: Once = False,
    keep: KeepWhat = "all",
    keep_days: KeepDays = None,
    keep_gb: KeepGb = None,
    max_pixels: MaxPixels = 64_000_000,
    trust: Trust = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Inspect each image of FOLDER exactly once with an INSPECTOR, as soon as it is complete, in order of arrival.

    Ctrl-C or SIGTERM ends it when all that was begun is in the log. Exit status 3 with --once if some images could not be
    judged or moved.
    """
    from steelsight.results.tables import TABLES
    from steelsight.station.station import Station
    from steelsight.station.upkeep import Upkeep
    from steelsight.station.watch.loop import Follow
    from steelsight.station.watch.results import ResultTables
    from steelsight.station.writers import own_names

    settings = read_settings(
        data=data,
        database=database,
        name=name,
        keep=keep,
        keep_days=keep_days,
        keep_gb=inf if keep_gb is None else keep_gb,
        max_pixels=max_pixels,
    )
    watched = _watched(
        folder, move, [data, *([out] if out else [])],
        below=below, settle=settle, patience=patience, poll=poll, once=once,
    )  # fmt: skip
    with ExitStack() as stack:
        station = stack.enter_context(
            Station.open(inspector, settings, device=device, threads=threads, trust=trust or ())
        )
        upkeep = stack.enter_context(Upkeep(station))
        tables = None
        if out is not None:
            own = own_names(station.log, settings)
            tables = ResultTables(out, station.inspector.classes, station.log, str(watched.folder), own)
            stack.enter_context(tables)
        follow = Follow(station, watched, tables, _tell)
        try:
            ended_by = _run(follow, watched)
        except KeyboardInterrupt:  # asked twice: what is in work is inspected at the next start, as after any kill
            fail("ended at once; images whose results were not in the log yet are inspected at the next start")
            os._exit(INTERRUPTED)
        if once and ended_by is None:  # after a signal it would end too late
            upkeep.finish()
    _say_figures(follow)
    wrote = [] if out is None else [out / table for table in TABLES]
    finish(wrote, _look(inspector, data, database), as_json=as_json, figures=_as_dict(follow))
    _exit(follow, ended_by, once=once)


def _watched(folder: Path, move: str, others: list[Path], **options: Any) -> "Watched":
    """The folder as it is watched.

    Raises:
        UserError: it is none, or files would be moved to where they are.
    """
    from steelsight.core.files import resolved, sweep
    from steelsight.station.watch.settings import Watched

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; make it, or correct the path")
    inside = resolved(folder)
    target = None
    if move != LEAVE:
        target = resolved(Path(move))
        if target == inside:
            raise UserError(f"--move {move}: that is the watched folder itself; name another, or leave the option out")
        if target.exists() and not target.is_dir():
            raise UserError(f"--move {move}: there is a file of this name; name a folder")
        if target.is_dir():
            sweep(target)
    apart = {resolved(path) for path in others} | ({target} if target else set())
    if inside in apart:
        raise UserError(f"{folder}: the station's own files would lie among the images; give another --data or --out")
    return Watched(inside, move=target, apart=frozenset(apart), **options)


def _run(follow: "Follow", watched: "Watched") -> int | None:
    """Watch until a signal comes or all is done; gives the signal."""
    from steelsight.station.watch.wake import Waker

    shown_at = 0.0
    with _signals(follow) as came, console.status(Text(f"watching {watched.folder}")) as status:

        def show() -> None:
            nonlocal shown_at
            now = time.monotonic()
            if now - shown_at >= _SHOW_EVERY:
                shown_at = now
                status.update(Text(f"watching {watched.folder}: {_line(follow, now)}"))

        waker = None if watched.once else Waker(watched.folder, below=watched.below, wake=follow.wake)
        try:
            follow.run(show)
        finally:
            if waker is not None:
                waker.stop()
    return came[0] if came else None


@contextmanager
def _signals(follow: "Follow") -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM ends the watch in good order, a second one at once; yields the signals that came."""
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        follow.stop()

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _line(follow: "Follow", now: float) -> str:
    figures = follow.figures
    parts = [f"{follow.waiting.count} waiting", f"{figures.inspected} inspected{_verdicts(follow)}"]
    parts.append(f"{figures.rate(now):.1f} images/s")
    if follow.troubles.count:
        told = shown(with_options("; ".join(follow.troubles.sentences)))
        parts.append(f"trouble: {told or f'{follow.troubles.count} files'}")
    return ", ".join(parts)


def _verdicts(follow: "Follow") -> str:
    said = [f"{count} {word}" for word, count in sorted(follow.figures.verdicts.items()) if word]
    return f" ({', '.join(said)})" if said else ""


def _tell(sentence: str) -> None:
    """A line, whatever files are called."""
    console.print(escape(shown(with_options(sentence))), soft_wrap=True, highlight=False)


def _look(inspector: Path, data: Path, database: str | None) -> str:
    """The command that shows what was inspected; where the log is another one, the reader knows its URL."""
    where = "" if database is None else " --database URL"
    return f"steelsight serve {shlex.quote(str(inspector))} --data {shlex.quote(str(data))}{where}"


def _as_dict(follow: "Follow") -> dict[str, Any]:
    """What was done, by name, for `--json`."""
    figures = follow.figures
    return {
        "inspected": figures.inspected,
        "verdicts": {word: count for word, count in figures.verdicts.items() if word},
        "unreadable": figures.unreadable,
        "unjudged": figures.unjudged,
        "moved": figures.moved,
        "vanished": figures.vanished,
        "left": figures.left,
        "troubles": [with_options(sentence) for sentence in follow.troubles.sentences],
    }


def _say_figures(follow: "Follow") -> None:
    figures = follow.figures
    parts = [f"{figures.inspected} images inspected{_verdicts(follow)}", f"{figures.unreadable} unreadable"]
    counts = {
        "without an answer of the networks": figures.unjudged,
        "moved": figures.moved,
        "gone before the inspection": figures.vanished,
        "left for the next run": figures.left,
    }
    parts += [f"{count} {what}" for what, count in counts.items() if count]
    parts += follow.troubles.sentences
    _tell("; ".join(parts))


def _exit(follow: "Follow", ended_by: int | None, *, once: bool) -> None:
    if ended_by == signal.SIGINT:
        raise Interrupted
    if once and (follow.figures.unreadable or follow.figures.unjudged or follow.troubles.count):
        raise typer.Exit(3)
