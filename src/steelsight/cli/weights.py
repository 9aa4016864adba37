"""`steelsight weights list|add`: encoders and where their ImageNet weights are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from steelsight.cli.output import console, finish
from steelsight.core.errors import UserError, nearest

app = typer.Typer(no_args_is_help=True, help="Encoders, and where their ImageNet weights are.")

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command("list")
def list_(as_json: _Json = False) -> None:
    """Every encoder, its size, and whether its ImageNet weights are on this machine."""
    from steelsight.networks.encoders import ENCODERS, PARAMETERS, find_weights, home

    found = {encoder: find_weights(encoder) for encoder in ENCODERS}
    if not as_json:
        table = Table(caption=f"added files are kept in {home()}")
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
    command = f"steelsight weights add {absent} FILE" if absent else None
    finish([], command, as_json=as_json, figures={"encoders": figures})


@app.command("add")
def add(
    encoder: Annotated[str, typer.Argument(help="b0 to b5, lite0 to lite2.")],
    file: Annotated[
        Path | None, typer.Argument(help="A .safetensors or .pth file with the weights under timm's names.")
    ] = None,
    from_hub: Annotated[
        bool, typer.Option("--from-hub", help="Download them from huggingface.co (the only use of the network).")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Check the ImageNet weights of an encoder and keep a copy for every later training."""
    from steelsight.networks.encoders import ENCODERS

    chosen = next((known for known in ENCODERS if known == encoder), None)
    if chosen is None:
        raise UserError(f"weights add: there is no encoder {encoder!r}; {nearest(encoder, ENCODERS)}")
    if (file is None) != from_hub:
        raise UserError(f"weights add {encoder}: give either FILE or --from-hub")
    from steelsight.networks.weights import add_from_hub, add_weights

    added = add_from_hub(chosen) if file is None else add_weights(chosen, file)
    finish(
        [added.path], "steelsight weights list", as_json=as_json, figures={"encoder": chosen, "sha256": added.sha256}
    )
