"""YOLO: a text file of polygons for each image, and `data.yaml` with the names of the classes.

    DATA/data.yaml   images/train/strip_001.jpg   labels/train/strip_001.txt     (as Ultralytics and CVAT lay it out)
    DATA/data.yaml   train/images/strip_001.jpg   train/labels/strip_001.txt     (as Roboflow does)

A line is the number of a class and x, y of the corners as shares of the width and the height; five numbers are a box. An
image without a text file, or with an empty one, is defect-free: YOLO defines it so. Therefore each image's file is looked for
on the disk itself, whatever its name and however its suffix is spelt.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from steelsight.core.errors import UserError
from steelsight.core.parsing import parse_yaml
from steelsight.dataset.layouts.good_names import marks_no_defect
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk
from steelsight.dataset.layouts.json_file import number
from steelsight.dataset.layouts.listing import Boxes, Listed, Listing, Marks, Size, no_marks
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import Shape, polygon, rectangle, shape_marks
from steelsight.dataset.layouts.text_file import read_text
from steelsight.dataset.model import Fault

IMAGES, LABELS = "images", "labels"
NAMES = ("data.yaml", "dataset.yaml", "data.yml")

_NOT_LABELS = frozenset(
    {
        "classes.txt",
        "obj.names",
        "readme.txt",
        "readme.dataset.txt",
        "readme.roboflow.txt",
        "train.txt",
        "val.txt",
        "test.txt",
    }
)
"""Names of lists and of texts about the data, unless an image is called so, or such a file holds labels."""
_LEAST, _MOST = -0.5, 1.5  # shares of the image between which corners lie, drawn beyond its edge or not
_NAMED = 3
_Outline = Literal["box", "turned box", "four corners", "other"]
_ROUNDED = 2.0  # pixels by which a box may miss being one, since corners are often rounded to pixels


class _TextFiles:
    """Text files by their folder, each of which is read once."""

    def __init__(self) -> None:
        self._of: dict[Path, dict[str, list[Path]]] = {}

    def spelt(self, wanted: Path) -> list[Path]:
        """The files on disk that have a path but for the case of their suffix, the one that is spelt alike first."""
        folder = wanted.parent
        if folder not in self._of:
            found: defaultdict[str, list[Path]] = defaultdict(list)
            texts = [path for path in folder.iterdir() if _is_text(path)] if folder.is_dir() else []
            for path in sorted(texts, key=lambda one: (one.suffix != ".txt", one)):
                found[path.stem].append(path)
            self._of[folder] = dict(found)
        return [path for path in self._of[folder].get(wanted.stem, ()) if path.is_file()]


@dataclass
class _Read:
    """What the files hold together, gathered while they are listed."""

    ignore: frozenset[str]
    names: dict[int, str] | None = None
    faults: list[Fault] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    outlines: dict[tuple[Path, int], _Outline] = field(default_factory=dict)

    def finish(self, _: Mapping[str, Marks]) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
        """Say where all outlines may be oriented boxes: as Ultralytics writes them, they look like any polygon."""
        kinds = Counter(self.outlines.values())
        if kinds["other"] or not kinds["turned box"] or kinds["four corners"] >= kinds["box"] + kinds["turned box"]:
            return (), ()
        return (), (
            f"each of the {kinds.total()} outlines has four corners, as oriented boxes have, and counts as the very pixels "
            "of a defect; if boxes are meant, write them upright, as lines of five numbers, and say what boxes count as",
        )


def looks_like(root: Path) -> bool:
    """Say whether a folder has YOLO's names of classes, or its text files in `labels/`."""
    if _names_file(root) is not None:
        return True
    near = [path for path in (root / LABELS, *root.glob(f"*/{LABELS}")) if path.is_dir()]
    return any(_labels_in(folder) for folder in near if not folder.parent.name.startswith("."))


def label_files(image: Path, root: Path) -> list[Path]:
    """Where the labels of an image may be: the last folder `images` becomes `labels`; else beside it."""
    parts = list(image.relative_to(root).with_suffix(".txt").parts)
    found = [image.with_suffix(".txt")]
    if IMAGES in parts:
        at = len(parts) - 1 - parts[::-1].index(IMAGES)
        found.insert(0, root.joinpath(*parts[:at], LABELS, *parts[at + 1 :]))
    return found


