"""`steelsight log export|prune|corrections`: what a station has logged."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steelsight.cli.output import finish
from steelsight.errors import UserError

if TYPE_CHECKING:
    from steelsight.station.log.log import InspectionLog

app = typer.Typer(no_args_is_help=True, help="What a station has logged: export it, prune it, train on its corrections.")

Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The station's data folder, whose log it is unless --database is given.")
]
Database = Annotated[str | None, typer.Option(metavar="URL", help="SQLAlchemy URL of the log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Time = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])]


@app.command("export")
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="FILE.csv or FILE.parquet.")],
    data: Data = None,
    database: Database = None,
    verdict: Annotated[
        list[Literal["pass", "review", "reject", "none"]] | None,
        typer.Option(help="Of this verdict; again for another. none: judged without a policy."),
    ] = None,
    name: Annotated[str, typer.Option(help="With this in the image's name.")] = "",
    since: Annotated[
        datetime | None,
        typer.Option(formats=_TIMES, metavar="TIME", help="Accepted then or later; UTC: 2026-01-31 or 2026-01-31T14:00:00."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_TIMES, metavar="TIME", help="Accepted before.")
    ] = None,
    defect_class: Annotated[str | None, typer.Option("--class", help="Showing a defect of this class.")] = None,
    inspector: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="By this inspector; the first digits will do.")
    ] = None,
    door: Annotated[Literal["page", "http", "watch"] | None, typer.Option(help="That came in by this door.")] = None,
    reviewed: Annotated[
        bool | None, typer.Option("--reviewed/--not-reviewed", help="That a person has looked at, or has not.")
    ] = None,
    flagged: Annotated[
        bool | None, typer.Option("--flagged/--not-flagged", help="With anything unusual, or without.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the log as a table, the earliest image first; every filter left out lets all through."""
    from steelsight.station.log.export import write_export
    from steelsight.station.log.query import Query

    query = Query(
        verdicts=tuple(verdict or ()),
        name=name,
        since=since,
        until=until,
        defect_class=defect_class,
        inspector=inspector,
        door=door,
        reviewed=reviewed,
        flagged=flagged,
    )
    with _open(data, database) as log:
        rows = write_export(log, query, out)
    finish([out], None, as_json=as_json, figures={"inspections": rows})
