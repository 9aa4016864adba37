"""`steelsight log export|verify|prune|adopt|corrections`: what a station has logged."""

import getpass
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steelsight.cli.labelled import BoxesOption, IgnoreClass, read_labelled
from steelsight.cli.output import console, counting, finish, results
from steelsight.cli.serve import read_settings
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Layout

if TYPE_CHECKING:
    from steelsight.station.corrections.join import Joined
    from steelsight.station.log.log import InspectionLog
    from steelsight.station.log.retention import Pruned
    from steelsight.station.settings import StationSettings
    from steelsight.station.store import ImageStore

app = typer.Typer(
    no_args_is_help=True,
    help="The log of a station: export it, verify its audit trail, prune it, take over a folder, export its corrections.",
)

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class _Verdict(StrEnum):
    """Typer knows no lists of a Literal."""

    passed = "pass"
    review = "review"
    reject = "reject"
    none = "none"


Out = Annotated[Path, typer.Option(metavar="FILE", help="FILE.csv or FILE.parquet.")]
Data = Annotated[Path, typer.Option(help="The station's folder of the log, the images and the probability maps.")]
Database = Annotated[
    str | None,
    typer.Option(envvar="STEELSIGHT_DATABASE", help="SQLAlchemy URL of the log.", show_default="SQLite in DATA"),
]
Verdicts = Annotated[
    list[_Verdict] | None,
    typer.Option("--verdict", help="Entries with this verdict; repeat it for more. none: judged without a policy."),
]
Name = Annotated[str, typer.Option(metavar="TEXT", help="Entries with this in the image's name.")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=_TIMES, metavar="TIME", help="Entries accepted then or later; UTC, the hour may be left out."),
]
Until = Annotated[datetime | None, typer.Option(formats=_TIMES, metavar="TIME", help="Entries accepted before; UTC.")]
DefectClass = Annotated[
    str | None, typer.Option("--class", metavar="CLASS", help="Entries with a defect of this class.")
]
Fingerprint = Annotated[
    str | None, typer.Option(metavar="FINGERPRINT", help="Entries of this inspector; its first digits are enough.")
]
FromDoor = Annotated[
    Literal["page", "http", "watch"] | None, typer.Option(help="Entries that came in by this channel.")
]
OfStation = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Entries of this station, by its whole name (`--name` of `serve` and `watch`)."),
]
Reviewed = Annotated[
    bool | None, typer.Option("--reviewed/--not-reviewed", help="Entries that a person has reviewed, or has not.")
]
Flagged = Annotated[bool | None, typer.Option("--flagged/--not-flagged", help="Entries flagged as unusual, or not.")]
KeepDays = Annotated[
    float | None,
    typer.Option(min=0.001, help="Days after which entries are removed; reviewed ones stay.", show_default="never"),
]
KeepGb = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        help="GB of images and maps beyond which the oldest are removed; reviewed ones stay.",
        show_default="no limit",
    ),
]
Station = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="For a database that stations share: prune the entries of this station.",
        show_default="the machine's",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command("export")
def export(
    out: Out,
    data: Data = Path("station"),
    database: Database = None,
    verdicts: Verdicts = None,
    name: Name = "",
    since: Since = None,
    until: Until = None,
    defect_class: DefectClass = None,
    inspector: Fingerprint = None,
    door: FromDoor = None,
    station: OfStation = None,
    reviewed: Reviewed = None,
    flagged: Flagged = None,
    as_json: AsJson = False,
) -> None:
    """Write the log as a table, the earliest image first; the filters choose rows. The audit trail goes beside it, whole."""
    from steelsight.station.log.export import write_export
    from steelsight.station.log.query import Query
    from steelsight.station.log.verify import write_trail

    query = Query(
        verdicts=tuple(one.value for one in verdicts or ()),
        name=name,
        since=since,
        until=until,
        defect_class=defect_class,
        inspector=inspector,
        door=door,
        station=station,
        reviewed=reviewed,
        flagged=flagged,
    )
    with _open(_settings(data, database)) as log:
        written = write_export(log, query, out)
        trail = out.with_suffix(".audit.jsonl")
        entries = write_trail(log, trail)
    finish([out, trail], None, as_json=as_json, figures={"bytes": written, "audit_entries": entries})