def list_folder(root: Path, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()) -> Listing:
    """List a folder of YOLO labels.

    Raises:
        UserError: there are none, or the names of the classes cannot be read.
    """
    disk, read = ImagesOnDisk(root), _Read(ignore)
    images, used = _images(disk, read, boxes)
    names, notes = _class_names(root, used)
    read.names = names
    labels = {path for folder in _label_folders(root) for path in _labels_in(folder)} - used
    beside = _texts_beside(disk, labels | used)
    labels |= {path for path in beside if _holds_labels(path)}
    if not labels and not used:
        raise UserError(f"{root}: no text file of labels here; YOLO keeps them in {LABELS}/, beside {IMAGES}/")
    labelled = {one.image_id for one in images}.difference(read.bare)
    orphans = [Orphan(_relative(path, root), path) for path in sorted(labels) if read_text(path).strip()]
    for orphan in orphans:
        message = f"no image of the name {orphan.file.stem} for these labels; add the image, or remove the file"
        read.faults.append(Fault("missing-image", orphan.file, None, None, message))
    texts = [path for path in sorted(beside - labels) if path.read_bytes().strip()]  # an empty one says of no defect
    orphans += [Orphan(_relative(path, root), path) for path in texts]
    read.faults += unsure_labels(orphans, [one.image_id for one in images], labelled)
    if read.bare:
        more = f" and {len(read.bare) - _NAMED} more" if len(read.bare) > _NAMED else ""
        notes += (
            f"{len(read.bare)} images have no text file and count as defect-free, as YOLO defines it "
            f"({', '.join(read.bare[:_NAMED])}{more})",
        )
    classes = None if names is None else tuple(names[key] for key in sorted(names) if not marks_no_defect(names[key]))
    notes += tuple(
        f"class {key} {name!r} is no class of defects: lines of it are passed over"
        for key, name in sorted((names or {}).items())
        if marks_no_defect(name)
    )
    return Listing(
        root,
        "yolo",
        classes,
        tuple(images),
        tuple(read.faults),
        notes,
        finish=read.finish,
        owned=(root,),
        unlisted=f"they lie in no folder {IMAGES}/ and have no text file; move them into {IMAGES}/, or take them out",
    )


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _images(disk: ImagesOnDisk, read: _Read, boxes: Boxes | None) -> tuple[list[Listed], set[Path]]:
    """The images, and the files that are about one."""
    images: list[Listed] = []
    texts, names = _TextFiles(), disk.root / "classes.txt"
    is_named = _names_file(disk.root) is not None
    used: set[Path] = set()
    of_labels: dict[Path, tuple[str, Path]] = {}
    for path in disk.paths:
        image_id = disk.name_of(path)
        files = [file for place in label_files(path, disk.root) for file in texts.spelt(place)]
        files = [file for file in files if is_named or file != names]
        used.update(files)
        if not files:
            if IMAGES not in path.relative_to(disk.root).parts:
                continue
            read.bare.append(image_id)
            images.append(Listed(image_id, path, no_marks, path))
            continue
        file = files[0]
        other_file = next((one for one in files[1:] if read_text(one).strip()), None)
        if other_file is not None:
            message = f"{_relative(other_file, disk.root)} has labels of the same image; keep one of the two"
            read.faults.append(Fault("duplicate-mask", file, None, image_id, message))
        other, other_path = of_labels.setdefault(file, (image_id, path))
        if other != image_id:  # nobody knows which of the two the labels are about
            for one, at, and_of in ((other, other_path, image_id), (image_id, path, other)):
                message = f"{and_of} has the same labels, {_relative(file, disk.root)}; give each its own name"
                read.faults.append(Fault("duplicate-image", at, None, one, message))
        images.append(Listed(image_id, path, _reader(image_id, file, read, boxes), file))
    return images, used


def _reader(image_id: str, file: Path, read: _Read, boxes: Boxes | None) -> Callable[[Size], Marks]:
    return lambda size: _marks(image_id, file, read, size, boxes)


def _label_folders(root: Path) -> Iterator[Path]:
    """Folders of labels, however deep; not in hidden folders, and not beyond links."""
    for inside, folders, _ in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if LABELS in folders:
            yield Path(inside, LABELS)


def _labels_in(folder: Path) -> list[Path]:
    """The text files in a folder and below it that are no lists, and no texts about the data."""
    found = [path for path in sorted(folder.rglob("*")) if _is_text(path) and path.is_file()]
    return [path for path in found if not _is_list(path) or _holds_labels(path)]


def _texts_beside(disk: ImagesOnDisk, known: set[Path]) -> set[Path]:
    """Other text files in the folders of images and around them: notes, or labels under another name."""
    of_images = {path.parent for path in disk.paths}
    folders = {folder for of in of_images for folder in (of, *of.parents) if folder.is_relative_to(disk.root)}
    texts = {path for folder in folders for path in folder.iterdir() if _is_text(path) and path not in known}
    return {path for path in texts if path.is_file() and (_holds_labels(path) or not _is_list(path))}


def _is_list(path: Path) -> bool:
    return path.name.lower() in _NOT_LABELS


def _is_text(path: Path) -> bool:
    return path.suffix.lower() == ".txt"


def _holds_labels(file: Path) -> bool:
    """Whether a text that need not be one of labels begins with a line of them: lists and other numbers lie around, too."""
    try:
        words = next((line.split() for line in read_text(file).splitlines() if line.strip()), [])
    except UserError:
        return False
    values = [value for value in map(number, words) if value is not None]
    if len(values) < len(words) or not (_is_box(values) or _is_outline(values)):
        return False
    return _is_class(values[0]) and all(_LEAST <= value <= _MOST for value in values[1:])


def _is_class(value: float) -> bool:
    return value == int(value) and value >= 0


def _is_box(values: Sequence[float]) -> bool:
    return len(values) == 5


