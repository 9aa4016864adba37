"""Labelled images as a user brings them: read, with what is wrong with them listed."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steelsight.cli.output import console, counting, with_options
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Dataset, Fault, Layout

if TYPE_CHECKING:
    from steelsight.imaging.roi import Roi
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.record import Record

_SHOWN_FAULTS = 20


Bits = Annotated[
    int | None,
    typer.Option(
        "--bits",
        help="Bits of the camera whose values 16-bit images hold, so that 2^bits - 1 is white; if left out, the fewest of 8, "
        "10, 12, 14 and 16 that hold the largest value of all images.",
    ),
]
BoxesOption = Annotated[
    Boxes | None,
    typer.Option(
        "--boxes", help="What a box without an outline counts as: all its pixels, or a class of the image alone."
    ),
]


IgnoreClass = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-class",
        help="A label that is not a defect class: areas with it are neither learned nor counted. Repeat it for more.",
    ),
]


RoiOption = Annotated[
    str | None,
    typer.Option(
        "--roi",
        metavar="strip|FILE|none",
        help="The part of each image that counts: the strip without the black beside it, a mask image, or polygons (JSON).",
    ),
]


def read_labelled(
    data: Path,
    layout: Layout | None,
    boxes: Boxes | None = None,
    ignore_class: Sequence[str] | None = None,
    *,
    skip_faulty: bool,
    bits: int | None = None,
    unsaid: Collection[str] = (),
    of_inspector: Sequence[str] = (),
) -> Dataset:
    """Read a folder of labelled images; faulty ones are listed, and left out if wanted.

    Args:
        unsaid: kinds of remarks that are not true of what the images are read for.
        of_inspector: classes of the inspector that is judged on the images; empty where they are read to learn from.

    Raises:
        UserError: there are faults, and they are not to be left out; or there is no such data.
    """
    from steelsight.dataset.cannot_teach import cannot_test, lacks
    from steelsight.dataset.depth import with_bits
    from steelsight.dataset.read import read_dataset

    with counting("reading images") as advance:
        read = read_dataset(
            data,
            layout,
            boxes=boxes,
            ignore_class=ignore_class or (),
            classes_if_unnamed=of_inspector,
            progress=advance,
        )
    dataset = with_bits(read, bits)
    for remark in (one for one in dataset.remarks if one.kind not in unsaid):
        console.print(f"note: {shown(with_options(remark.message))}", highlight=False, soft_wrap=True, markup=False)
    if dataset.faults:
        _list_faults(dataset.faults)
        if not skip_faulty:
            raise UserError(
                f"{data}: {len(dataset.faults)} faults (the first: {dataset.faults[0].message}); mend them "
                f"(`steelsight data check {shlex.quote(str(data))}` lists them), or leave those images out with --skip-faulty"
            )
    lacking = cannot_test(of_inspector, dataset) if of_inspector else lacks(dataset.classes, dataset.samples)
    say_notes((*dataset.notes, *lacking))
    return dataset


def say_labels_alone(dataset: Dataset, roi: "Roi | None") -> None:
    """Tell what images that are known by a label alone count for, where an inspector is judged on them.

    Args:
        roi: its region of interest.
    """
    labels = dataset.without_masks
    if not labels:
        return
    unnamed = sum(not sample.classes for sample in labels)
    said = f"{len(labels)} defective images are known by a label alone: they count for the bounds, and for no figure of masks"
    if unnamed:
        said += f"; the label of {unnamed} names no class: these count for the bound on no class"
    if roi is not None:
        said += "; a label speaks of the whole image, also where the defect may lie outside of the region of interest"
    say_notes([said])


def say_notes(notes: Iterable[str]) -> None:
    """Tell what is no fault and yet may surprise."""
    for note in notes:
        console.print(f"note: {shown(note)}", highlight=False, soft_wrap=True, markup=False)


def say_roi(dataset: Dataset, record: "Record") -> None:
    """Tell what a region of interest of a new run takes away."""
    from steelsight.dataset.within_roi import say_outside

    before = {sample.image_id: sample for sample in dataset.samples}
    say_notes(say_outside([before[sample.image_id] for sample in record.samples], record.samples, record.roi))


def say_folds(record: "Record") -> None:
    """Tell what single folds of a new run lack."""
    from steelsight.dataset.cannot_teach import lacks_in_folds

    say_notes(lacks_in_folds(record.classes, record.samples, record.folds, record.groups))


def say_who_learns_from_classes(evidence: "OutOfFoldPredictions") -> None:
    """Tell what becomes of images of which only the classes are known."""
    count = len(evidence.record.without_masks)
    if not count:
        return
    from steelsight.training.job import learns_from_classes
    from steelsight.training.whole_images import sees_whole

    has_good = any(not sample.is_defective for sample in evidence.record.samples)
    able = [member for member in evidence.recipe.members if learns_from_classes(member)]
    learners = [member.name for member in able if has_good or sees_whole(member)]
    if learners:
        who = f"{', '.join(learners)} learn that they show a defect"
    elif able:
        who = "no classifier learns from them, since there is no good image to see whole beside them"
    else:
        who = "this recipe has no classifier to learn it"
    say_notes(
        [
            f"{count} images without masks (only their classes are known): {who}; segmenters need masks, and no figure or "
            "bound of a run rests on such images"
        ]
    )


def _list_faults(faults: tuple[Fault, ...]) -> None:
    for fault in faults[:_SHOWN_FAULTS]:
        line = f":{fault.line}" if fault.line else ""
        said = shown(f"fault: {fault.file}{line}: {fault.message}")
        console.print(said, highlight=False, soft_wrap=True, markup=False)
    if len(faults) > _SHOWN_FAULTS:
        console.print(f"... and {len(faults) - _SHOWN_FAULTS} more", highlight=False)
