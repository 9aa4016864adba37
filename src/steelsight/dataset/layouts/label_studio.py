"""Label Studio: one JSON with every task, as its export `JSON` writes it.

    DATA/export.json   images/strip_001.jpg ...      (the images anywhere in DATA)

A task whose annotation is empty is defect-free; one that nobody annotated, or that was skipped, is not read.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.layouts.brush_runs import decode_brush
from steelsight.dataset.layouts.good_names import any_defect, is_good_name, marks_no_defect
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk, Stated
from steelsight.dataset.layouts.json_file import number, points_of, read_json
from steelsight.dataset.layouts.listing import Boxes, Listed, Listing, Marks, Size, is_ignored, only_file
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import (
    Shape,
    bitmap,
    ellipse,
    polygon,
    shape_marks,
)
from steelsight.dataset.model import Fault
from steelsight.imaging.read import is_image_name
from steelsight.imaging.rle import Runs

_SHOWN = 127  # alpha of a brush above which a pixel is marked
_KINDS = {
    "polygonlabels": "polygon",
    "brushlabels": "brush",
    "rectanglelabels": "rectangle",
    "ellipselabels": "ellipse",
    "bitmasklabels": "bitmask",
}
_PARTS = frozenset({"polygon", "brush", "rectangle", "ellipse", "labels"})
"""Results that repeat the geometry of another one, or only name it."""
_NO_MARKS = frozenset({"textarea", "rating", "number", "datetime", "relation"})
_PLACE = frozenset({"points", "x", "y", "rle"})
"""What says where a result of a single region is."""


@dataclass
class _Read:
    """What the file holds together, gathered while it is listed."""

    file: Path
    ignore: frozenset[str]
    faults: list[Fault] = field(default_factory=list)
    no_class: Counter[str] = field(default_factory=Counter)
    drawn: set[str] = field(default_factory=set)
    of_regions: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    skipped: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        said = [
            f"{count} marks named {name!r} are passed over: that is no class of defects"
            for name, count in sorted(self.no_class.items())
        ]
        if self.of_regions:
            values = ", ".join(f"{shown(name)} {count} times" for name, count in sorted(self.of_regions.items()))
            said.append(
                f"{self.of_regions.total()} choices of single regions ({values}) are passed over: a choice counts for the "
                "image as a whole, and what is marked is called by its label"
            )
        if self.empty:
            said.append(f"{self.empty} images with an empty annotation count as defect-free")
        return tuple(said)


def candidates(root: Path) -> list[Path]:
    """The JSON files directly in a folder that Label Studio has written."""
    return [path for path in sorted(root.glob("*.json")) if is_export(path)]


def list_folder(
    root: Path, table: Path | None = None, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()
) -> Listing:
    """List a folder with an export of Label Studio; `table` says which where there are several.

    Raises:
        UserError: none or several, or one of another kind.
    """
    none = "no export of Label Studio here; export the project as JSON and put it beside the images"
    file = table or only_file(root, candidates(root), none, "exports of Label Studio")
    tasks = read_json(file)
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise UserError(f"{file}: no list of tasks; export it from Label Studio as JSON")
    if not any("annotations" in task for task in tasks):
        raise UserError(f"{file}: tasks without annotations, as JSON-MIN has them; export it from Label Studio as JSON")
    read, disk = _Read(file, ignore), ImagesOnDisk(root)
    images: list[Listed] = []
    taken: dict[Path, str] = {}
    all_stated = disk.stated(_image_name(task) or "" for task in tasks)
    for place, task in enumerate(tasks, start=1):
        label = f"task {task['id']}" if isinstance(task.get("id"), int | str) else f"task number {place}"
        listed = _listed(task, label, disk, all_stated, read, boxes)
        if listed is None:
            continue
        if listed.path in taken:
            message = f"{label} is about {listed.image_id}, as {taken[listed.path]} is; keep one of the two"
            read.faults.append(Fault("duplicate-row", file, None, listed.image_id, message))
            continue
        taken[listed.path] = label
        images.append(listed)
    return Listing(
        root,
        "label-studio",
        None,
        tuple(images),
        tuple(read.faults),
        read.notes(),
        owned=(root,),
        unlisted=f"{file.name} has no annotation of them ({len(read.skipped)} tasks were skipped or not annotated), so "
        "nobody knows whether they show a defect; annotate them, or take them out",
    )


def is_export(path: Path) -> bool:
    """Whether a JSON file is a list of Label Studio's tasks."""
    try:
        text = path.read_bytes().replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    return text.startswith(b"[") and b'"data"' in text and b'"annotations"' in text


