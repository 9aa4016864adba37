"""`steelsight predict`: judge images with a run's own networks."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import track

from steelsight.cli.output import console, fail, finish

if TYPE_CHECKING:
    from steelsight.cascade.judge import Judged
    from steelsight.cascade.write import ResultWriter
    from steelsight.decision.decision import Decision
    from steelsight.networks.engine import TorchEngine
    from steelsight.recipe import Recipe

_SHOWN = 10  # unreadable images named on the terminal; images.csv has them all


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `steelsight train --out` wrote.")],
    images: Annotated[list[str], typer.Argument(help="Images, folders (with what is below them), or patterns.")],
    out: Annotated[Path, typer.Option(help="Folder for submission.csv, images.csv and the pictures.")],
    folds: Annotated[str, typer.Option(help="`all`: networks of every fold together; or one fold's number.")] = "all",
    masks: Annotated[
        bool, typer.Option("--masks", help="Write masks/*.png: 0 nothing, 1..K the class, in the order of the names.")
    ] = False,
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Write overlays/*.jpg: each image with what was found outlined.")
    ] = False,
    class_ids: Annotated[
        Literal["data", "numbers"],
        typer.Option(help="ClassId as the data names it, or 1..K in the order of the names."),
    ] = "data",
    layout: Annotated[
        Literal["long", "wide"],
        typer.Option(help="Columns ImageId,ClassId,EncodedPixels, or ImageId_ClassId,EncodedPixels."),
    ] = "long",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Judge images with the networks and the rule of RUN; exit status 3 if some images could not be read."""
    from steelsight.cascade.judge import judge
    from steelsight.cascade.sources import find_sources
    from steelsight.cascade.write import ResultWriter
    from steelsight.decision.decision import read_decision
    from steelsight.recipe import choose_folds, read_run_recipe

    recipe = read_run_recipe(run)
    decision = read_decision(run)
    chosen = choose_folds(folds, recipe.folds)
    sources = find_sources(images)
    engine = _load(run, recipe, decision, chosen)
    writer = ResultWriter(
        out,
        decision.classes,
        [source.image_id for source in sources],
        class_ids=class_ids,
        layout=layout,
        masks=masks,
        overlays=overlays,
    )
    judged = judge(sources, engine, decision.rule)
    count = len(sources)
    shown = track(judged, f"judging {count} images", count, console=console, disable=as_json, transient=True)
    with writer:
        defective, unreadable = _write(writer, shown)
    _name_unreadable(unreadable)
    figures = {
        "images": count,
        "defective": defective,
        "unreadable": [{"image_id": one.source.image_id, "error": one.error} for one in unreadable],
        "classifiers": len(engine.classifiers),
        "segmenters": len(engine.segmenters),
    }
    if not as_json:
        console.print(f"{count} images: {defective} with a defect, {len(unreadable)} unreadable", highlight=False)
    command = f"steelsight score TRUTH.csv {shlex.quote(str(out / 'submission.csv'))}"
    finish(writer.wrote, command, as_json=as_json, figures=figures)
    if unreadable:
        raise typer.Exit(3)


def _load(run: Path, recipe: "Recipe", decision: "Decision", folds: Sequence[int]) -> "TorchEngine":
    from steelsight.networks.engine import load_engine

    return load_engine(run, recipe, decision.classes, *decision.jobs_of(folds))


def _write(writer: "ResultWriter", judged: "Iterable[Judged]") -> "tuple[int, list[Judged]]":
    """Write all that comes; how many images have a defect, and those that could not be read."""
    defective, unreadable = 0, []
    for one in judged:
        writer.write(one)
        defective += one.is_defective
        if one.error is not None:
            unreadable.append(one)
    return defective, unreadable


def _name_unreadable(unreadable: "Sequence[Judged]") -> None:
    for one in unreadable[:_SHOWN]:
        fail(one.error or "")
    if len(unreadable) > _SHOWN:
        fail(f"and {len(unreadable) - _SHOWN} more images could not be read; images.csv names them all")
