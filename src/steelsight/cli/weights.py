"""`steelsight weights list|add`: encoders and where their ImageNet weights are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from steelsight.cli.output import console, counting, finish
from steelsight.core.errors import UserError, nearest

app = typer.Typer(no_args_is_help=True, help="Encoders, and where their ImageNet weights are.")

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command("list")
def list_(as_json: _Json = False) -> None:
    """Every encoder, its size, and whether its ImageNet weights are on this machine."""
    from steelsight.networks.encoders import ENCODERS, PARAMETERS, find_weights, home

    found = {encoder: find_weights(encoder) for encoder in ENCODERS}
    if not as_json:
        table = Table(caption=f"added files are kept in {escape(str(home()))}")
        for heading in ("encoder", "parameters", "ImageNet weights", "file"):
            table.add_column(heading, justify="right" if heading == "parameters" else "left", overflow="fold")
        for encoder, file in found.items():
            where = (file.origin, escape(str(file.path))) if file else ("[yellow]absent[/]", "")
            table.add_row(encoder, f"{PARAMETERS[encoder] / 1e6:.1f} M", *where)
        console.print(table)
    absent = next((encoder for encoder, file in found.items() if file is None), None)
    figures = [
        {
            "encoder": encoder,
            "parameters": PARAMETERS[encoder],
            "weights": file.origin if file else "absent",
            "path": str(file.path) if file else None,
        }
        for encoder, file in found.items()
    ]
    command = "steelsight weights add --all --from-hub" if absent else None
    finish([], command, as_json=as_json, figures={"encoders": figures})


@app.command("add")
def add(
    encoder: Annotated[
        str | None,
        typer.Argument(
            metavar="ENCODER|FOLDER", help="b0 to b5, lite0 to lite2; with --all the folder of their files."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(help="A .safetensors or .pth file with the weights under timm's names.")
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Those of every encoder that are absent: from a FOLDER, or with --from-hub."),
    ] = False,
    from_hub: Annotated[
        bool, typer.Option("--from-hub", help="Download them from huggingface.co (the only use of the network).")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Check the ImageNet weights of an encoder, or of all, and keep a copy for every later training."""
    if every:
        _add_all(encoder, file, from_hub, as_json)
        return
    from steelsight.networks.encoders import ENCODERS

    if encoder is None:
        raise UserError("weights add: give an encoder with its FILE or --from-hub, or --all")
    chosen = next((known for known in ENCODERS if known == encoder), None)
    if chosen is None:
        raise UserError(f"weights add: there is no encoder {encoder!r}; {nearest(encoder, ENCODERS)}")
    if (file is None) != from_hub:
        raise UserError(f"weights add {encoder}: give either FILE or --from-hub")
    if file is not None and not file.is_file():  # before torch is imported
        raise UserError(f"{file}: no such file; name a .safetensors or .pth file with the weights of {encoder}")
    from steelsight.networks.weights import add_from_hub, add_weights

    added = add_from_hub(chosen) if file is None else add_weights(chosen, file)
    finish(
        [added.path], "steelsight weights list", as_json=as_json, figures={"encoder": chosen, "sha256": added.sha256}
    )


def _add_all(folder: str | None, file: Path | None, from_hub: bool, as_json: bool) -> None:
    from steelsight.networks.encoders import ENCODERS, find_in_folder, find_weights

    if file is not None or (folder is None) != from_hub:
        raise UserError("weights add --all: give either a FOLDER of .safetensors or .pth files, or --from-hub")
    absent = [encoder for encoder in ENCODERS if find_weights(encoder) is None]
    files = {} if folder is None else find_in_folder(Path(folder), absent)
    from steelsight.networks.weights import add_from_hub, add_weights

    added = {}
    with counting("adding weights", disable=as_json) as advance:
        for number, encoder in enumerate(absent, start=1):
            added[encoder] = add_from_hub(encoder) if folder is None else add_weights(encoder, files[encoder])
            advance(number, len(absent))
    if not absent:
        console.print("the weights of every encoder are on this machine already", highlight=False)
    figures = {"added": [{"encoder": encoder, "sha256": file.sha256} for encoder, file in added.items()]}
    finish([file.path for file in added.values()], "steelsight weights list", as_json=as_json, figures=figures)
