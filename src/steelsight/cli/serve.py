"""`steelsight serve`: the inspection station behind a port and a page."""

import os
import re
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from steelsight.cli.inspect import Device, Threads
from steelsight.cli.output import Interrupted, console, fail, option_at, results
from steelsight.cli.sign import Trust
from steelsight.core.errors import UserError
from steelsight.core.private_files import refuse_readable_by_all

if TYPE_CHECKING:
    from steelsight.station.settings import StationSettings

TOKEN_VARIABLE = "STEELSIGHT_TOKEN"
DATABASE_VARIABLE = "STEELSIGHT_DATABASE"
_SHORTEST_TOKEN = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # what a bearer token may hold: RFC 6750

Host = Annotated[str, typer.Option(help="Address to listen on; a token is needed if other machines can reach it.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")]
ServedInspector = Annotated[
    Path | None, typer.Argument(metavar="[INSPECTOR]", help="Folder that `steelsight export` wrote; none with --demo.")
]
Demo = Annotated[
    bool, typer.Option("--demo", help="Serve the ready inspector of the package, which knows made-up steel only.")
]
Data = Annotated[Path, typer.Option(help="Folder of the log, the images and the probability maps.")]
ServedData = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the log, the images and the probability maps.",
        show_default="station; with --demo, and no --database, one that is removed at the end",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        envvar=DATABASE_VARIABLE,
        help="SQLAlchemy URL of the log, e.g. postgresql://user:password@host/name.",
        show_default="SQLite in DATA",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of this station in the log.", show_default="the machine's")]
KeepWhat = Annotated[
    Literal["all", "doubtful", "none"],
    typer.Option(
        "--keep", help="Which images and maps are stored: all, only those that did not pass (doubtful), or none."
    ),
]
KeepDays = Annotated[
    float | None,
    typer.Option(min=0.0, help="Days after which entries are removed; reviewed ones stay.", show_default="never"),
]
KeepGb = Annotated[float, typer.Option(min=0.0, help="GB of images and maps beyond which the oldest are removed.")]
Queue = Annotated[int, typer.Option(min=1, help="Images that may wait or be in work; more get 429.")]
MaxBytes = Annotated[int, typer.Option(min=1, help="Most bytes of one file.")]
MaxPixels = Annotated[int, typer.Option(min=1, help="Most pixels of one image.")]
MaxFiles = Annotated[int, typer.Option(min=1, help="Most images of one request.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(help=f"File with the token that every request must carry; or put the token into {TOKEN_VARIABLE}."),
]
Tokens = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File of tokens with a name and a role each, which `steelsight token` makes, in place of one token for all.",
    ),
]
Samples = Annotated[
    Path | None, typer.Option(help="Folder of images that the page offers to try.", show_default="made-up strips")
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]


