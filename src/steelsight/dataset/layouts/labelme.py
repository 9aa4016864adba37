"""labelme: a JSON beside each image, with the shapes that were drawn on it.

    DATA/strip_001.jpg  strip_001.json      (in DATA or in folders below it; the images may lie elsewhere in DATA)

A JSON without a shape says that the image is free of defects, and so does the name of a folder such as `good`. An image
without a JSON is not read: nobody can tell whether it was looked at.
"""

import base64
import binascii
import posixpath
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.layouts.good_names import is_good_name, marks_no_defect
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk
from steelsight.dataset.layouts.json_file import mentions, number, points_of, read_json
from steelsight.dataset.layouts.listing import Boxes, Listed, Listing, Marks, Size, is_ignored, no_marks, with_slashes
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import (
    Shape,
    bitmap,
    ellipse,
    polygon,
    rectangle,
    shape_marks,
    thick_line,
)
from steelsight.dataset.layouts.text_file import read_text
from steelsight.dataset.model import Fault
from steelsight.imaging.read import ImageError, TooManyPixels, decode_image
from steelsight.imaging.rle import Runs

WIDTH = 10.0
"""Pixels of a line's width where the file does not say it: as labelme's own converters draw it."""

CLASSES = "classes.txt"
CLASSES_HEADER = "# classes in their order, as steelsight writes them"
"""The first line of such a file; others may have one of this name that means something else, and it is not read."""

_SMALL = 1 << 20  # pixels of a mask that are unpacked in any case, so that its size can be told
_WIDTH = re.compile(r"(?:width\s*[:=]?\s*)?([0-9]+(?:\.[0-9]+)?)\s*(?:px|pixels?)?", re.IGNORECASE | re.ASCII)


@dataclass
class _Read:
    """What the files hold together, gathered while each is listed."""

    ignore: frozenset[str]
    faults: list[Fault] = field(default_factory=list)
    no_class: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    of_image: dict[Path, Path] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    orphans: list[Orphan] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        said = [
            f"{count} shapes named {name!r} are passed over: that is no class of defects"
            for name, count in sorted(self.no_class.items())
        ]
        if self.flags:
            flags = ", ".join(f"{shown(name)} {count} times" for name, count in sorted(self.flags.items()))
            said.append(
                f"flags of files are set ({flags}) and not read: what they say of images as a whole can stand in labels.csv"
            )
        if self.lines:
            said.append(
                f"{self.lines} lines do not say their width and are taken as {WIDTH:g} pixels wide, as labelme converts "
                "them; write the width, such as 4 px, as the shape's description"
            )
        return tuple(said)


def candidates(root: Path) -> list[Path]:
    """The JSON files below a folder that labelme may have written, none in hidden folders."""
    return [
        path
        for path in sorted(root.rglob("*.json"))
        if not _is_hidden(path, root) and mentions(path, "shapes", "imagePath")
    ]


def list_folder(root: Path, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()) -> Listing:
    """List a folder of labelme files.

    Raises:
        UserError: there is none, or one is no JSON.
    """
    files = candidates(root)
    if not files:
        raise UserError(
            f"{root}: no JSON of labelme here; labelme keeps one, with `shapes` and `imagePath`, for each image"
        )
    disk, read = ImagesOnDisk(root), _Read(ignore)
    images = [listed for file in files if (listed := _listed(file, disk, read, boxes)) is not None]
    labelled = {one.image_id for one in images}
    known = {one.path for one in images} | {fault.file for fault in read.faults} | set(read.of_image)
    images += [
        Listed(disk.name_of(path), path, no_marks, path)
        for path in disk.paths
        if path not in known and any(is_good_name(part) for part in path.relative_to(root).parts[:-1])
    ]
    images.sort(key=lambda one: one.image_id)
    read.faults += unsure_labels(read.orphans, [one.image_id for one in images], labelled)
    return Listing(
        root,
        "labelme",
        _classes(root, read.names),
        tuple(images),
        tuple(read.faults),
        read.notes(),
        owned=(root,),
        unlisted="no labelme file is about them, so nobody knows whether they show a defect; save one for each, without a "
        "shape where nothing is there, or put images without a defect into a folder named good",
    )


