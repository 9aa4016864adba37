"""A look at one's data before any training: one page with the user's own pictures, their masks, and each fault with its
picture."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.core.files import write_text
from steelsight.core.safe_names import shown
from steelsight.dataset.cannot_teach import lacks
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk
from steelsight.dataset.model import UNKNOWN, Dataset, Fault, Sample
from steelsight.imaging.read import ImageError, is_image_name, read_image
from steelsight.imaging.rle import decode_runs
from steelsight.plots.close_up import Box, close_up
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import TRUTH, Outline, display, fitted, jpeg, outlined, page_width
from steelsight.plots.style import class_names
from steelsight.report.page import render

_EACH = 4  # smallest and largest defects of a class that are shown
_TWIN_GROUPS, _TWINS_EACH = 12, 4
_CLEAN = 4
_FAULT_PICTURES = 60
_FAULT_LINES = 400

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Picture:
    """A picture and what stands under it."""

    source: Markup
    width: int
    caption: str


@dataclass(frozen=True, order=True)
class Defect:
    """One connected part of a mask.

    Attributes:
        area: in pixels.
        sample: position of its image.
        box: around it.
    """

    area: int
    sample: int
    box: Box


@dataclass(frozen=True)
class ClassPart:
    """What the page shows of a class."""

    name: str
    images: int
    defects: int
    smallest: tuple[Picture, ...]
    largest: tuple[Picture, ...]


@dataclass(frozen=True)
class TwinPart:
    """Images of one surface; `differs` where they do not show the same classes."""

    differs: bool
    images: int
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class FaultPart:
    """Where a fault stands, what it is, and the picture of its image where there is one."""

    place: str
    kind: str
    message: str
    pictures: tuple[Picture, ...]


@dataclass
class _Extremes:
    """The smallest and the largest defects of a class, as they come by."""

    count: int = 0
    images: int = 0
    smallest: list[tuple[int, int, Box]] = field(default_factory=list)
    largest: list[tuple[int, int, Box]] = field(default_factory=list)

    def add(self, one: Defect) -> None:
        self.count += 1
        for kept, sign in ((self.smallest, -1), (self.largest, 1)):
            heapq.heappush(kept, (sign * one.area, one.sample, one.box))
            if len(kept) > _EACH:
                heapq.heappop(kept)


def write_data_page(
    dataset: Dataset, page: Path, groups: NDArray[np.int64] | None = None, progress: Progress | None = None
) -> Path:
    """Write the page of a dataset, one self-contained file, and return its path.

    Args:
        groups: int64 (samples,), the twin group of each sample; None where twins were not looked for.
        progress: called with images looked at and in all.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    names = class_names(dataset.classes)
    extremes = _extremes(dataset, progress)
    parts = tuple(_class_part(dataset, name, one) for name, one in zip(names, extremes, strict=True))
    clean = [sample for sample in dataset.samples if not sample.is_defective]
    shown_clean = [clean[len(clean) * part // _CLEAN] for part in range(min(_CLEAN, len(clean)))]
    twins, twin_groups = _twins(dataset, groups)
    faults = _faults(dataset)
    views = {
        "root": shown(str(dataset.root)),
        "layout": dataset.layout,
        "images": len(dataset.samples),
        "clean": len(clean),
        "without_masks": len(dataset.without_masks),
        "classes": parts,
        "clean_pictures": tuple(filter(None, (_whole(dataset, sample, "no defect") for sample in shown_clean))),
        "known_pictures": _known(dataset, names),
        "ignored_pictures": _ignored(dataset),
        "twins": twins,
        "twin_groups": twin_groups,
        "faults": faults,
        "fault_count": len(dataset.faults),
        "fault_kinds": Counter(fault.kind for fault in dataset.faults).most_common(),
        "notes": [
            shown(said)
            for said in (
                *dataset.notes,
                *lacks(dataset.classes, dataset.samples),
                *(remark.message for remark in dataset.remarks),
            )
        ],
    }
    write_text(page, render(views, "data_page.html.j2"))
    return page


def defects_of(sample: Sample, place: int, index: int) -> list[Defect]:
    """The connected parts (8 neighbours) of the mask of class `index`; `place` is the sample's position."""
    if not sample.runs[index].area:
        return []
    mask = decode_runs(sample.runs[index], sample.size).view(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return [
        Defect(int(area), place, (int(left), int(top), int(width), int(height)))
        for left, top, width, height, area in found[1:].tolist()
    ]


def _extremes(dataset: Dataset, progress: Progress | None) -> list[_Extremes]:
    found = [_Extremes() for _ in dataset.classes]
    for place, sample in enumerate(dataset.samples):
        for index, of_class in enumerate(found):
            of_class.images += bool(sample.runs[index].area)
            for one in defects_of(sample, place, index):
                of_class.add(one)
        if progress:
            progress(place + 1, len(dataset.samples))
    return found


def _class_part(dataset: Dataset, name: str, found: _Extremes) -> ClassPart:
    def near(kept: Sequence[tuple[int, int, Box]]) -> tuple[Picture, ...]:
        pictures = (_near(dataset, abs(area), place, box) for area, place, box in sorted(kept, reverse=True))
        return tuple(picture for picture in pictures if picture is not None)

    largest = [one for one in found.largest if (-one[0], *one[1:]) not in found.smallest]
    return ClassPart(name, found.images, found.count, near(found.smallest), near(largest))


def _near(dataset: Dataset, area: int, place: int, box: Box) -> Picture | None:
    sample = dataset.samples[place]
    try:
        image = read_image(sample.path)
    except ImageError:
        return None
    names = dataset.classes if len(sample.classes) > 1 else ()
    picture = close_up(hatched(image, sample.ignored_mask()), [Outline(sample.mask(), TRUTH)], box, names)
    return Picture(jpeg(picture), page_width(picture), f"{sample.image_id}, x {box[0]}, y {box[1]}: {area:,} px")


def _whole(dataset: Dataset, sample: Sample, caption: str) -> Picture | None:
    try:
        image = read_image(sample.path)
    except ImageError:
        return None
    names = dataset.classes if len(sample.classes) > 1 else ()
    picture = outlined(hatched(image, sample.ignored_mask()), [Outline(sample.mask(), TRUTH)], names)
    return Picture(jpeg(picture), page_width(picture), f"{sample.image_id}: {caption}")


def _said(dataset: Dataset, sample: Sample) -> str:
    names = class_names(dataset.classes)
    return ", ".join(f"{names[index]} {sample.runs[index].area:,} px" for index in sample.classes) or "no defect"


def _shown_names(sample: Sample, names: Sequence[str]) -> list[str]:
    return ["some defect" if index == UNKNOWN else names[index] for index in sample.shown]


def _known(dataset: Dataset, names: Sequence[str]) -> tuple[Picture, ...]:
    """Some images of which only the classes are known."""
    pictures = (
        _whole(dataset, sample, f"shows {', '.join(_shown_names(sample, names))}, nobody drew where")
        for sample in dataset.without_masks[:_CLEAN]
    )
    return tuple(picture for picture in pictures if picture is not None)


def _ignored(dataset: Dataset) -> tuple[Picture, ...]:
    """The images of which the most is ignored."""
    order = sorted(dataset.samples, key=lambda sample: -sample.ignored.area)
    pictures = (
        _whole(dataset, sample, f"{sample.ignored.area:,} px are ignored; {_said(dataset, sample)}")
        for sample in order[:_CLEAN]
        if sample.ignored.area
    )
    return tuple(picture for picture in pictures if picture is not None)


def _twins(dataset: Dataset, groups: NDArray[np.int64] | None) -> tuple[tuple[TwinPart, ...], int]:
    """Groups of twins, those first whose images show different classes; and how many there are."""
    if groups is None:
        return (), 0
    members: dict[int, list[Sample]] = {}
    for sample, group in zip(dataset.samples, groups.tolist(), strict=True):
        members.setdefault(group, []).append(sample)
    several = [of for of in members.values() if len(of) > 1]
    several.sort(key=lambda of: len({sample.classes for sample in of}) < 2)
    parts = []
    for of in several[:_TWIN_GROUPS]:
        differs = len({sample.classes for sample in of}) > 1
        pictures = (_whole(dataset, sample, _said(dataset, sample)) for sample in of[:_TWINS_EACH])
        parts.append(TwinPart(differs, len(of), tuple(picture for picture in pictures if picture is not None)))
    return tuple(parts), len(several)


def _faults(dataset: Dataset) -> tuple[FaultPart, ...]:
    """Each fault, with the picture of its image, and of its mask where that is a file of its own, as long as there is
    room."""
    disk = ImagesOnDisk(dataset.root) if dataset.faults else None
    parts = []
    left = _FAULT_PICTURES
    for fault in dataset.faults[:_FAULT_LINES]:
        pictures: list[Picture] = []
        if left and disk is not None:
            pictures = [one for path in _files(fault, disk) if (one := _plain(path)) is not None]
            left -= bool(pictures)
        line = f", line {fault.line}" if fault.line else ""
        place = fault.file.relative_to(dataset.root) if fault.file.is_relative_to(dataset.root) else fault.file
        parts.append(FaultPart(shown(f"{place}{line}"), fault.kind, shown(fault.message), tuple(pictures)))
    return tuple(parts)


def _files(fault: Fault, disk: ImagesOnDisk) -> list[Path]:
    image = disk.find(fault.image_id).path if fault.image_id is not None else None
    found = [path for path in (image, fault.file) if path is not None and is_image_name(path) and path.is_file()]
    return list(dict.fromkeys(found))


def _plain(path: Path) -> Picture | None:
    try:
        picture = fitted(display(read_image(path)), 560)
    except ImageError:
        return None
    return Picture(jpeg(picture), page_width(picture), shown(path.name))