def serve(
    inspector: ServedInspector = None,
    demo: Demo = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: ServedData = None,
    database: Database = None,
    name: Name = None,
    keep: KeepWhat = "all",
    keep_days: KeepDays = None,
    keep_gb: KeepGb = 20.0,
    queue: Queue = 64,
    max_bytes: MaxBytes = 32_000_000,
    max_pixels: MaxPixels = 64_000_000,
    max_files: MaxFiles = 32,
    token_file: TokenFile = None,
    tokens: Tokens = None,
    trust: Trust = None,
    samples: Samples = None,
    device: Device = "auto",
    threads: Threads = None,
    open_page: Open = False,
) -> None:
    """Serve an INSPECTOR: a page to drop images on and to review doubtful ones, and an HTTP interface for programs."""
    from steelsight.station.http.app import create_app
    from steelsight.station.http.middleware.security import Access, is_loopback
    from steelsight.station.http.server import LAST_WRITES, address_of, listen, resolve, serve
    from steelsight.station.note_start import note_people
    from steelsight.station.people import read_people
    from steelsight.station.station import Station
    from steelsight.station.upkeep import Upkeep

    folder = _served(inspector, demo)
    token = _read_token(token_file)
    if tokens is not None and token is not None:
        where = TOKEN_VARIABLE if token_file is None else f"--token-file {token_file}"
        raise UserError(
            f"--tokens {tokens}: with one token for all beside it ({where}), names say nothing; leave one out"
        )
    access = Access(token, () if tokens is None else read_people(tokens))
    if not access.needs_token and not is_loopback(resolve(host, port)[1]):
        raise UserError(
            f"--host {host}: a station that others can reach needs a token; put one of at least {_SHORTEST_TOKEN} "
            f"characters into a file and add --token-file FILE, or into {TOKEN_VARIABLE}; or give --tokens FILE"
        )
    _check_samples(samples)
    if demo and database is not None and database == os.environ.get(DATABASE_VARIABLE):
        console.print(f"{DATABASE_VARIABLE} is not used: made-up strips do not belong in its log", highlight=False)
        database = None
    passing = demo and data is None and database is None
    with listen(host, port) as bound, _stored_in(data, passing) as stored:
        settings = read_settings(
            data=stored, database=database, name=name, keep=keep, keep_days=keep_days, keep_gb=keep_gb, queue=queue,
            max_bytes=max_bytes, max_pixels=max_pixels, max_files=max_files,
        )  # fmt: skip
        address = address_of(bound) + ("#inspect/try" if demo else "")
        with (
            Station.open(folder, settings, device=device, threads=threads, trust=trust or ()) as station,
            Upkeep(station),
        ):
            if access.people:
                note_people(station.log, settings.name, access.people)
            app = create_app(station, access, samples)
            results.print(f"open: [cyan]{escape(address)}[/]", soft_wrap=True, highlight=False)
            kept = "inspections are removed when it stops" if passing else f"inspections are stored in {stored}"
            console.print(f"ready; {escape(kept)}; Ctrl-C stops it", highlight=False)
            if open_page:
                webbrowser.open(address)
            signal = serve(app, bound)
            station.close(LAST_WRITES)
    if station.unwritten.count:
        why = station.trouble or "no time was left"
        fail(
            f"stopped; {station.unwritten} that the station took: not in the log ({why}); "
            "their senders were told so or cut off, so send them again"
        )
        raise typer.Exit(3)
    console.print("stopped" if passing else "stopped; every accepted image is in the log", highlight=False)
    if signal == SIGINT:
        raise Interrupted


def _served(inspector: Path | None, demo: bool) -> Path:
    """The inspector's folder.

    Raises:
        UserError: none is given without --demo, or one with it.
    """
    from steelsight.inspector.ready import ready_inspector

    if demo and inspector is not None:
        raise UserError(f"{inspector}: --demo serves the ready inspector of the package; leave one of the two out")
    if demo:
        return ready_inspector()
    if inspector is None:
        raise UserError("which inspector? name the folder that `steelsight export` wrote, or add --demo to try one")
    return inspector


@contextmanager
def _stored_in(data: Path | None, passing: bool) -> Iterator[Path]:
    """Where inspections are stored: what a demonstration stores goes with it, unless it is to last."""
    if not passing:
        yield data or Path("station")
        return
    with TemporaryDirectory(prefix="steelsight-demo-") as folder:
        yield Path(folder)


def read_settings(**given: Any) -> "StationSettings":
    """Settings from the options of a verb; those that are None are left out.

    Raises:
        UserError: one has a value that it cannot have.
    """
    from pydantic import ValidationError

    from steelsight.core.model import explain
    from steelsight.station.settings import StationSettings

    try:
        return StationSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise UserError(explain(error, place=option_at)) from error


def _read_token(file: Path | None) -> str | None:
    """The token of the file, else of the environment; None where there is neither.

    Raises:
        UserError: the file cannot be read, or the token is short or holds what no header can.
    """
    if file is None:
        where, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE)
    else:
        where = str(file)
        try:
            token = file.read_text(encoding="utf-8").strip()
            refuse_readable_by_all(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"--token-file {file}: cannot be read ({error}); name a file with the token in it"
            ) from error
    if token is not None and not (len(token) >= _SHORTEST_TOKEN and _TOKEN.fullmatch(token)):
        raise UserError(
            f"{where}: a token has at least {_SHORTEST_TOKEN} letters, digits and -._~+/=; "
            "make one with `openssl rand -hex 32`"
        )
    return token


def _check_samples(folder: Path | None) -> None:
    """See that a folder of images to try holds some.

    Raises:
        UserError: there is no image in it.
    """
    from steelsight.imaging.read import list_images

    if folder is not None and not list_images(folder):
        raise UserError(f"--samples {folder}: no image there; name a folder with JPEG, PNG, BMP or TIFF files in it")