def _listed(
    task: Mapping[str, Any], label: str, disk: ImagesOnDisk, all_stated: Stated, read: _Read, boxes: Boxes | None
) -> Listed | None:
    stated = _image_name(task)
    found = disk.find(stated, (), all_stated) if stated else None
    annotation, problem = _annotation(task)
    if found is None or found.path is None:
        if annotation is None and not problem:
            return None  # nothing is said of an image that is not there
        why = found.why_not if found else f"{label}: its data name no image"
        read.faults.append(Fault("missing-image", read.file, None, None, f"{label}: {why}; add it, or remove the task"))
        return None
    image_id = disk.name_of(found.path)
    if problem:
        read.faults.append(Fault("contradiction", read.file, None, image_id, f"{label}: {problem}"))
        return None
    if annotation is None:
        read.skipped.append(image_id)
        return None
    shapes, shown, sizes, faults = _shapes(annotation, label, image_id, read)
    read.faults += faults
    if faults:
        return Listed(image_id, found.path, lambda _: Marks({}), read.file)
    read.empty += not shapes and not shown

    def marks(size: Size) -> Marks:
        stated = next((one for one in sizes if one != size), size)
        said = any_defect(shown, read.drawn, read.ignore)
        return shape_marks(
            image_id, read.file, shapes, size, boxes=boxes, ignore=read.ignore, stated=stated, shown=said
        )

    return Listed(image_id, found.path, marks, read.file)


def _image_name(task: Mapping[str, Any]) -> str | None:
    """The path or the end of the address of a task's image."""
    data = task.get("data")
    if not isinstance(data, dict):
        return None
    texts = [value for value in (data.get("image"), *data.values()) if isinstance(value, str)]
    for text in texts:
        parts = urlsplit(text)
        local = parse_qs(parts.query).get("d", [None])[0]
        name = local or (parts.path if parts.scheme in ("http", "https", "s3", "gs", "azure-blob") else text)
        if is_image_name(Path(name.replace("\\", "/"))):
            return name
    return None


