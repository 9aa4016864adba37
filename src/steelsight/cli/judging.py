"""What `predict` and `inspect` share: their options, and judging images into a folder."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from steelsight.cli.labelled import say_notes
from steelsight.cli.output import console, counting, fail, finish

if TYPE_CHECKING:
    from steelsight.cascade.judge import Prediction
    from steelsight.cascade.sources import Source
    from steelsight.imaging.folders import LeftOut
    from steelsight.results.label_files import LabelKind
    from steelsight.results.writer import ResultWriter, Tally

Images = Annotated[
    list[str],
    typer.Argument(
        help="Images, folders (with what is below them), patterns, or - for a list of them on standard input."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for submission.csv, images.csv, defects.csv and the pictures.")]
Masks = Annotated[
    bool, typer.Option("--masks", help="Write masks/*.png: 0 nothing, 1..K the class, in the order of the names.")
]
Overlays = Annotated[
    bool, typer.Option("--overlays", help="Write overlays/*.jpg: each image with what was found outlined.")
]
Labels = Annotated[
    Literal["labelme", "cvat", "coco"] | None,
    typer.Option("--labels", help="Write labels_TOOL/ too: what was found, to be corrected in that labelling tool."),
]
ClassIds = Annotated[
    Literal["data", "numbers"], typer.Option(help="ClassId as the data names it, or 1..K in the order of the names.")
]
Layout = Annotated[
    Literal["long", "wide"],
    typer.Option(help="Columns of submission.csv: ImageId,ClassId,EncodedPixels, or ImageId_ClassId,EncodedPixels."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a stopped run left off; start if there is none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]

_SHOWN = 10  # images that were not judged named on the terminal; images.csv has them all


def judge_and_write(
    writer: "ResultWriter",
    judge: "Callable[[Sequence[Source]], Iterator[Prediction]]",
    *,
    left_out: "Sequence[LeftOut]",
    labels: "LabelKind | None",
    as_json: bool,
    figures: Mapping[str, Any],
    following: str | None,
) -> None:
    """Judge what remains to be judged, write it, and say what came of it.

    Args:
        left_out: what of the folders was passed over.
        labels: a tool for which what was found is written as label files.
        figures: of the verb itself, for `--json`.
        following: the command to propose.

    Raises:
        typer.Exit: status 3 if some images could not be read, got no probability from a network, or were left out.
    """
    if writer.resumes and not as_json:
        console.print("comparing what is finished with the images", highlight=False)
    with writer:
        left, kept = len(writer.remaining), writer.tally.images
        if writer.judged_again is not None:
            say_notes([writer.judged_again])
        if kept and not as_json:
            console.print(f"{kept} images are finished already, {left} remain", highlight=False)
        with counting(f"judging {left} images", disable=as_json) as advance:
            start = time.perf_counter()
            for number, one in enumerate(judge(writer.remaining), start=1):
                writer.write(one)
                advance(number, left)
            seconds = time.perf_counter() - start
    tally, rate = writer.tally, left / seconds if left else None
    _name(tally.unreadable, "could not be read")
    _name(tally.unjudged, "got no probability from a network")
    say_left_out(left_out)
    _say_old_pictures(writer)
    if not as_json:
        console.print(_sentence(tally, rate), highlight=False)
    found = {
        "images": tally.images,
        "verdicts": tally.verdicts,
        "defective": tally.defective,
        "flagged": tally.flagged,
        "unreadable": [{"image_id": image_id, "error": error} for image_id, error in tally.unreadable],
        "unjudged": [{"image_id": image_id, "error": error} for image_id, error in tally.unjudged],
        "left_out": [
            {"path": str(one.path), "images": one.images, "reason": one.reason, "are_masks": one.are_masks}
            for one in left_out
        ],
        "resumed": kept,
        "images_per_second": rate and round(rate, 2),
    }
    overlays = writer.out / "overlays"
    look_at = overlays if overlays in writer.wrote else writer.out / "images.csv"
    wrote = [*writer.wrote, *([writer.write_labels(labels)] if labels else [])]
    finish(wrote, following, as_json=as_json, figures={**found, **figures}, look_at=look_at)
    if tally.unreadable or tally.unjudged or any(not one.are_masks for one in left_out):
        raise typer.Exit(3)


def say_left_out(left_out: "Sequence[LeftOut]") -> None:
    """Name what was passed over."""
    for one in left_out[:_SHOWN]:
        fail(one.sentence)
    if len(left_out) > _SHOWN:
        fail(f"and {len(left_out) - _SHOWN} more places with images were left out; --json names them all")


def _say_old_pictures(writer: "ResultWriter") -> None:
    """Name pictures beside the new tables that an earlier run drew, perhaps of another inspector."""
    from steelsight.cascade.sources import PICTURES

    for name in PICTURES:
        folder = writer.out / name
        if folder.is_dir() and folder not in writer.wrote:
            fail(f"{folder}: of an earlier run, so it does not show these results; remove it, or add --{name}")


def _sentence(tally: "Tally", rate: float | None) -> str:
    verdicts = ", ".join(f"{count} {name}" for name, count in tally.verdicts.items()) + "; " if tally.verdicts else ""
    counts = f"{verdicts}{tally.defective} with a defect, {len(tally.unreadable)} unreadable, {tally.flagged} flagged"
    counts += f", {len(tally.unjudged)} without an answer of the networks" if tally.unjudged else ""
    return f"{tally.images} images: {counts}" + (f"; {rate:.1f} images/s" if rate else "")


def _name(unjudged: Sequence[tuple[str, str]], why: str) -> None:
    for _, error in unjudged[:_SHOWN]:
        fail(error)
    if len(unjudged) > _SHOWN:
        fail(f"and {len(unjudged) - _SHOWN} more images {why}; images.csv names them all")
