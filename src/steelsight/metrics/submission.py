"""A submission judged against a truth file, on the runs themselves: exact, and without any image's size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steelsight.core.arguments import check_length, check_names
from steelsight.core.errors import UserError, nearest
from steelsight.core.natural_order import natural
from steelsight.core.safe_names import from_cell, nearly, same_but_for_spelling, without_suffix
from steelsight.imaging.rle import shared_area
from steelsight.metrics.defect_figures import DefectFigures
from steelsight.metrics.dice import DiceFigures, dice_figures
from steelsight.metrics.mask_table import MaskTable, class_text, open_records, split_joined
from steelsight.metrics.submitted_defects import Sizes, count_defects

_IMAGE_COLUMNS = ("ImageId", "image_id", "image", "ImageId_ClassId")


@dataclass(frozen=True)
class Score:
    """What a submission is worth.

    Attributes:
        classes: names, in the order of every per-class figure.
        figures: the competition's Dice and its companions.
        defects: connected defects found and false alarms; None where the images' sizes are not known.
        notes: what was assumed where the files leave a choice, one sentence each.
    """

    classes: tuple[str, ...]
    figures: DiceFigures
    defects: DefectFigures | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        defects = None if self.defects is None else self.defects.as_dict()
        return {
            "classes": list(self.classes),
            **self.figures.as_dict(),
            "defects": defects,
            "notes": list(self.notes),
        }


def score_submission(
    truth: MaskTable,
    prediction: MaskTable,
    images: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    sizes: Sizes = None,
    mm_per_pixel: float | None = None,
) -> Score:
    """Judge every (image, class) pair; one without a row counts as empty.

    Args:
        images: those to judge; None means all that either file names.
        classes: those to judge; None means those of the truth file, and of the prediction where `choose_classes` says.
        sizes: (height, width), of each image or of all; where one is not known, connected defects are not counted.
        mm_per_pixel: size of a pixel along the strip, for false alarms per metre.

    Raises:
        UserError: the files do not belong together: see `choose_images` and `choose_classes`; or a run lies beyond its
            image; or the size of a pixel is none.
    """
    if mm_per_pixel is not None:
        check_length("mm_per_pixel", mm_per_pixel, "the size of a pixel")
    if classes is not None:
        check_names("classes", classes)
        if not classes:
            raise UserError("`classes=`: there is no class in it; name those to judge, or leave it out")
    judged = choose_images(truth, prediction, images)
    names, notes = choose_classes(truth, prediction, classes)
    row = {image: index for index, image in enumerate(judged)}
    column = {name: index for index, name in enumerate(names)}
    counts = np.zeros((3, len(judged), len(names)), np.int64)
    for layer, table in ((1, prediction), (2, truth)):
        for (image, name), runs in table.runs.items():
            if image in row:
                counts[layer, row[image], column[name]] = runs.area
    for key in prediction.runs.keys() & truth.runs.keys():
        if key[0] in row:
            counts[0, row[key[0]], column[key[1]]] = shared_area(prediction.runs[key], truth.runs[key])
    notes += _notes_on_images(truth, prediction, row, are_named=images is not None)
    defects = count_defects(truth, prediction, judged, names, sizes, mm_per_pixel)
    return Score(names, dice_figures(*counts), defects, notes)


def choose_images(truth: MaskTable, prediction: MaskTable, images: Sequence[str] | None) -> tuple[str, ...]:
    """The images to judge, without repetition.

    Raises:
        UserError: there is none; the files name images in different ways, or none that both have; or the truth file lists
            images without defect and yet lacks one that is to be judged.
    """
    judged = dict.fromkeys(images if images is not None else [*truth.images, *prediction.images])
    if not judged:
        raise UserError(f"{truth.file}: no image in it, nor in {prediction.file}; name the images by `images=`")
    named = truth.images.keys() | prediction.images.keys()
    if images is not None and named and not judged.keys() & named:
        raise UserError(
            f"`images=`: none of its {len(judged)} names, such as {next(iter(judged))!r}, is in {truth.file} or "
            f"{prediction.file}; one name there is {next(iter({**truth.images, **prediction.images}))!r}; "
            "give names as they stand there"
        )
    if images is not None:
        _refuse_other_names(truth, judged, prediction)
        _refuse_other_names(prediction, judged, truth)
    unknown = [image for image in judged if image not in truth.images] if truth.lists_empty else []
    if unknown:
        raise UserError(
            f"{truth.file}: no row for {unknown[0]}{_and_more(unknown)}, while images without defect have rows here; "
            "add its rows, or name the images to judge by `images=`"
        )
    if images is None:
        _refuse_strangers(truth, prediction)
    return tuple(judged)


def _refuse_strangers(truth: MaskTable, prediction: MaskTable) -> None:
    """See that the two files name images alike: a name that does not match counts as missed, and as a false alarm."""
    lone = [image for image in prediction.images if image not in truth.images]
    meant = {nearly(image): image for image in truth.images if image not in prediction.images}
    alike = [(image, meant[nearly(image)]) for image in lone if nearly(image) in meant]
    strangers = len(lone) == len(prediction.images)
    if alike and (strangers or any(_is_spelling(*pair) for pair in alike)):
        image, other = next((pair for pair in alike if _is_spelling(*pair)), alike[0])
        raise UserError(
            f"{prediction.file}:{prediction.images[image]}: {image!r} is not in {truth.file}, which has {other!r} in line "
            f"{truth.images[other]}; name the images alike in both files, or name those to judge by `images=`"
        )
    if strangers and truth.images and prediction.images:
        raise UserError(
            f"{prediction.file}: no image in common with {truth.file}: one there is {next(iter(truth.images))!r}, and one "
            f"here {lone[0]!r}; give files of the same images, named alike, or name the images to judge by `images=`"
        )


def _refuse_other_names(table: MaskTable, judged: Mapping[str, None], beside: MaskTable) -> None:
    """See that no image of a file is left out only because it is judged under another name, for which the file would count
    as empty. Of a file that shares no name, nearly the same is enough; else one of another folder may be another image, and
    two names that the file `beside` has are two images."""
    left_out = [image for image in table.images if image not in judged]
    strangers = len(left_out) == len(table.images)
    meant: dict[str, list[str]] = {}
    for image in judged:
        if image not in table.images:
            meant.setdefault(nearly(image), []).append(image)
    for image in left_out:
        for other in meant.get(nearly(image), ()):
            are_two = image in beside.images and other in beside.images
            if strangers or (_is_spelling(without_suffix(image), without_suffix(other)) and not are_two):
                raise UserError(
                    f"`images=`: {other!r} stands in {table.file} as {image!r}; give names as they stand there"
                )


def _is_spelling(first: str, second: str) -> bool:
    """Whether two names are one but for spelling and folders before it."""
    one, other = same_but_for_spelling(first), same_but_for_spelling(second)
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def choose_classes(
    truth: MaskTable, prediction: MaskTable, classes: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes to judge and notes on them: those given, else those of the truth file.

    A truth file of positive rows alone may lack a class by chance: classes of the prediction are then added, with a
    note, provided that the two files share one at all.

    Raises:
        UserError: a file names a class that is none of these.
    """
    known = list(truth.classes) if classes is None else list(dict.fromkeys(map(class_text, classes)))
    if classes is not None:
        for name in truth.classes:
            if name not in known:
                raise _unknown_class(truth, name, known)
    added = [name for name in prediction.classes if name not in known]
    complete = classes is not None or truth.lists_empty or truth.lists_pairs
    strange = not (prediction.classes.keys() & truth.classes.keys())
    if added and known and (complete or strange):
        raise _unknown_class(prediction, added[0], known)
    names = known if classes is not None else sorted([*known, *added], key=natural)
    if not names:
        raise UserError(f"{truth.file}: no class in it, nor in {prediction.file}; name the classes by `classes=`")
    notes = [f"class {name!r} has no row in {truth.file.name}: taken to be absent from every image" for name in added]
    return tuple(names), tuple(notes)


