"""The command `steelsight`: registers the verbs and turns errors into exit statuses."""

import io
import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from steelsight.cli import (
    bench,
    data,
    decide,
    demo,
    export,
    inspect,
    log,
    predict,
    report,
    score,
    serve,
    sign,
    token,
    train,
    watch,
    weights,
)
from steelsight.cli.output import INTERRUPTED, Interrupted, fail
from steelsight.cli.retyped_command import again
from steelsight.cli.versions import versions
from steelsight.core.errors import UserError
from steelsight.core.interruption import is_interruption

TRAINING_LIBRARIES = {
    *("torch", "torchvision", "lightning", "timm", "segmentation_models_pytorch", "safetensors"),
    *("pandas", "pyarrow", "zarr", "sklearn", "matplotlib", "jinja2", "markupsafe"),
    "platformdirs",
    *("onnx", "onnx_ir", "onnxscript", "nncf", "onnxruntime"),
}
"""What the extra [train] brings."""
SERVE_LIBRARIES = {
    *("fastapi", "starlette", "uvicorn", "uvloop", "multipart", "python_multipart"),
    *("sqlalchemy", "alembic", "watchfiles", "prometheus_client", "isal"),
}
"""What the extra [serve] brings, beside pyarrow."""

app = typer.Typer(
    name="steelsight",
    help="Find defects on steel: train on labelled images, inspect new ones, and state how many defective ones pass.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(versions())
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and stop.")
    ] = False,
) -> None: ...


app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("decide")(decide.decide)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.command("sign")(sign.sign)
app.command("inspect")(inspect.inspect)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("token")(token.token)
app.command("watch")(watch.watch)
app.command("bench")(bench.bench)
app.command("score")(score.score)
app.add_typer(log.app, name="log")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run a verb: exit 0 done, 1 unexpected, 2 wrong use or input, 3 some images not judged or left out, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that a terminal cannot show must not end a verb
    if "" in sys.argv[1:]:  # as a path it would be the folder that one is in
        fail(
            f"the argument after {sys.argv[sys.argv.index('', 1) - 1]} is empty, as that of a variable that is not set; "
            "give it a value, or leave it out"
        )
        sys.exit(2)
    try:
        app()
    except UserError as error:
        fail(str(error))
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{_text(error.filename)}: {error.strerror}; check the path, what lies there and its rights")
        sys.exit(2)
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library not in TRAINING_LIBRARIES | SERVE_LIBRARIES:
            raise
        extra = "serve" if library in SERVE_LIBRARIES else "train"
        fail(f"this verb needs {error.name}, which the plain install leaves out; pip install 'steelsight[{extra}]'")
        sys.exit(2)
    except (KeyboardInterrupt, RuntimeError) as error:
        if not is_interruption(error):
            raise
        sys.exit(_interrupted())
    except SystemExit as ending:
        # typer turns Ctrl-C inside a verb into this exit without a word
        if ending.code == INTERRUPTED and not isinstance(ending, Interrupted):
            _interrupted()
        raise


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _interrupted() -> int:
    if _has_resume():
        fail(f"interrupted; what was finished is kept; this goes on: {again(add=['--resume'])}")
    else:
        fail("interrupted")
    return INTERRUPTED


def _has_resume() -> bool:
    """Whether the verb that was typed goes on where it was stopped; a plan trains nothing, an export
    without --distil likewise, and these have nothing to go on with."""
    verbs = typer.main.get_command(app)
    typed = verbs.commands.get(sys.argv[1]) if isinstance(verbs, TyperGroup) and len(sys.argv) > 1 else None
    has = typed is not None and any("--resume" in parameter.opts for parameter in typed.params)
    return has and "--plan" not in sys.argv and (sys.argv[1] != "export" or "--distil" in sys.argv)


if __name__ == "__main__":
    main()
