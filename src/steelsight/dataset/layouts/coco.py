"""COCO JSON: `images`, `annotations`, `categories`; polygons, uncompressed and compressed run lengths.

The classes are all categories, in the order of their ids. An image without an annotation is defect-free. Image files
are looked for beside the JSON and in an `images/` folder there or in DATA.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steelsight.dataset.layouts.listing import (
    Listed,
    Listing,
    Marks,
    Size,
    is_safe_name,
    no_marks,
    union,
    unsafe_name,
    wrong_size,
)
from steelsight.dataset.layouts.polygon import polygon_runs
from steelsight.dataset.model import Fault
from steelsight.errors import UserError
from steelsight.images import is_image_name
from steelsight.rle import RunError, Runs, from_coco_counts

_OUTSIDE = 1.0  # pixels by which a hand-drawn corner may miss the image


class CocoImage(BaseModel):
    """One entry of `images`."""

    id: int | str
    file_name: str
    width: int | None = None
    height: int | None = None


class CocoCounts(BaseModel):
    """Run lengths of an annotation: a list, or a string where they are compressed; size is height, width."""

    size: tuple[int, int]
    counts: list[int] | str


class CocoAnnotation(BaseModel):
    """One entry of `annotations`."""

    id: int | str | None = None
    image_id: int | str
    category_id: int | str
    segmentation: CocoCounts | list[list[float]] | None = None


class CocoCategory(BaseModel):
    """One entry of `categories`."""

    id: int | str
    name: str


class CocoFile(BaseModel):
    """The parts of a COCO file that are read; other fields are left alone."""

    model_config = ConfigDict(extra="ignore")

    images: list[CocoImage] = Field(min_length=1)
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory] = Field(min_length=1)


class _AnnotationError(Exception):
    """What is wrong with the segmentation of one annotation."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def candidates(root: Path) -> list[Path]:
    """The JSON files of a folder, or of its `annotations/`, that hold images and annotations."""
    found = sorted(root.glob("*.json")) + sorted((root / "annotations").glob("*.json"))
    return [path for path in found if _mentions_both(path)]


def list_folder(root: Path, table: Path | None = None) -> Listing:
    """List a COCO folder; `table` says which JSON where there are several.

    Raises:
        UserError: no JSON or several, no JSON at all inside, or a field of COCO is missing.
    """
    file = table or _choose(root)
    content = _load(file)
    names = {category.id: category.name for category in sorted(content.categories, key=_by_id)}
    if len(set(names.values())) < len(content.categories):
        raise UserError(f"{file}: two categories share an id or a name; each class needs its own")
    faults: list[Fault] = []
    by_image = _annotations_by_image(content, file, faults)
    images: list[Listed] = []
    ids = Counter(image.id for image in content.images)
    taken: set[str] = set()
    for image in content.images:
        name = str(PurePosixPath(image.file_name))
        if not is_safe_name(name) or not is_image_name(Path(name)):
            faults.append(unsafe_name(image.file_name, file, None))
        elif name in taken:
            message = f"image {name} (id {image.id}) is listed twice; keep one entry"
            faults.append(Fault("duplicate-row", file, None, name, message))
        elif ids[image.id] > 1:  # its annotations may be those of another image
            message = f"image {name} shares its id {image.id} with another; give each its own, in its annotations too"
            faults.append(Fault("duplicate-row", file, None, name, message))
        else:
            images.append(_listed(name, root, file, image, by_image[image.id], names))
        taken.add(name)
    return Listing(root, "coco", tuple(names.values()), tuple(images), tuple(faults), (root,))


def _choose(root: Path) -> Path:
    found = candidates(root)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"{root}: no JSON here holds images and annotations; add the COCO file beside the images")
    names = ", ".join(path.relative_to(root).as_posix() for path in found)
    raise UserError(f"{root}: several COCO files ({names}); name the one you mean: {found[0]}")


