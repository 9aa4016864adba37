"""CVAT for images 1.1: one XML with every image and the shapes that were drawn on it.

    DATA/annotations.xml   images/strip_001.jpg ...      (the images anywhere in DATA)

An image that the XML lists without a shape is defect-free. CVAT's other exports are layouts of their own: COCO 1.0 is `coco`,
Segmentation mask 1.1 is `voc`, Ultralytics YOLO is `yolo`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_background
from steelsight.dataset.layouts.good_names import any_defect, is_good_name
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk, Stated
from steelsight.dataset.layouts.json_file import number
from steelsight.dataset.layouts.listing import UNNAMED, Boxes, Listed, Listing, Marks, Size, is_ignored, only_file
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import (
    Shape,
    bitmap,
    ellipse,
    polygon,
    rectangle,
    shape_marks,
    thick_line,
    turned_rectangle,
)
from steelsight.dataset.layouts.xml_file import read_xml, root_tag
from steelsight.dataset.model import Fault
from steelsight.imaging.rle import Runs

_WITHOUT_GEOMETRY = ("attribute", "tag")
_LINE = 10.0  # pixels of a polyline, whose width CVAT does not know


@dataclass
class _Read:
    """What the file holds together, gathered while it is listed."""

    file: Path
    declared: tuple[str, ...]
    ignore: frozenset[str]
    faults: list[Fault] = field(default_factory=list)
    no_class: Counter[str] = field(default_factory=Counter)
    drawn: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    empty: int = 0
    lines: int = 0

    def notes(self) -> tuple[str, ...]:
        said = [
            f"{count} shapes named {name!r} are passed over: that is no class of defects"
            for name, count in sorted(self.no_class.items())
        ]
        if self.empty:
            said.append(f"{self.empty} images that {self.file.name} lists without a shape count as defect-free")
        if self.lines:
            said.append(f"{self.lines} polylines are taken as {_LINE:g} pixels wide, since CVAT knows no width")
        return tuple(said)


def candidates(root: Path) -> list[Path]:
    """The XML files directly in a folder that CVAT has written."""
    return [path for path in sorted(root.glob("*.xml")) if root_tag(path) == "annotations"]


def list_folder(
    root: Path, table: Path | None = None, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()
) -> Listing:
    """List a folder with an XML of CVAT; `table` says which where there are several.

    Raises:
        UserError: none or several, one that is not XML, or one of a video.
    """
    none = "no XML of CVAT here; export the task as `CVAT for images 1.1`, with its images"
    file = table or only_file(root, candidates(root), none, "XML files of CVAT")
    top = read_xml(file)
    if top.tag != "annotations":
        raise UserError(f"{file}: its root is {top.tag!r}; CVAT for images 1.1 begins with <annotations>")
    if top.find("track") is not None:
        raise UserError(
            f"{file}: holds the tracks of a video; export it from CVAT as `CVAT for images 1.1`, or as `COCO 1.0`"
        )
    names = [label.findtext("name", "").strip() for label in top.iterfind("meta//labels/label")]
    read = _Read(file, tuple(dict.fromkeys(name for name in names if name)), ignore)
    disk = ImagesOnDisk(root)
    beside = [file.parent / "images", file.parent]
    all_stated = disk.stated((one.get("name", "") for one in top.iterfind("image")), beside)
    images: list[Listed] = []
    taken: set[Path] = set()
    for place, element in enumerate(top.iterfind("image"), start=1):
        listed = _listed(element, place, disk, beside, all_stated, read, boxes)
        if listed is None:
            continue
        if listed.path in taken:
            message = f"image {listed.image_id} is listed twice; keep one entry"
            read.faults.append(Fault("duplicate-row", file, None, listed.image_id, message))
            continue
        taken.add(listed.path)
        images.append(listed)
    if not images and not read.faults:
        raise UserError(f"{file}: lists no image; export the task with its images from CVAT")
    return Listing(
        root,
        "cvat",
        _classes(read),
        tuple(images),
        tuple(read.faults),
        read.notes(),
        owned=(root,),
        unlisted=f"{file.name} does not list them, so nobody knows whether they show a defect; export the task that has "
        "them, or take them out",
    )


def _classes(read: _Read) -> tuple[str, ...] | None:
    """The labels of the task in its order, but for words for any defect that are tags alone; None where there is none."""
    words = {name for name in read.tags if UNNAMED in any_defect({name}, read.drawn, read.ignore)}
    usable = [name for name in read.declared if not (is_background(name) or is_good_name(name) or name in words)]
    return tuple(usable) or None


def _listed(
    element: Element,
    place: int,
    disk: ImagesOnDisk,
    beside: list[Path],
    all_stated: Stated,
    read: _Read,
    boxes: Boxes | None,
) -> Listed | None:
    name = element.get("name", "")
    found = disk.find(name, beside, all_stated) if name else None
    if found is None or found.path is None:
        why = found.why_not if found else f"image number {place} has no name"
        read.faults.append(Fault("missing-image", read.file, None, None, f"{why}; add it, or remove its entry"))
        return None
    image_id = disk.name_of(found.path)
    shapes, shown, is_good, faults = _shapes(element, image_id, read)
    if is_good and (shown or any(not is_ignored(shape.name, read.ignore) for shape in shapes)):
        message = (
            "a tag says that the image is free of defects, and a shape or another tag that it is not; see which "
            "is right"
        )
        faults.append(Fault("contradiction", read.file, None, image_id, message))
    read.faults += faults
    if faults:
        return Listed(image_id, found.path, lambda _: Marks({}), read.file)
    read.empty += not shapes and not shown and not is_good
    stated = tuple(number(element.get(side)) for side in ("height", "width"))

    def marks(size: Size) -> Marks:
        given = (size[0] if stated[0] is None else int(stated[0]), size[1] if stated[1] is None else int(stated[1]))
        said = any_defect(shown, read.drawn, read.ignore)
        return shape_marks(image_id, read.file, shapes, size, boxes=boxes, ignore=read.ignore, stated=given, shown=said)

    return Listed(image_id, found.path, marks, read.file)


def _shapes(element: Element, image_id: str, read: _Read) -> tuple[list[Shape], set[str], bool, list[Fault]]:
    """Shapes, classes that tags name, whether a tag says that nothing is there, and faults."""
    shapes: list[Shape] = []
    shown: set[str] = set()
    faults: list[Fault] = []
    is_good = False
    for place, one in enumerate(element, start=1):
        label = f"image {image_id}, shape {place} ({one.tag})"
        name = one.get("label", "").strip()
        if read.declared and name not in read.declared:
            message = (
                f"{label}: label {name!r} is not one of the task ({', '.join(read.declared)}); mend one of the two"
            )
            faults.append(Fault("unknown-class", read.file, None, image_id, message))
        elif not name:
            faults.append(Fault("unknown-class", read.file, None, image_id, f"{label} has no label; give it its class"))
        elif is_background(name) or (one.tag != "tag" and is_good_name(name)):
            read.no_class[name] += 1
        elif one.tag == "tag":
            if is_good_name(name):
                is_good = True
            else:
                read.tags.add(name)
                shown.add(name)
        else:
            read.drawn.add(name)
            try:
                draw, is_box = _drawn(one, read)
            except AnnotationError as error:
                faults.append(Fault(error.kind, read.file, None, image_id, f"{label} of class {name}: {error}"))
                continue
            outline = (one.tag, *(one.get(key) for key in sorted(one.keys()) if key in _GEOMETRY))
            shapes.append(Shape(label, name, draw, is_box, outline=outline))
    return shapes, shown, is_good, faults


_LONGEST = 1 << 32  # pixels that a run length can mean
_GEOMETRY = frozenset(
    {"points", "xtl", "ytl", "xbr", "ybr", "rotation", "cx", "cy", "rx", "ry", "rle", "left", "top", "width", "height"}
)


def _drawn(one: Element, read: _Read) -> tuple[Callable[[Size], Runs], bool]:
    match one.tag:
        case "polygon":
            return polygon(_points(one)), False
        case "box":
            x0, y0, x1, y1 = _numbers(one, "xtl", "ytl", "xbr", "ybr")
            turn = number(one.get("rotation", "0")) or 0.0
            if not turn:
                return rectangle(x0, y0, x1, y1), True
            centre = ((x0 + x1) / 2, (y0 + y1) / 2)
            return polygon(turned_rectangle(centre, x1 - x0, y1 - y0, turn)), True
        case "ellipse":
            x, y, across, down = _numbers(one, "cx", "cy", "rx", "ry")
            return ellipse((x, y), (across, down), number(one.get("rotation", "0")) or 0.0), False
        case "polyline":
            read.lines += 1
            return thick_line(_points(one), _LINE), False
        case "mask":
            return _mask(one), False
        case "points":
            raise AnnotationError("missing-mask", "a point says nothing about pixels; draw the outline")
    raise AnnotationError(
        "malformed-entry", f"shapes of the kind {one.tag!r} are not known; draw it as polygon, mask, ellipse or box"
    )


def _numbers(one: Element, *keys: str) -> list[float]:
    found = [number(one.get(key)) for key in keys]
    wrong = next((key for key, value in zip(keys, found, strict=True) if value is None), None)
    if wrong is not None:
        raise AnnotationError("malformed-entry", f"{wrong} is {one.get(wrong)!r}, no number; export it again")
    return [value for value in found if value is not None]


def _points(one: Element) -> list[tuple[float, float]]:
    points = []
    for pair in one.get("points", "").split(";"):
        numbers = [number(part) for part in pair.split(",")]
        if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
            raise AnnotationError("bad-polygon", f"{pair!r} is no pair of numbers x,y; export it again")
        points.append((numbers[0], numbers[1]))
    return points


def _mask(one: Element) -> Callable[[Size], Runs]:
    """Run lengths along the rows of a box, the unset pixels first."""
    left, top, width, height = (round(value) for value in _numbers(one, "left", "top", "width", "height"))
    counts = [number(part) for part in one.get("rle", "").split(",")]
    lengths = [int(count) for count in counts if count is not None and 0 <= count <= _LONGEST and count == int(count)]
    if len(lengths) < len(counts) or width < 1 or height < 1:
        raise AnnotationError("run-not-a-number", "its run lengths are no whole numbers from 0; export it again")
    if sum(lengths) != width * height:
        raise AnnotationError(
            "run-out-of-range", f"its run lengths add up to {sum(lengths)}, not to {width} x {height} pixels"
        )

    def unpack() -> NDArray[np.bool_]:
        values = np.zeros(len(lengths), np.bool_)
        values[1::2] = True
        return np.repeat(values, lengths).reshape(height, width)

    return bitmap((left, top, width, height), unpack)