def _classes(root: Path, drawn: set[str]) -> tuple[str, ...] | None:
    """The classes where a file of our own lists them, then those that somebody drew since; None without one."""
    file = root / CLASSES
    if not _is_ours(file):
        return None
    lines = read_text(file).splitlines()
    listed = tuple(dict.fromkeys(line.strip() for line in lines[1:] if line.strip()))
    return (*listed, *sorted(drawn.difference(listed)))


def _is_ours(file: Path) -> bool:
    """Whether it begins with our line; somebody's own file of that name may be in any encoding, and says nothing here."""
    try:
        with file.open("rb") as opened:
            return opened.readline().removeprefix(BOM_UTF8).rstrip() == CLASSES_HEADER.encode()
    except OSError:
        return False


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _listed(file: Path, disk: ImagesOnDisk, read: _Read, boxes: Boxes | None) -> Listed | None:
    """The image of a file, or None with a fault."""
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        own = disk.of_stem(file.stem, file.parent)
        image_id = disk.name_of(own[0]) if len(own) == 1 else None
        read.faults.append(
            Fault("malformed-entry", file, None, image_id, "no list of shapes; save it again in labelme")
        )
        return None
    path = _image(file, content, disk, read)
    if path is None:
        return None
    image_id = disk.name_of(path)
    if path in read.of_image:
        message = f"{read.of_image[path].name} is about {image_id} too; keep one of the two files"
        read.faults.append(Fault("duplicate-row", file, None, image_id, message))
        return None
    read.of_image[path] = file
    shapes, faults = _shapes(content["shapes"], file, image_id, read)
    flags = content.get("flags")
    read.flags.update(name for name, is_set in (flags if isinstance(flags, dict) else {}).items() if is_set is True)
    stated = _stated(content)
    good = [part for part in path.relative_to(disk.root).parts[:-1] if is_good_name(part)]
    defects = [shape for shape in shapes if not is_ignored(shape.name, read.ignore)]
    if good and defects:
        message = f"{len(defects)} shapes on an image in a folder named {good[0]}; move the image, or remove the shapes"
        faults.append(Fault("contradiction", file, None, image_id, message))
    if faults:
        read.faults += faults
        return Listed(image_id, path, no_marks, file)

    def marks(size: Size) -> Marks:
        return shape_marks(image_id, file, shapes, size, boxes=boxes, ignore=read.ignore, stated=_filled(stated, size))

    return Listed(image_id, path, marks, file)


def _image(file: Path, content: Mapping[str, Any], disk: ImagesOnDisk, read: _Read) -> Path | None:
    stated = content.get("imagePath")
    own = disk.of_stem(file.stem, file.parent)
    found = disk.find(stated, [file.parent]) if isinstance(stated, str) and stated else None
    if found is not None and found.path is not None:
        other = next((path for path in own if path != found.path and path.parent == found.path.parent), None)
        if other is not None:
            message = (
                f"imagePath says {stated}, and beside the file lies {other.name}; both are there, so give imagePath "
                f"the image "
                "that the shapes were drawn on"
            )
            read.faults.append(Fault("unsure-label", file, None, disk.name_of(other), message))
            read.faults.append(Fault("unsure-label", file, None, disk.name_of(found.path), message))
            return None
        return found.path
    if len(own) == 1:
        return own[0]  # renamed with its JSON
    why = found.why_not if found else "no imagePath"
    within = (
        ", though the file holds its pixels (imageData): write them out as an image" if content.get("imageData") else ""
    )
    message = f"{why}; add the image{within}, or remove the file"
    read.faults.append(Fault("missing-image", file, None, None, message))
    if content["shapes"]:
        names = [file.name, *([stated] if isinstance(stated, str) and stated else [])]
        read.orphans += [Orphan(_inside(name, file, disk), file) for name in names]
    return None


def _inside(name: str, file: Path, disk: ImagesOnDisk) -> str:
    """A name that is given from the folder of a file, from the root."""
    return posixpath.normpath(f"{disk.name_of(file.parent)}/{with_slashes(name)}")


def _stated(content: Mapping[str, Any]) -> tuple[int | None, int | None]:
    height, width = (number(content.get(name)) for name in ("imageHeight", "imageWidth"))
    return (None if height is None else int(height), None if width is None else int(width))