def _mentions_both(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    return b'"images"' in text and b'"annotations"' in text


def _load(file: Path) -> CocoFile:
    try:
        return CocoFile.model_validate(json.loads(file.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{file}, line {error.lineno}: not JSON ({error.msg}); export it again") from None
    except UnicodeDecodeError:
        raise UserError(f"{file}: not JSON in UTF-8; export it again") from None
    except RecursionError:
        raise UserError(f"{file}: nested deeper than any COCO file; export it again") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{file}: {place}: {first['msg']}; a COCO file has images, annotations, categories") from None
    except ValueError:  # Python's own limit, which is there against endless conversion
        raise UserError(f"{file}: a number in it has thousands of digits; export it again") from None


def _by_id(category: CocoCategory) -> tuple[int, int | str]:
    return (0, category.id) if isinstance(category.id, int) else (1, category.id)


def _annotations_by_image(
    content: CocoFile, file: Path, faults: list[Fault]
) -> defaultdict[int | str, list[CocoAnnotation]]:
    known = {image.id for image in content.images}
    names = {image.id: str(PurePosixPath(image.file_name)) for image in content.images}
    seen: dict[tuple[Any, ...], CocoAnnotation] = {}
    by_image: defaultdict[int | str, list[CocoAnnotation]] = defaultdict(list)
    for annotation in content.annotations:
        if annotation.image_id not in known:
            message = (
                f"annotation {annotation.id} belongs to image {annotation.image_id}, which is not in images; add it"
            )
            faults.append(Fault("missing-image", file, None, None, message))
            continue
        key = (annotation.image_id, annotation.category_id, repr(annotation.segmentation))
        if annotation.segmentation and key in seen:
            message = f"annotation {annotation.id} repeats annotation {seen[key].id}; keep one"
            faults.append(Fault("duplicate-row", file, None, names[annotation.image_id], message))
            continue
        seen[key] = annotation
        by_image[annotation.image_id].append(annotation)
    return by_image


def _listed(
    name: str,
    root: Path,
    file: Path,
    image: CocoImage,
    annotations: list[CocoAnnotation],
    names: dict[int | str, str],
) -> Listed:
    folders = dict.fromkeys((file.parent, file.parent / "images", root, root / "images"))
    path = next((folder / name for folder in folders if (folder / name).is_file()), file.parent / name)
    if not annotations and image.width is None:
        return Listed(name, path, no_marks, file)

    def marks(size: Size) -> Marks:
        stated = (image.height, image.width)
        if stated[0] is not None and stated[1] is not None and stated != size:
            return Marks({}, (wrong_size(name, file, None, (stated[0], stated[1]), size),))
        return _marks(name, file, annotations, names, size)

    return Listed(name, path, marks, file)


def _marks(
    image_id: str, file: Path, annotations: list[CocoAnnotation], names: dict[int | str, str], size: Size
) -> Marks:
    parts: defaultdict[str, list[Runs]] = defaultdict(list)
    faults: list[Fault] = []
    for annotation in annotations:
        label = f"annotation {annotation.id}"
        if annotation.category_id not in names:
            message = f"{label}: category {annotation.category_id} is not in categories; add it or mend the annotation"
            faults.append(Fault("unknown-class", file, None, image_id, message))
            continue
        try:
            runs = _runs(annotation, size)
        except (RunError, _AnnotationError) as error:
            faults.append(Fault(error.kind, file, None, image_id, f"{label}: {error}"))
            continue
        if runs.area:
            parts[names[annotation.category_id]].append(runs)
        else:
            message = f"{label}: no pixel in its mask; remove it or draw it again"
            faults.append(Fault("empty-mask", file, None, image_id, message))
    masks = {} if faults else {name: union(runs, size) for name, runs in parts.items()}
    return Marks(masks, tuple(faults), file)


def _runs(annotation: CocoAnnotation, size: Size) -> Runs:
    segmentation = annotation.segmentation
    if not segmentation:
        raise _AnnotationError("missing-mask", "no segmentation; a box alone says nothing about pixels, draw the mask")
    if isinstance(segmentation, CocoCounts):
        if segmentation.size != size:
            raise _AnnotationError(
                "wrong-size", f"run lengths of {segmentation.size} where the image is {size} (height, width)"
            )
        return from_coco_counts(segmentation.counts, size)
    return union([_polygon(numbers, size) for numbers in segmentation], size)


def _polygon(numbers: list[float], size: Size) -> Runs:
    if len(numbers) % 2 or len(numbers) < 6:
        raise _AnnotationError("bad-polygon", f"a polygon of {len(numbers)} numbers; x and y of at least three corners")
    points = np.array(numbers, np.float64).reshape(-1, 2)
    limit = np.array([size[1], size[0]]) + _OUTSIDE
    if not np.isfinite(points).all() or (points < -_OUTSIDE).any() or (points > limit).any():
        far = points[~((points >= -_OUTSIDE) & (points <= limit)).all(axis=1)][0]
        raise _AnnotationError(
            "polygon-out-of-range", f"corner x {far[0]:g}, y {far[1]:g} lies outside the {size[1]} x {size[0]} image"
        )
    return polygon_runs(points, size)
