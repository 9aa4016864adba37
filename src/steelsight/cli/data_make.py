"""`steelsight data make`: a folder of made-up strips with exact truth."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.output import counting, finish, results
from steelsight.core.errors import UserError
from steelsight.dataset.writers.write import WrittenLayout

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})", re.ASCII)


def make(
    data: Annotated[Path, typer.Argument(help="The folder to make; it must not exist yet.")],
    images: Annotated[int, typer.Option(help="How many strips.")] = 400,
    seed: Annotated[int, typer.Option(help="Other seeds make other strips; the same seed makes the same ones.")] = 7,
    size: Annotated[str, typer.Option(metavar="HxW", help="Height x width of a strip in pixels.")] = "256x1600",
    defective: Annotated[float, typer.Option(help="Share of strips with a defect, over many coils, in [0, 1].")] = 0.5,
    difficulty: Annotated[float, typer.Option(help="0 draws defects boldly, 1 faintly.")] = 0.5,
    strips_per_coil: Annotated[int, typer.Option(help="Strips that follow each other from one coil.")] = 4,
    line: Annotated[int, typer.Option(help="1, or 2: another camera, light and resolution.")] = 1,
    layout: Annotated[WrittenLayout, typer.Option(help="How the folder is laid out.")] = "severstal",
    loose_labels: Annotated[
        bool,
        typer.Option(
            "--loose-labels", help="Label as annotators do: polygons, with some defects overlooked and some doubtful."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make labelled strips of made-up steel: to try things out, never to decide about real steel."""
    from steelsight.strips import make_strips

    with counting("drawing strips") as advance:
        made = make_strips(
            data,
            images,
            seed=seed,
            size=_read_size(size),
            defective=defective,
            difficulty=difficulty,
            strips_per_coil=strips_per_coil,
            line=line,
            layout=layout,
            loose_labels=loose_labels,
            progress=advance,
        )
    if not as_json:
        results.print(
            f"{made.images:,} made-up strips of {made.coils:,} coils: {made.defective:,} with a defect; "
            f"{made.twins:,} show{'s' if made.twins == 1 else ''} the surface of another again (twins)",
            highlight=False,
            soft_wrap=True,
        )
    figures = {
        "images": made.images,
        "defective": made.defective,
        "coils": made.coils,
        "twins": made.twins,
        "classes": list(made.classes),
    }
    finish([data], f"steelsight data check {shlex.quote(str(data))}", as_json=as_json, figures=figures)


def _read_size(text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text)
    if not found:
        raise UserError(f"--size {text!r}: write height x width in pixels, as in 256x1600")
    return int(found[1]), int(found[2])
