"""A dataset in another layout: the same images and masks, and what the layout cannot hold, said."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steelsight.core.errors import UserError
from steelsight.core.files import write_csv
from steelsight.core.safe_names import shown
from steelsight.dataset.groups import BESIDE, take_along
from steelsight.dataset.layouts.image_labels import BAD, COLUMNS, TABLE
from steelsight.dataset.layouts.labelme import CLASSES, CLASSES_HEADER
from steelsight.dataset.model import UNKNOWN, Dataset, Sample
from steelsight.dataset.writers.file_names import free_name
from steelsight.dataset.writers.labelled import IGNORED, Labelled
from steelsight.dataset.writers.write import WrittenLayout, id_of, write_dataset
from steelsight.imaging.read import read_content
from steelsight.imaging.rle import Runs

_FLAT: frozenset[WrittenLayout] = frozenset({"severstal", "index-png"})
_BY_STEM: frozenset[WrittenLayout] = frozenset({"severstal", "index-png", "labelme", "yolo"})
"""Layouts in which a label is named by its image's stem, and Severstal's: `x.jpg` and `x.png` would be a class folder's."""
_MOST_INDICES = 63  # classes that index masks are read with

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        images: how many, of which `without_masks` have only a row in labels.csv.
        classes: names in the new layout.
        said: what the layout cannot hold, and what was done about it, one sentence each.
    """

    images: int
    without_masks: int
    classes: tuple[str, ...]
    said: tuple[str, ...]


def convert(dataset: Dataset, folder: Path, layout: WrittenLayout, progress: Progress | None = None) -> Converted:
    """Write a dataset into a new folder in another layout; image files are copied as they are.

    Args:
        progress: called with images written and in all.

    Raises:
        UserError: the folder is there, the layout cannot hold so many classes, an image has gone, or the disk is full.
    """
    if layout == "index-png" and len(dataset.classes) > _MOST_INDICES:
        raise UserError(
            f"{folder}: {len(dataset.classes)} classes, and index masks hold {_MOST_INDICES}; choose another layout"
        )
    samples = (*dataset.samples, *dataset.without_masks)
    taken: set[str] = set()
    names = [free_name(one.image_id, taken, flat=layout in _FLAT, by_stem=layout in _BY_STEM) for one in samples]
    classes, said = _class_names(dataset.classes, layout)
    said += [*_renamed(samples, names), *_lost(dataset, layout)]
    if layout == "severstal":
        said += _unused(dataset, classes)
    before = [sample.image_id for sample in samples]
    groups, of_groups = take_along(dataset.root, before, [id_of(name, layout) for name in names])
    said += of_groups
    rows = [
        (_in_table(name, layout), BAD if place == UNKNOWN else classes[place])
        for name, sample in zip(names, samples, strict=True)
        for place in sample.shown
    ]

    def beside(temporary: Path) -> None:
        if rows:
            write_csv(temporary / TABLE, COLUMNS, rows)
        if groups:
            write_csv(temporary / BESIDE, groups[0], groups[1:])
        if layout == "severstal" and classes != dataset.classes:
            _write_lines(temporary / CLASSES, map(" ".join, zip(classes, dataset.classes, strict=True)))
        if layout == "labelme":  # which has no list of them
            _write_lines(temporary / CLASSES, (CLASSES_HEADER, *classes))

    has_ignored = any(sample.ignored.area for sample in samples)
    images = _images(samples, names, progress)
    write_dataset(folder, layout, classes, images, has_ignored=has_ignored, beside=beside)
    return Converted(len(samples), len(dataset.without_masks), classes, tuple(said))


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _images(samples: Sequence[Sample], names: Sequence[str], progress: Progress | None) -> Iterator[Labelled]:
    for done, (name, sample) in enumerate(zip(names, samples, strict=True), start=1):
        drawn = not sample.shown
        masks = sample.runs if drawn else tuple(Runs.empty() for _ in sample.runs)
        yield Labelled(name, read_content(sample.path), sample.size, masks, drawn, sample.ignored)
        if progress:
            progress(done, len(samples))


def _class_names(names: tuple[str, ...], layout: WrittenLayout) -> tuple[tuple[str, ...], list[str]]:
    if layout != "severstal" or all(name.isascii() and name.isdigit() and name[0] != "0" for name in names):
        return names, []
    numbers = tuple(str(number) for number in range(1, len(names) + 1))
    pairs = ", ".join(f"{number} is {shown(name)}" for number, name in zip(numbers, names, strict=True))
    return numbers, [f"Severstal's classes are numbers: {pairs} (in classes.txt too)."]


def _in_table(name: str, layout: WrittenLayout) -> str:
    """An image's path in `labels.csv`: a name alone could be that of an image in another folder."""
    return f"images/{name}" if layout == "coco" else id_of(name, layout)


