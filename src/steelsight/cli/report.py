"""`steelsight report`: one self-contained page on a RUN, or the sheet to sign for an INSPECTOR."""

from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.next_step import export_of, inspect_with
from steelsight.cli.output import finish, shown_progress
from steelsight.core.errors import UserError
from steelsight.inspector.artifact import CARD


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="RUN|INSPECTOR", help="Folder of `steelsight train`, or of `steelsight export`."),
    ],
    inspected: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|none",
            help="For a RUN: also picture the results of an inspector on new images: its --out, with --overlays. A later "
            "report keeps them, until none is given.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="For an INSPECTOR: the page to write. Default: INSPECTOR.verdicts.html beside it."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For an INSPECTOR: the folder of the tested images, to picture escapes and overkill."
        ),
    ] = None,
    mm_per_pixel: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            help="Size of a pixel along the strip in mm, for false alarms per metre. Default: that of the severity rules.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Write one page that needs no network. A RUN gets its report, RUN/report/index.html: data, folds, training, figures
    with intervals, gallery. An INSPECTOR gets the sheet to sign: its verdicts, what they rest on, where it comes from."""
    if (folder / CARD).is_file():
        _report_inspector(folder, inspected, out, images, mm_per_pixel, as_json)
        return
    from steelsight.run.run import Run

    run = Run(folder)
    for name, given in (("--out", out), ("--images", images)):
        if given is not None:
            raise UserError(
                f"{name} {given}: is for an inspector, and {folder} is none; a run's page is {run.report_page} "
                "and takes its pictures from the images that the run's record names"
            )
    from steelsight.report.build import build_report

    with shown_progress() as progress:
        page = build_report(run, inspected, mm_per_pixel, progress)
    finish([page], export_of(folder), as_json=as_json, look_at=page)


def _report_inspector(
    inspector: Path,
    inspected: Path | None,
    out: Path | None,
    images: Path | None,
    mm_per_pixel: float | None,
    as_json: bool,
) -> None:
    if inspected is not None:
        raise UserError(f"--inspected {inspected}: is for a run, and {inspector} is an inspector; leave it out")
    from steelsight.report.sign_off.sheet import build_sheet

    page = build_sheet(inspector, out, images, mm_per_pixel)
    finish([page], inspect_with(inspector), as_json=as_json, look_at=page)