def _annotation(task: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The annotation that counts; None with "" where there is none, and with a sentence where it is not known which."""
    entries = task.get("annotations")
    given = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    kept = [one for one in given if not one.get("was_cancelled")]
    truth = [one for one in kept if one.get("ground_truth")]
    if len(truth) == 1:
        return truth[0], ""
    if len(kept) > 1:
        return None, (
            f"{len(kept)} annotations, which nobody can join; delete all but one in Label Studio, or mark one as ground truth"
        )
    return (kept[0], "") if kept else (None, "")


def _shapes(
    annotation: Mapping[str, Any], task: str, image_id: str, read: _Read
) -> tuple[list[Shape], set[str], list[Size], list[Fault]]:
    """Shapes, classes that choices name, sizes that results state, and faults."""
    shapes: list[Shape] = []
    shown: set[str] = set()
    sizes: list[Size] = []
    faults: list[Fault] = []
    results = annotation.get("result")
    entries = results if isinstance(results, list) else []
    is_good = False
    regions = {_id(one) for one in entries if _is_mark(one)}
    for place, one in enumerate(entries, start=1):
        label = f"{task}, result {place}"
        try:
            kind, names = _said(one)
            if kind is None:
                continue
            if kind == "choices" and _is_of_region(one, regions):
                read.of_regions.update(names)
                continue
            if kind == "choices":
                is_good |= any(is_good_name(name) for name in names)
                shown |= {name for name in names if not is_good_name(name)}
                continue
            size = _size(one)
            sizes.append(size)
            for name in names:
                if marks_no_defect(name):
                    read.no_class[name] += 1
                    continue
                read.drawn.add(name)
                draw = _drawn(one["value"], kind, size)
                outline = (kind, repr({key: part for key, part in one["value"].items() if not key.endswith("labels")}))
                shapes.append(Shape(f"{label} ({kind})", name, draw, kind == "rectangle", outline=outline))
        except AnnotationError as error:
            faults.append(Fault(error.kind, read.file, None, image_id, f"{label}: {error}"))
    if is_good and (shown or any(not is_ignored(shape.name, read.ignore) for shape in shapes)):
        message = (
            f"{task}: a choice says that the image is free of defects, and another mark that it is not; see "
            f"which is right"
        )
        faults.append(Fault("contradiction", read.file, None, image_id, message))
    return shapes, shown, sizes, faults


def _id(one: Mapping[str, Any]) -> str | None:
    return one["id"] if isinstance(one.get("id"), str) else None


def _is_mark(one: Any) -> bool:
    kind = one.get("type") if isinstance(one, dict) else None
    return isinstance(kind, str) and kind.lower() in _KINDS.keys() | _PARTS


def _is_of_region(choice: Mapping[str, Any], regions: Collection[str | None]) -> bool:
    """Whether a choice is about one mark, whose id or place it has, and not about the image as a whole.

    Args:
        regions: the ids of all marks; without a mark, a place alone still says that the image shows something.
    """
    has_id = _id(choice) is not None and _id(choice) in regions
    return has_id or bool(regions and _PLACE & choice["value"].keys())


def _said(one: Any) -> tuple[str | None, list[str]]:
    """What kind of mark a result is, and its classes; no kind where it is part of another result."""
    kind = one.get("type") if isinstance(one, dict) else None
    value = one.get("value") if isinstance(one, dict) else None
    if isinstance(kind, str) and kind.lower() in _NO_MARKS:
        return None, []
    if not isinstance(kind, str) or not isinstance(value, dict):
        raise AnnotationError("malformed-entry", "no result with a type and a value; export it again")
    kind = kind.lower()
    if kind == "choices":
        return "choices", _texts(value.get("choices"))
    names = value.get(kind) if kind in _KINDS else value.get("labels")
    if kind in _PARTS and not names:
        raise AnnotationError("unknown-class", f"a {kind} without a label; give it its class")
    if kind not in _KINDS and kind not in _PARTS:
        raise AnnotationError(
            "malformed-entry",
            f"marks of the kind {kind!r} are not known; draw it with a brush, as polygon, ellipse or rectangle",
        )
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise AnnotationError("unknown-class", "no label; give it its class")
    return _KINDS.get(kind, kind), [name.strip() for name in names]


def _texts(value: Any) -> list[str]:
    return [one.strip() for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _size(one: Mapping[str, Any]) -> Size:
    height, width = (number(one.get(key)) for key in ("original_height", "original_width"))
    if height is None or width is None or height < 1 or width < 1:
        raise AnnotationError("malformed-entry", "no original_width and original_height; export it again")
    if number(one.get("image_rotation") or 0):
        raise AnnotationError(
            "exif-orientation", "drawn on the image turned in Label Studio; draw it on the image as it is stored"
        )
    return int(height), int(width)


def _drawn(value: Mapping[str, Any], kind: str, size: Size) -> Callable[[Size], Runs]:
    height, width = size
    match kind:
        case "polygon":
            points = points_of(value.get("points"))
            if points is None:
                raise AnnotationError("bad-polygon", "its points are no pairs of numbers; draw it again")
            return polygon([(x / 100 * width, y / 100 * height) for x, y in points])
        case "rectangle":
            x, y, across, down = _numbers(value, "x", "y", "width", "height")
            turn = number(value.get("rotation")) or 0.0
            return polygon(_turned_about_corner((x, y), (across, down), turn, size))
        case "ellipse":
            x, y, across, down = _numbers(value, "x", "y", "radiusX", "radiusY")
            centre = (x / 100 * width, y / 100 * height)
            return ellipse(centre, (across / 100 * width, down / 100 * height), number(value.get("rotation")) or 0.0)
        case "brush":
            return bitmap((0, 0, width, height), lambda: _brush(value, size))
    raise AnnotationError(
        "malformed-entry", f"marks of the kind {kind!r} are not read; draw it with a brush or as polygon"
    )


def _turned_about_corner(
    corner: tuple[float, float], sides: tuple[float, float], degrees: float, size: Size
) -> list[tuple[float, float]]:
    """The corners in pixels of a rectangle in per cent, which Label Studio turns about its upper left corner."""
    height, width = size
    left, top = corner[0] / 100 * width, corner[1] / 100 * height
    across, down = sides[0] / 100 * width, sides[1] / 100 * height
    angle = np.deg2rad(degrees)
    right = np.array([np.cos(angle), np.sin(angle)]) * across
    below = np.array([-np.sin(angle), np.cos(angle)]) * down
    first = np.array([left, top])
    return [(float(x), float(y)) for x, y in (first, first + right, first + right + below, first + below)]


def _numbers(value: Mapping[str, Any], *keys: str) -> list[float]:
    found = [number(value.get(key)) for key in keys]
    wrong = next((key for key, one in zip(keys, found, strict=True) if one is None), None)
    if wrong is not None:
        raise AnnotationError("malformed-entry", f"{wrong} is {value.get(wrong)!r}, no number; export it again")
    return [one for one in found if one is not None]


def _brush(value: Mapping[str, Any], size: Size) -> NDArray[np.bool_]:
    runs = value.get("rle")
    if value.get("format") != "rle" or not isinstance(runs, list):
        raise AnnotationError("run-not-a-number", "a brush without run lengths; export it as JSON from Label Studio")
    try:
        pixels = decode_brush(runs, size[0] * size[1] * 4)
    except ValueError as error:
        raise AnnotationError("run-not-a-number", f"{error}; export it again") from None
    return np.asarray(pixels.reshape(size[0], size[1], 4)[..., 3] > _SHOWN)
