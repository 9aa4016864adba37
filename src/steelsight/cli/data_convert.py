"""`steelsight data convert`: a dataset in another layout."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.labelled import BoxesOption, IgnoreClass, read_labelled
from steelsight.cli.output import counting, finish, results
from steelsight.dataset.model import Layout
from steelsight.dataset.writers.write import WrittenLayout


def convert(
    data: Annotated[Path, typer.Argument(help="Folder of labelled images; or its CSV, JSON or XML.")],
    out: Annotated[Path, typer.Argument(help="The folder to make; it must not exist yet.")],
    to: Annotated[WrittenLayout, typer.Option("--to", help="The layout to write.")],
    layout: Annotated[Layout | None, typer.Option(help="Layout of DATA; detected if left out.")] = None,
    boxes: BoxesOption = None,
    ignore_class: IgnoreClass = None,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Leave faulty images out, and list them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write DATA into the folder OUT in another layout; what that layout cannot hold is said."""
    from steelsight.dataset.convert import convert as convert_dataset
    from steelsight.dataset.writers.write import refuse_existing

    refuse_existing(out)
    dataset = read_labelled(data, layout, boxes, ignore_class, skip_faulty=skip_faulty)
    with counting("writing images") as advance:
        made = convert_dataset(dataset, out, to, progress=advance)
    if not as_json:
        results.print(
            f"{made.images:,} images from {dataset.layout} to {to}, classes {', '.join(made.classes)}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        for one in made.said:
            results.print(f"note: {one}", highlight=False, soft_wrap=True, markup=False)
    figures = {
        "images": made.images,
        "without_masks": made.without_masks,
        "classes": list(made.classes),
        "layout": to,
        "notes": list(made.said),
    }
    finish([out], f"steelsight data check {shlex.quote(str(out))}", as_json=as_json, figures=figures)
