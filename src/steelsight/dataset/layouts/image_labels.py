"""A table that says of images as a whole what they show: `labels.csv` with the columns image and class.

    image,class
    strip_001.jpg,good
    strip_002.jpg,scratch            (of several classes: a row each)

`good`, `ok` and the like say that nothing is there; `bad`, `reject` and the like that something is, whatever it is, unless
masks have a class of that name. What a class says is where a defect is to be learned from without a
mask: the image shows it, nobody knows where. The table may stand beside labels of any other layout, for the images that
these do not know.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from steelsight.core.errors import UserError
from steelsight.core.safe_names import from_cell
from steelsight.dataset.layouts.good_names import is_bad_name, is_good_name
from steelsight.dataset.layouts.images_on_disk import Found, ImagesOnDisk
from steelsight.dataset.layouts.listing import UNNAMED, Listed, Listing, Marks, Size, is_ignored, no_marks, with_slashes
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.text_file import table_header, table_rows
from steelsight.dataset.model import Fault
from steelsight.imaging.rle import Runs

TABLE = "labels.csv"
COLUMNS = ("image", "class")
_NO_IDS: Mapping[str, Path] = MappingProxyType({})
BAD = "bad"
"""Written for a defect of no known class."""


@dataclass(frozen=True)
class ImageLabel:
    """What a table says of one image: the classes that it shows, none where it is good, the first row about it, and the word
    for a defect that has no name."""

    path: Path
    classes: frozenset[str]
    line: int
    word: str = ""


def is_table(file: Path) -> bool:
    """Whether a file is a table of labels of images, by its header."""
    if not file.is_file() or file.suffix.lower() != ".csv":
        return False
    try:
        return set(COLUMNS) <= set(_header(table_header(file)))
    except UserError:
        return False


def list_folder(root: Path, table: Path | None = None) -> Listing:
    """List the images of a folder that a table speaks of.

    Raises:
        UserError: there is no such table.
    """
    file = table or root / TABLE
    disk = ImagesOnDisk(root)
    labels, faults, orphans = read_labels(file, disk, disk.name_of)
    images = [_listed(disk.name_of(path), path, label, file) for path, label in labels.items()]
    images.sort(key=lambda one: one.image_id)
    names = {one.image_id for one in images}
    faults += unsure_labels(orphans, names, names)
    classes = _named(labels)
    return Listing(
        root,
        "image-labels",
        tuple(sorted(classes)) or None,
        tuple(images),
        tuple(faults),
        owned=(root,),
        unlisted=f"{file.name} has no row of them; add rows, or take them out",
    )


def joined(listing: Listing, file: Path, ignore: frozenset[str] = frozenset()) -> Listing:
    """A layout's listing with what a table says of the same images and of others.

    Raises:
        UserError: the table cannot be read.
    """
    disk = ImagesOnDisk(listing.root, without=listing.masks)
    known = {one.path: one for one in listing.images}

    def name_of(path: Path) -> str:
        return known[path].image_id if path in known else disk.name_of(path)

    by_id = {one.image_id: one.path for one in listing.images}
    labels, faults, orphans = read_labels(file, disk, name_of, by_id)
    classes = listing.classes
    if classes is not None:
        labels = {path: _by_class(label, classes) for path, label in labels.items()}
        classes = (*classes, *sorted(_named(labels).difference(classes)))
    images = [_with(one, labels[one.path], file, ignore) if one.path in labels else one for one in listing.images]
    added = [_listed(disk.name_of(path), path, label, file) for path, label in labels.items() if path not in known]
    used = {fault.image_id for fault in listing.faults}
    added = [one for one in added if one.image_id not in used]
    there = [one.image_id for one in (*images, *added) if one.path.is_file()] if orphans else []
    faults += unsure_labels(orphans, there, {name_of(path) for path in labels})
    note = (
        f"{file.name}: {len(labels)} images by a label of the image as a whole, {len(added)} of which no other "
        f"label is about"
    )
    return replace(
        listing,
        classes=classes,
        images=(*images, *sorted(added, key=lambda one: one.image_id)),
        faults=(*listing.faults, *faults),
        notes=(*listing.notes, note),
    )


def _named(labels: Mapping[Path, ImageLabel]) -> set[str]:
    return {name for label in labels.values() for name in label.classes} - {UNNAMED}


def _by_class(label: ImageLabel, classes: Collection[str]) -> ImageLabel:
    """A word for any defect is a class where the masks have one of that very name."""
    return replace(
        label,
        classes=frozenset(label.word if name == UNNAMED and label.word in classes else name for name in label.classes),
    )


def read_labels(
    file: Path, disk: ImagesOnDisk, name_of: Callable[[Path], str], by_id: Mapping[str, Path] = _NO_IDS
) -> tuple[dict[Path, ImageLabel], list[Fault], list[Orphan]]:
    """What a table says of each image, its faults, and the rows that may say of a defect and find no image.

    Args:
        name_of: the id of an image, which is that of the layout that knows it: a fault under another id would leave it in.
        by_id: images of the layout, which a row names outright by their ids, whatever else on the disk is called so.

    Raises:
        UserError: it cannot be read, or lacks a column.
    """
    rows = table_rows(file, free_text_but=COLUMNS)  # a column of remarks may have some of several lines
    header = _header(rows[0][1]) if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UserError(f"{file}: no column {' and '.join(missing)}; a table of labels has the columns image and class")
    at, of = header.index(COLUMNS[0]), header.index(COLUMNS[1])
    labels: dict[Path, ImageLabel] = {}
    good: dict[Path, int] = {}
    faults: list[Fault] = []
    orphans: list[Orphan] = []
    said = [
        (line, fields, _cell(fields, at), _cell(fields, of)) for line, fields in rows[1:] if any(map(str.strip, fields))
    ]
    all_stated = disk.stated((stated for _, _, stated, _ in said), [file.parent])
    known = {stated: path for _, _, stated, _ in said if (path := by_id.get(with_slashes(stated))) and path.is_file()}
    all_stated = replace(all_stated, paths=all_stated.paths.union(known.values()))
    for line, fields, stated, name in said:
        found = Found(known[stated]) if stated in known else disk.find(stated, [file.parent], all_stated)
        image_id = None if found.path is None else name_of(found.path)
        is_malformed = len(fields) != len(header)
        if image_id is None and (is_malformed or not is_good_name(name)):
            orphans.append(Orphan(stated, file, line))
        if is_malformed:
            message = f"{len(fields)} fields, but the header has {len(header)}; mend the row"
            faults.append(Fault("malformed-row", file, line, image_id, message))
            continue
        if found.path is None:
            faults.append(Fault("missing-image", file, line, None, f"{found.why_not}; add it, or remove the row"))
            continue
        if not name:
            message = f"no class for {image_id}; write the class, or good where nothing is there"
            faults.append(Fault("unknown-class", file, line, image_id, message))
            continue
        before = labels.get(found.path)
        is_good = is_good_name(name)
        if before is not None and is_good != (found.path in good):
            message = (
                f"{image_id} is {name} here and something else in line {before.line}; see which of the two is right"
            )
            faults.append(Fault("contradiction", file, line, image_id, message))
            continue
        if is_good:
            good[found.path] = line
        classes = before.classes if before else frozenset()
        word = before.word if before else ""
        if is_bad_name(name):
            classes, word = classes | {UNNAMED}, name
        elif not is_good:
            classes |= {name}
        labels[found.path] = ImageLabel(found.path, classes, before.line if before else line, word)
    return labels, faults, orphans


def _cell(fields: list[str], place: int) -> str:
    """What a field says; nothing where a row is too short."""
    return from_cell(fields[place].strip()) if place < len(fields) else ""


def _header(fields: list[str]) -> list[str]:
    return [field.strip().casefold() for field in fields]


def _listed(image_id: str, path: Path, label: ImageLabel, file: Path) -> Listed:
    return Listed(image_id, path, _shown(label, file), file, label.line)


def _shown(label: ImageLabel, file: Path) -> Callable[[Size], Marks]:
    if not label.classes:
        return no_marks
    return lambda _: Marks({}, (), file, label.line, label.classes)


def _with(one: Listed, label: ImageLabel, file: Path, ignore: frozenset[str]) -> Listed:
    """An image of another layout with what the table says of it, too."""

    def marks(size: Size) -> Marks:
        found = one.marks(size)
        marked = _marked(found.masks, ignore) | found.shown
        if found.faults:
            return found
        if not label.classes and marked:
            message = (
                f"{one.image_id} is good here, and other labels show {', '.join(sorted(marked))}; see which is right"
            )
            return Marks({}, (Fault("contradiction", file, label.line, one.image_id, message),))
        return replace(found, shown=found.shown | (label.classes - (marked | {UNNAMED} if marked else marked)))

    return replace(one, marks=marks)


def _marked(masks: Mapping[str, Runs], ignore: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name, runs in masks.items() if runs.area and not is_ignored(name, ignore))