def _renamed(samples: Sequence[Sample], names: Sequence[str]) -> list[str]:
    changed = [(one.image_id, name) for one, name in zip(samples, names, strict=True) if one.image_id != name]
    if not changed:
        return []
    return [f"{len(changed)} images have other names, such as {shown(changed[0][1])} for {shown(changed[0][0])}."]


def _unused(dataset: Dataset, numbers: Sequence[str]) -> list[str]:
    """Classes that a table of masks does not know, since it has a row for what is there alone; and their order."""
    drawn = {place for sample in dataset.samples for place in sample.classes}
    gone = [shown(name) for place, name in enumerate(dataset.classes) if place not in drawn]
    said = [f"Severstal's table has no word for classes that no mask shows: {', '.join(gone)}."] if gone else []
    if list(numbers) != sorted(numbers, key=int):
        said.append("Severstal's classes are read in the order of their numbers.")
    return said


def _lost(dataset: Dataset, layout: WrittenLayout) -> list[str]:
    said = []
    if layout == "index-png":
        shared = [sample.image_id for sample in dataset.samples if _overlaps(sample)]
        if shared:
            said.append(
                f"{len(shared)} images have pixels of several classes ({shown(shared[0])}): an index mask keeps the "
                f"last class alone."
            )
    said += _ignored(dataset, layout)
    if layout == "yolo":
        said.append("Polygons of YOLO have no holes: each hole is joined to the edge by a cut without width.")
    partly = [sample for sample in dataset.without_masks if any(runs.area for runs in sample.runs)]
    if dataset.without_masks:
        said.append(
            f"{len(dataset.without_masks)} images without masks (only their classes are known) stand in {TABLE}."
        )
    if partly:
        said.append(f"{len(partly)} of them have some masks as well, which are left out.")
    return said


def _ignored(dataset: Dataset, layout: WrittenLayout) -> list[str]:
    """What becomes of pixels that are not to be judged."""
    areas = [sample.ignored.area for sample in dataset.samples if sample.ignored.area]
    if not areas:
        return []
    much = f"{sum(areas):,} ignored pixels of {len(areas):,} images"
    match layout:
        case "severstal":
            return [
                f"{much} are lost: Severstal's layout has no word for them, and they count as free of defects there."
            ]
        case "index-png":
            return [f"{much} are 255 in the masks."]
        case "coco" | "labelme" | "yolo" | "cvat":
            return [
                f"{much} are of the class {IGNORED!r}, which is read here as what it says; other programs may take it for "
                "a class of defects."
            ]


def _overlaps(sample: Sample) -> bool:
    """Whether two classes share a pixel."""
    drawn = [runs for runs in sample.runs if runs.area]
    if len(drawn) < 2:
        return False
    starts = np.concatenate([runs.starts for runs in drawn])
    ends = np.concatenate([runs.ends for runs in drawn])
    order = np.argsort(starts, kind="stable")
    return bool((starts[order][1:] < ends[order][:-1]).any())
