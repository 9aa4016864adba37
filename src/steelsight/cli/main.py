"""The command `steelsight`: registers the verbs and turns errors into exit statuses."""

import sys
from typing import Annotated

import click
import typer

from steelsight import __version__
from steelsight.cli import data, decide, predict, report, score, train, weights
from steelsight.cli.output import fail
from steelsight.errors import UserError

app = typer.Typer(
    name="steelsight",
    help="A two-step steel surface inspector: learns from labelled images, judges itself honestly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"steelsight {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None: ...


app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("decide")(decide.decide)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("score")(score.score)
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run a verb: exit 0 done, 1 unexpected, 2 wrong use or input, 3 some images unreadable, 130 interrupted."""
    try:
        app()
    except UserError as error:
        fail(str(error))
        sys.exit(2)
    except (KeyboardInterrupt, click.exceptions.Abort):
        fail("interrupted; what was finished is kept")
        sys.exit(130)


if __name__ == "__main__":
    main()