def _is_outline(values: Sequence[float]) -> bool:
    return len(values) % 2 == 1 and len(values) >= 7


def _marks(image_id: str, file: Path, read: _Read, size: Size, boxes: Boxes | None) -> Marks:
    shapes: list[Shape] = []
    faults: list[Fault] = []
    try:
        lines = read_text(file).splitlines()
    except UserError as error:
        return Marks({}, (Fault("malformed-row", file, None, image_id, str(error)),))
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            shape = _shape(text.split(), line, read.names, size)
        except AnnotationError as error:
            faults.append(Fault(error.kind, file, line, image_id, str(error)))
            continue
        if not marks_no_defect(shape.name):
            shapes.append(shape)
            if isinstance(shape.outline, tuple) and not shape.is_box:
                read.outlines[file, line] = _kind_of_outline(shape.outline, size)
    if faults:
        return Marks({}, tuple(faults), file)
    return shape_marks(image_id, file, shapes, size, boxes=boxes, ignore=read.ignore)


def _kind_of_outline(shares: tuple[float, ...], size: Size) -> _Outline:
    """What an outline may have been drawn as, given x and y of its corners as shares."""
    if len(shares) != 8:
        return "other"
    corners = np.array(shares).reshape(4, 2) * (size[1], size[0])
    across, along = corners[2] - corners[0], corners[3] - corners[1]  # equal and halving each other in a rectangle
    is_askew = np.abs(corners[0] + corners[2] - corners[1] - corners[3]).max() > _ROUNDED
    if is_askew or abs(np.hypot(*across) - np.hypot(*along)) > _ROUNDED:
        return "four corners"
    sides = np.abs(corners[1] - corners[0])
    return "box" if sides.min() <= _ROUNDED else "turned box"


def _shape(words: list[str], line: int, names: dict[int, str] | None, size: Size) -> Shape:
    numbers = [number(word) for word in words]
    values = [value for value in numbers if value is not None]
    if len(values) < len(numbers):
        wrong = words[numbers.index(None)]
        raise AnnotationError(
            "malformed-row", f"{wrong[:40]!r} is no number; a line is a class and x, y of the corners"
        )
    index, name = values[0], None
    if _is_class(index):
        name = str(int(index)) if names is None else names.get(int(index))
    if name is None:
        known = f"; the classes are {_listed(names)}" if names else ""
        raise AnnotationError("unknown-class", f"class {words[0]} has no name in data.yaml{known}; mend one of the two")
    height, width = size
    label = f"line {line} (class {name})"
    if _is_box(values):
        x, y, across, down = (value * side for value, side in zip(values[1:], (width, height) * 2, strict=True))
        draw = rectangle(x - across / 2, y - down / 2, x + across / 2, y + down / 2)
        return Shape(label, name, draw, True, line, tuple(values[1:]))
    if not _is_outline(values):
        raise AnnotationError(
            "bad-polygon",
            f"{len(values) - 1} numbers behind the class; give x and y of at least three corners, or a box of four",
        )
    beyond = next((value for value in values[1:] if not _LEAST <= value <= _MOST), None)
    if beyond is not None:
        raise AnnotationError(
            "polygon-out-of-range",
            f"{beyond:g} is no share of the image; corners are shares of the width and the height",
        )
    points = [(x * width, y * height) for x, y in zip(values[1::2], values[2::2], strict=True)]
    return Shape(label, name, polygon(points), False, line, tuple(values[1:]))


def _listed(names: dict[int, str]) -> str:
    return ", ".join(f"{key} {names[key]}" for key in sorted(names))


def _names_file(root: Path) -> Path | None:
    return next((root / name for name in NAMES if (root / name).is_file()), None)


def _class_names(root: Path, used: set[Path]) -> tuple[dict[int, str] | None, tuple[str, ...]]:
    """Names by the numbers of the classes; None where no file names them, but for those that are about an image."""
    file = _names_file(root)
    if file is not None:
        return _of_yaml(file), ()
    for path in (root / "classes.txt", root / LABELS / "classes.txt", root / "obj.names"):
        if path.is_file() and path not in used:
            lines = read_text(path).splitlines()
            return {key: line.strip() for key, line in enumerate(lines) if line.strip()}, ()
    return None, ("no data.yaml names the classes, so they are called by their numbers",)


def _of_yaml(file: Path) -> dict[int, str]:
    try:
        content: Any = parse_yaml(read_text(file))
    except yaml.YAMLError:
        raise UserError(f"{file}: not YAML; write it again, with names: [first, second]") from None
    names = content.get("names") if isinstance(content, dict) else None
    entries: Any = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    found = {number(key): name for key, name in entries}
    are_names = all(isinstance(name, str | int | float) for name in found.values())
    if not found or not are_names or any(key is None or key != int(key) or key < 0 for key in found):
        raise UserError(f"{file}: no names of classes; write them as names: [first, second], or as names: {{0: first}}")
    if len(set(map(str, found.values()))) < len(found):
        raise UserError(f"{file}: two classes share a name; each needs its own")
    return {int(key): str(name) for key, name in found.items() if key is not None}