def read_image_list(path: Path, suffixes: set[str]) -> list[str]:
    """The names of the images to judge: from a folder, a CSV with a column of them, or a text of one name a line.

    Args:
        path: a folder is searched to its depths; names are relative to it, with forward slashes.
        suffixes: of the image names in the files to be judged, in lower case; a folder's other files (masks beside
            images) are passed over, and so are hidden ones.

    Raises:
        UserError: nothing is there.
    """
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
        inside = [file.relative_to(path) for file in found]
        names = [file.as_posix() for file in inside if not any(part.startswith(".") for part in file.parts)]
        wanted = f"no file ending in {' or '.join(sorted(suffixes)) or '(any suffix)'} here"
    else:
        names = _listed_names(path)
        wanted = f"no image in it; write one name a line, or a CSV with a column {' or '.join(_IMAGE_COLUMNS)}"
    if not names:
        raise UserError(f"{path}: {wanted}")
    return list(dict.fromkeys(names))


def image_suffixes(*tables: MaskTable) -> set[str]:
    """Suffixes of all images that the files name, in lower case."""
    return {Path(image).suffix.lower() for table in tables for image in table.images} - {""}


def _listed_names(path: Path) -> list[str]:
    with open_records(path) as records:
        lines = [fields for _, fields in records]
    rows = [[from_cell(value.strip()) for value in fields] for fields in lines]
    column = next((name for name in _IMAGE_COLUMNS if rows and name in rows[0]), None)
    if column is None:  # a name a line, and a comma is part of it
        return [name for fields in lines if (name := from_cell(",".join(fields).strip())).strip(", ")]
    place = rows[0].index(column)
    names = [fields[place] for fields in rows[1:] if len(fields) > place and fields[place]]
    return [split_joined(name)[0] for name in names] if column == "ImageId_ClassId" else names


def _notes_on_images(
    truth: MaskTable, prediction: MaskTable, judged: dict[str, int], *, are_named: bool
) -> tuple[str, ...]:
    notes = []
    if not (are_named or truth.lists_empty or prediction.lists_empty):
        notes.append("neither file lists images without a mask: these are not counted; `images=` names them")
    absent = [image for image in judged if image not in prediction.images]
    if prediction.lists_empty and absent:
        notes.append(
            f"{prediction.file.name} has no row for {absent[0]}{_and_more(absent)}: counted as empty, although it "
            "lists other images without defect"
        )
    for table in (truth, prediction):
        left = [image for image in table.images if image not in judged]
        if left:
            notes.append(f"{table.file.name}: {left[0]}{_and_more(left)} left out, not in `images=`")
    return tuple(notes)


def _unknown_class(table: MaskTable, name: str, known: list[str]) -> UserError:
    return UserError(
        f"{table.file}:{table.classes[name]}: class {name!r} is unknown; "
        f"{nearest(name, known)} (`classes=` names them all)"
    )


def _and_more(items: Sequence[str]) -> str:
    return f" and {len(items) - 1} more" if len(items) > 1 else ""
