"""`steelsight report`: one self-contained page on a RUN."""

from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.output import finish


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that `steelsight train --out` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Write RUN/report/index.html: data, folds, training, figures with intervals, gallery. Needs no network."""
    from steelsight.report.build import build_report

    page = build_report(run)
    finish([page], f"steelsight predict {run} IMAGES --out {run / 'predictions'}", as_json=as_json)