def _filled(stated: tuple[int | None, int | None], size: Size) -> Size:
    return (size[0] if stated[0] is None else stated[0], size[1] if stated[1] is None else stated[1])


def _shapes(entries: list[Any], file: Path, image_id: str, read: _Read) -> tuple[list[Shape], list[Fault]]:
    shapes: list[Shape] = []
    faults: list[Fault] = []
    for place, entry in enumerate(entries, start=1):
        kind = entry.get("shape_type", "polygon") if isinstance(entry, dict) else None
        label = f"shape {place}" + (f" ({kind})" if isinstance(kind, str) else "")
        name = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name.strip():
            faults.append(Fault("unknown-class", file, None, image_id, f"{label} has no label; give it its class"))
            continue
        name = name.strip()
        if marks_no_defect(name):
            read.no_class[name] += 1
            continue
        read.names.add(name)
        try:
            shapes.append(_shape(entry, kind, label, name, read))
        except AnnotationError as error:
            faults.append(Fault(error.kind, file, None, image_id, f"{label} of class {name}: {error}"))
    return shapes, faults


def _shape(entry: Mapping[str, Any], kind: Any, label: str, name: str, read: _Read) -> Shape:
    points = points_of(entry.get("points"))
    if points is None:
        raise AnnotationError("bad-polygon", "its points are no pairs of numbers; draw it again")
    draw, is_box = _drawn(entry, kind, points, read)
    return Shape(label, name, draw, is_box, outline=(kind, tuple(points), str(entry.get("mask") or "")))


def _drawn(
    entry: Mapping[str, Any], kind: Any, points: list[tuple[float, float]], read: _Read
) -> tuple[Callable[[Size], Runs], bool]:
    match kind:
        case "polygon" | None:
            return polygon(points), False
        case "rectangle" if len(points) == 2:
            return rectangle(*points[0], *points[1]), True
        case "rectangle" | "oriented_rectangle" if len(points) == 4:
            return polygon(points), True
        case "circle" if len(points) == 2:
            radius = float(np.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]))
            return ellipse(points[0], (radius, radius)), False
        case "line" | "linestrip":
            return thick_line(points, _width(entry, read)), False
        case "mask" if len(points) == 2:
            return _bitmap(entry, points), False
        case "rectangle" | "oriented_rectangle" | "circle" | "mask":
            raise AnnotationError("bad-polygon", f"{len(points)} points, which make none; draw it again")
        case "point" | "points":
            raise AnnotationError("missing-mask", "a point says nothing about pixels; draw the outline")
    raise AnnotationError(
        "malformed-entry",
        f"shapes of the kind {kind!r} are not known; draw it as polygon, circle, linestrip, mask or rectangle",
    )


def _width(entry: Mapping[str, Any], read: _Read) -> float:
    said = entry.get("description")
    match = _WIDTH.fullmatch(said.strip()) if isinstance(said, str) else None
    if match is None:
        read.lines += 1
        return WIDTH
    return float(match[1])


def _bitmap(entry: Mapping[str, Any], points: list[tuple[float, float]]) -> Callable[[Size], Runs]:
    """A bitmap as a PNG in base64, from the first of two points to the second, both included."""
    (left, top), (right, bottom) = points
    width, height = round(right - left) + 1, round(bottom - top) + 1

    def unpack() -> NDArray[np.bool_]:
        try:
            content = base64.b64decode(str(entry.get("mask") or ""), validate=True)
            mask = decode_image(content, Path("mask"), max_pixels=max(width * height, _SMALL))
        except TooManyPixels as error:
            raise AnnotationError(
                "contradiction", f"its points span {width} x {height} pixels: {error.sentence}"
            ) from None
        except (binascii.Error, ValueError, ImageError):
            raise AnnotationError("unreadable-mask", "its mask is no PNG in base64; draw it again") from None
        if mask.ndim != 2:
            raise AnnotationError("unreadable-mask", "its mask is in colour; draw it again")
        if mask.shape != (height, width):
            raise AnnotationError(
                "contradiction",
                f"its points span {width} x {height} pixels and its mask has {mask.shape[1]} x {mask.shape[0]}",
            )
        return mask > 0

    return bitmap((round(left), round(top), width, height), unpack)
