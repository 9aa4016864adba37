"""COCO JSON: `images`, `annotations`, `categories`; polygons, uncompressed and compressed run lengths.

The classes are all categories that can mark a defect, in the order of their ids. An image without an annotation is
defect-free. Image files are looked for beside the JSON and in an `images/` folder there or in DATA.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_background, is_ignore
from steelsight.dataset.layouts.coco_file import CocoAnnotation, CocoCategory, CocoFile, CocoImage, Ids, load
from steelsight.dataset.layouts.coco_marks import annotation_runs, is_box
from steelsight.dataset.layouts.coco_parts import base_of, files_of_parts, joined
from steelsight.dataset.layouts.good_names import is_good_name
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk, Stated
from steelsight.dataset.layouts.json_file import mentions
from steelsight.dataset.layouts.listing import (
    Boxes,
    Listed,
    Listing,
    Marks,
    Size,
    is_ignored,
    is_safe_name,
    no_marks,
    union,
    unsafe_name,
    with_slashes,
    wrong_size,
)
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.model import Fault
from steelsight.imaging.read import is_image_name
from steelsight.imaging.rle import RunError, Runs

_Id = int | str


def candidates(root: Path) -> list[Path]:
    """Those of `own_files`; else those of its folders, such as `train/` and `valid/`."""
    return own_files(root) or [path for path in files_of_parts(root) if mentions(path, "images", "annotations")]


def own_files(root: Path) -> list[Path]:
    """The JSON files of a folder, or of its `annotations/`, that hold images and annotations."""
    found = sorted(root.glob("*.json")) + sorted((root / "annotations").glob("*.json"))
    return [path for path in found if mentions(path, "images", "annotations")]


def list_folder(
    root: Path, table: Path | None = None, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()
) -> Listing:
    """List a COCO folder; `table` says which JSON where there are several, `boxes` what an annotation without a mask
    counts as.

    Raises:
        UserError: no JSON, or several that list the same images, no JSON at all inside, or a field of COCO is missing.
    """
    files = [table] if table else candidates(root)
    if len(files) > 1:
        return joined(
            root, [list_folder(base_of(root, file), file, boxes=boxes, ignore=ignore) for file in files], files
        )
    if not files:
        raise UserError(f"{root}: no JSON here holds images and annotations; add the COCO file beside the images")
    (file,) = files
    if base_of(root, file) != root:
        return joined(root, [list_folder(base_of(root, file), file, boxes=boxes, ignore=ignore)], files)
    content = load(file)
    names, no_class, notes = _classes(content, file)
    faults: list[Fault] = list(content.faults)
    by_image, orphans = _annotations_by_image(content, file, faults, no_class)
    images: list[Listed] = []
    ids = Counter(image.id for image in content.images)
    taken: dict[Path, str] = {}
    labelled: set[str] = set()
    disk = ImagesOnDisk(root)
    folders = tuple(dict.fromkeys((file.parent, file.parent / "images", root, root / "images")))
    all_stated = disk.stated((image.file_name for image in content.images), folders)
    for image in content.images:
        name = str(PurePosixPath(with_slashes(image.file_name)))
        annotations = by_image[image.id]
        if not is_safe_name(name) and (found := disk.find(name, folders, all_stated).path) is not None:
            name = disk.name_of(found)  # a path of the machine that exported it
        if not is_safe_name(name) or not is_image_name(Path(name)):
            faults.append(unsafe_name(image.file_name, file, None))
            orphans += [Orphan(image.file_name, file)] if annotations else []
            continue
        path = _path_of(name, disk, folders, all_stated)
        if path in taken:
            as_what = f", as {taken[path]} and as {name}" if name != taken[path] else ""
            message = f"image {taken[path]} (id {image.id}) is listed twice{as_what}; keep one entry"
            faults.append(Fault("duplicate-row", file, None, taken[path], message))
        elif ids[image.id] > 1:  # its annotations may be those of another image
            message = f"image {name} shares its id {image.id} with another; give each its own, in its annotations too"
            faults.append(Fault("duplicate-row", file, None, name, message))
        else:
            images.append(_listed(name, path, file, image, annotations, names, boxes, ignore))
            labelled |= {name} if annotations else set()
        taken.setdefault(path, name)
    there = [image.image_id for image in images if image.path.is_file()]
    orphans += [Orphan(name, file) for name in sorted(labelled.difference(there))]
    faults += unsure_labels(orphans, there, labelled)
    return Listing(
        root,
        "coco",
        tuple(names.values()),
        tuple(images),
        tuple(faults),
        notes,
        owned=(root,),
        unlisted=f"{file.name} does not list them, so nobody knows whether they show a defect; list them, or take them out",
    )


def _classes(content: CocoFile, file: Path) -> tuple[dict[_Id, str], set[_Id], tuple[str, ...]]:
    """Class names by id of category, the ids of categories that are none, and what is to be said of these."""
    ids = Ids(category.id for category in content.categories)
    used = {ids.find(annotation.category_id) for annotation in content.annotations}
    stated = [one for one in content.categories if isinstance(one.supercategory, str)]
    parents = {one.supercategory for one in stated if one.supercategory != one.name}  # many tools name it as itself
    names: dict[_Id, str] = {}
    no_class: set[_Id] = set()
    notes: list[str] = []
    if len({category.id for category in content.categories}) < len(content.categories):
        raise UserError(f"{file}: two categories share an id; each class needs its own")
    for category in sorted(content.categories, key=_by_id):
        if is_background(category.name) or is_good_name(category.name):
            notes.append(f"category {category.name!r} is no class: what it marks is no defect")
        elif category.name in parents and category.id not in used:
            notes.append(f"category {category.name!r} is no class: it is the unused parent of others")
        else:
            names[category.id] = category.name
            continue
        no_class.add(category.id)
    if all(is_ignore(name) for name in names.values()):
        raise UserError(f"{file}: no category is a defect class; name the classes in categories")
    return names, no_class, tuple(notes)


def _by_id(category: CocoCategory) -> tuple[int, int | str]:
    return (0, category.id) if isinstance(category.id, int) else (1, category.id)


def _annotations_by_image(
    content: CocoFile, file: Path, faults: list[Fault], no_class: set[_Id]
) -> tuple[defaultdict[_Id, list[CocoAnnotation]], list[Orphan]]:
    """Annotations by the id of their image, and those that find none by the name that they give."""
    known = Ids(image.id for image in content.images)
    categories = Ids(category.id for category in content.categories)
    names = {image.id: str(PurePosixPath(image.file_name)) for image in content.images}
    seen: dict[tuple[Any, ...], CocoAnnotation] = {}
    by_image: defaultdict[_Id, list[CocoAnnotation]] = defaultdict(list)
    orphans: list[Orphan] = []
    for annotation in content.annotations:
        image_id = known.find(annotation.image_id)
        if image_id is None:
            message = f"{annotation.label} belongs to image {annotation.image_id}, which is not in images; add it"
            named = next((name for name in names.values() if name == annotation.image_id), None)
            if named is not None:
                message = f"{annotation.label} gives the name {named} where the id of its image belongs; write the id"
            faults.append(Fault("missing-image", file, None, named, message))
            orphans += [Orphan(annotation.image_id, file)] if isinstance(annotation.image_id, str) else []
            continue
        category = categories.find(annotation.category_id)
        if category in no_class:
            continue
        key = (image_id, category, repr(annotation.segmentation))
        if annotation.segmentation and key in seen:
            message = f"{annotation.label} repeats {seen[key].label}; keep one"
            faults.append(Fault("duplicate-row", file, None, names[image_id], message))
            continue
        seen[key] = annotation
        by_image[image_id].append(annotation)
    return by_image, orphans


def _path_of(name: str, disk: ImagesOnDisk, folders: Sequence[Path], all_stated: Stated) -> Path:
    """The file of an image; where it would be, if it is not there."""
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    return path or disk.find(name, folders, all_stated).path or folders[0] / name


def _listed(
    name: str,
    path: Path,
    file: Path,
    image: CocoImage,
    annotations: list[CocoAnnotation],
    names: dict[_Id, str],
    boxes: Boxes | None,
    ignore: frozenset[str],
) -> Listed:
    if not annotations and image.width is None and image.height is None:
        return Listed(name, path, no_marks, file)

    def marks(size: Size) -> Marks:
        stated = (size[0] if image.height is None else image.height, size[1] if image.width is None else image.width)
        if stated != size:
            return Marks({}, (wrong_size(name, file, None, stated, size),))
        return _marks(name, file, annotations, names, size, boxes, ignore)

    return Listed(name, path, marks, file)


def _marks(
    image_id: str,
    file: Path,
    annotations: Sequence[CocoAnnotation],
    names: dict[_Id, str],
    size: Size,
    boxes: Boxes | None,
    ignore: frozenset[str],
) -> Marks:
    ids = Ids(names)
    parts: defaultdict[str, list[Runs]] = defaultdict(list)
    shown: set[str] = set()
    faults: list[Fault] = []
    for annotation in annotations:
        category = ids.find(annotation.category_id)
        if category is None:
            message = f"{annotation.label}: category {annotation.category_id} is not in categories; add it, or mend it"
            faults.append(Fault("unknown-class", file, None, image_id, message))
            continue
        of_this = "as-masks" if is_ignored(names[category], ignore) else boxes  # that needs no outline
        if of_this == "as-labels" and is_box(annotation):
            shown.add(names[category])
            continue
        try:
            runs = annotation_runs(annotation, size, boxes=of_this)
        except (RunError, AnnotationError) as error:
            faults.append(Fault(error.kind, file, None, image_id, f"{annotation.label}: {error}"))
            continue
        parts[names[category]].append(runs)
    masks = {} if faults else {name: union(runs, size) for name, runs in parts.items()}
    return Marks(masks, tuple(faults), file, shown=frozenset() if faults else frozenset(shown))