@app.command("verify")
def verify(
    data: Data = Path("station"),
    database: Database = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An audit trail that was exported, in place of a log's own.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="A hash that was kept elsewhere: the trail must still have it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See that the audit trail is whole, and that reviews and inspectors are those that it tells of.

    Keep the hash that it prints elsewhere: only by --head HASH it is seen later that the end was cut off, or all made anew.
    """
    from steelsight.station.log.verify import verify_file, verify_log

    if file is not None:
        found = verify_file(file, head)
    else:
        with _open(_settings(data, database)) as log:
            found = verify_log(log, head)
    if not as_json:
        reviews = "" if found.reviews is None else f"; {found.reviews} reviews are as it tells"
        results.print(f"whole: {found.entries} entries{reviews}", markup=False, highlight=False, soft_wrap=True)
        if found.head is not None:
            results.print(f"head: {found.head} of {found.at}", markup=False, highlight=False, soft_wrap=True)
    finish([], None, as_json=as_json, figures=asdict(found))


@app.command("prune")
def prune(
    data: Data = Path("station"),
    database: Database = None,
    keep_days: KeepDays = None,
    keep_gb: KeepGb = None,
    name: Station = None,
    as_json: AsJson = False,
) -> None:
    """Remove what is too old, and images and maps beyond a size; move aside those that no entry names.

    A running station is not disturbed.
    """
    from steelsight.station.log.retention import prune as prune_log
    from steelsight.station.store import ImageStore

    settings = _settings(data, database, keep_days=keep_days, keep_gb=inf if keep_gb is None else keep_gb, name=name)
    with _open(settings) as log:
        gone = prune_log(log, ImageStore(data), settings)
        if gone.inspections or gone.images:
            _note(log, "prune", {"inspections": gone.inspections, "images": gone.images}, settings.name)
    figures: dict[str, int | str | None]
    figures = {"inspections": gone.inspections, "images": gone.images, "bytes": gone.bytes}
    figures |= {"moved_aside": gone.aside, "moved_back": gone.back, "bytes_beyond": gone.beyond}
    figures |= {"bytes_of_another_log": gone.of_another_log, "another_log_unread": gone.unread or None}
    if not as_json:
        results.print(f"removed {gone.inspections} inspections, {gone.images} images, {gone.bytes / 1e6:.1f} MB")
        _say_moved(gone, data)
        if gone.left:
            name = shown(shlex.quote(gone.whose[0]))
            said = f"{data}: {gone.left}; prune with --name {name} as well, or start that station here once"
            results.print(said, markup=False, highlight=False, soft_wrap=True)
        if gone.left_to_another_log:
            results.print(f"{data}: {gone.left_to_another_log}", markup=False, highlight=False, soft_wrap=True)
    finish([], None, as_json=as_json, figures=figures)


def _say_moved(gone: "Pruned", data: Path) -> None:
    from steelsight.station.store import ImageStore

    aside = ImageStore(data).aside.data
    if gone.aside:
        results.print(
            f"moved {gone.aside} files that no entry names to {aside}: {gone.names}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    if gone.back:
        results.print(f"moved {gone.back} files back from {aside}: an entry names them", markup=False, soft_wrap=True)


@app.command("adopt")
def adopt(data: Data = Path("station"), database: Database = None, as_json: AsJson = False) -> None:
    """Let this log take over a station's folder. Its former log is lost, or no longer wanted.

    The log is made if there is none. Images that it does not name are moved aside; none is removed.
    """
    from steelsight.station.log.identity import BELONGING, has_another_log
    from steelsight.station.log.identity import adopt as adopt_folder
    from steelsight.station.log.log import InspectionLog
    from steelsight.station.log.retention import set_unknown_aside
    from steelsight.station.settings import LOG_NAME
    from steelsight.station.store import ImageStore

    if not data.is_dir():
        raise UserError(f"{data}: no such folder; give the folder that a station writes to with --data")
    store = ImageStore(data)
    settings = _settings(data, database)
    with InspectionLog.open(settings.url) as log:
        adopt_folder(log, store)
        _note(log, "adopt", {"folder": str(data)}, settings.name)
        stays = has_another_log(log, data)
        moved = set_unknown_aside(log, store)
    if not as_json:
        said = f"{data} belongs to this log now; "
        said += (
            f"images that only {LOG_NAME} there may name stay where they are"
            if stays
            else f"{moved} files that it does not name were moved to {store.aside.data}, none was removed"
        )
        results.print(said, markup=False, highlight=False, soft_wrap=True)
    finish([data / BELONGING], None, as_json=as_json, figures={"moved_aside": moved})


@app.command("corrections")
def corrections(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to make; it must not exist yet.")],
    data: Data = Path("station"),
    database: Database = None,
    old_data: Annotated[
        Path | None,
        typer.Option(
            "--with", metavar="DATA", help="Labelled images to join them with, for example those that you trained on."
        ),
    ] = None,
    layout: Annotated[Layout | None, typer.Option("--layout", help="Layout of --with; detected if left out.")] = None,
    boxes: BoxesOption = None,
    ignore_class: IgnoreClass = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Leave faulty images of --with out, and list them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what reviewers have said as a dataset in the COCO layout, which `steelsight train` reads."""
    from steelsight.station.corrections.export import write_corrections
    from steelsight.station.store import ImageStore

    if old_data is None and (layout or boxes or ignore_class or skip_faulty):
        raise UserError(
            "--layout, --boxes, --ignore-class and --skip-faulty are for the data of --with; add --with DATA, or leave "
            "them out"
        )
    joined = None
    with _open(_settings(data, database)) as log:
        if old_data is None:
            made = write_corrections(log, ImageStore(data), out)
        else:
            joined = _join(log, ImageStore(data), out, old_data, layout, boxes, ignore_class, skip_faulty=skip_faulty)
            made = joined.summary
    if not as_json:
        of_class = ", ".join(f"{name} {count}" for name, count in made.classes.items())
        results.print(f"{made.images} images, {made.defective} with a defect ({of_class})", markup=False)
        for one in made.left_out:
            console.print(f"left out: inspection {one.id}: {one.why}", markup=False, soft_wrap=True, highlight=False)
        if joined and old_data:
            _show_joined(joined, old_data)
    finish(
        [out],
        f"steelsight data check {shlex.quote(str(out))}",
        as_json=as_json,
        figures={
            "images": made.images,
            "defective": made.defective,
            "without_masks": made.without_masks,
            "classes": made.classes,
            "left_out": [{"id": one.id, "why": one.why} for one in made.left_out],
            **(_counts(joined) if joined else {}),
        },
    )


def _join(
    log: "InspectionLog",
    store: "ImageStore",
    out: Path,
    old_data: Path,
    layout: Layout | None,
    boxes: Boxes | None,
    ignore_class: Sequence[str] | None,
    *,
    skip_faulty: bool,
) -> "Joined":
    from steelsight.station.corrections.join import require_joinable, write_joined

    require_joinable(out, old_data.parent if old_data.is_file() else old_data)
    dataset = read_labelled(old_data, layout, boxes, ignore_class, skip_faulty=skip_faulty)
    with counting("joining images") as advance:
        return write_joined(log, store, out, dataset, progress=advance)


def _counts(joined: "Joined") -> dict[str, object]:
    return {"kept": joined.kept, "replaced": joined.replaced, "added": joined.added, "notes": list(joined.said)}


def _show_joined(joined: "Joined", old_data: Path) -> None:
    """What came from where, and which classes only one side could mark."""

    def say(text: str) -> None:
        results.print(text, markup=False, highlight=False, soft_wrap=True)

    say(
        f"of {old_data}: {joined.kept + joined.replaced} images, {joined.replaced} of them with a reviewer's masks in "
        f"place of their own; reviewed besides: {joined.added}"
    )
    for sentence in joined.said:
        say(shown(sentence))
    if joined.new_classes:
        say(f"not marked in {old_data}, so its images count as free of it: {', '.join(joined.new_classes)}")
    if joined.unreviewed_classes and joined.added:
        named = ", ".join(joined.unreviewed_classes)
        say(f"not known to the inspector, so the other reviewed images count as free of it: {named}")


def _note(log: "InspectionLog", kind: str, content: dict[str, object], station: str) -> None:
    """Tell the audit trail what is done here, and under which account."""
    from steelsight.station.log import audit

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        user = str(os.getuid())
    with log.writing() as connection:
        audit.append(connection, kind, content, audit.Actor(user, "shell", station))


def _settings(data: Path, database: str | None, **more: object) -> "StationSettings":
    return read_settings(data=data, database=database, **more)


def _open(settings: "StationSettings") -> "InspectionLog":
    from steelsight.station.log.log import InspectionLog

    return InspectionLog.open(settings.url, make=False)
