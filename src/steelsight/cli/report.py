"""`steelsight report`: one self-contained page on a RUN."""

from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.output import finish


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that `steelsight train --out` wrote.")],
    inspected: Annotated[
        Path | None, typer.Option(help="Also picture what an inspector said of new images: its --out, with --overlays.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Write RUN/report/index.html: data, folds, training, figures with intervals, gallery. Needs no network."""
    from steelsight.report.build import build_report

    page = build_report(run, inspected)
    finish([page], f"steelsight export {run} --out INSPECTOR", as_json=as_json)
