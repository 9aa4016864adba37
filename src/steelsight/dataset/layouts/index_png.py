"""Index masks: `images/` and `masks/`, one mask per image under the same name; 0 is background, 1.. are the classes.

Class names come from `classes.txt` (one a line, the first line for index 1; a leading `background` is skipped) or from
an `index.csv` whose header has columns such as `inclusion_1,patches_2`; otherwise they are the indices that occur.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.layouts.listing import Listed, Listing, Marks, Size, shared_mask, wrong_size
from steelsight.dataset.layouts.masks import read_mask
from steelsight.dataset.layouts.severstal import header
from steelsight.dataset.model import Fault
from steelsight.errors import UserError
from steelsight.images import ImageError, list_images
from steelsight.rle import Runs, encode_mask

IMAGES, MASKS = "images", "masks"

_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff"})
_MOST_VALUES = 64  # a mask with more grey values than this was resized or saved as JPEG
_NAMED_INDEX = re.compile(r"(.+)_([1-9][0-9]*)", re.ASCII)


def looks_like(root: Path) -> bool:
    """Say whether a folder has `images/` and `masks/`."""
    return (root / IMAGES).is_dir() and (root / MASKS).is_dir()


def list_folder(root: Path) -> Listing:
    """List a folder of images and index masks.

    Raises:
        UserError: a folder is missing or empty, or the class names are unusable.
    """
    for folder in (root / IMAGES, root / MASKS):
        if not list_images(folder):
            raise UserError(
                f"{folder}: no images here; the index-png layout keeps images in {IMAGES}/, masks in {MASKS}/"
            )
    names = _class_names(root)
    masks = {path.stem: path for path in list_images(root / MASKS) if path.suffix.lower() in _LOSSLESS}
    images: list[Listed] = []
    faults: list[Fault] = []
    found = list_images(root / IMAGES)
    seen = Counter(path.stem for path in found)
    for path in found:
        mask = masks.get(path.stem)
        if seen[path.stem] > 1:
            faults.append(shared_mask(path.name, path))
        elif mask is None:
            message = f"no mask {MASKS}/{path.stem}.png for this image; add it (all 0 where nothing is there)"
            faults.append(Fault("missing-mask", path, None, path.name, message))
        images.append(_listed(path, mask or root / MASKS / f"{path.stem}.png", names))
    for stem in sorted(masks.keys() - seen.keys()):
        message = f"no image {IMAGES}/{stem}.* for this mask; add the image or remove the mask"
        faults.append(Fault("missing-image", masks[stem], None, None, message))
    owned = (root / IMAGES, root / MASKS)
    return Listing(root, "index-png", names, tuple(images), tuple(faults), owned, frozenset(masks.values()))


def _listed(path: Path, mask: Path, names: tuple[str, ...] | None) -> Listed:
    def marks(size: Size) -> Marks:
        return _marks(path.name, mask, names, size) if mask.is_file() else Marks({})

    return Listed(path.name, path, marks, path)


def _marks(image_id: str, file: Path, names: tuple[str, ...] | None, size: Size) -> Marks:
    try:
        mask = read_mask(file)
    except ImageError as error:
        return Marks({}, (Fault("unreadable-mask", file, None, image_id, error.sentence),))
    if mask.shape[:2] != size:
        return Marks({}, (wrong_size(image_id, file, None, (mask.shape[0], mask.shape[1]), size),))
    values = _values(mask)
    if values is None:
        message = (
            f"colours or more than {_MOST_VALUES} grey values; an index mask holds 0 for background and 1.. for classes"
        )
        return Marks({}, (Fault("not-an-index-mask", file, None, image_id, message),))
    unknown = [value for value in values if names is not None and value > len(names)]
    if names is not None and unknown:
        message = f"value {unknown[0]}; the {len(names)} named classes are 1 to {len(names)} ({', '.join(names)})"
        return Marks({}, (Fault("unknown-class", file, None, image_id, message),))
    masks: dict[str, Runs] = {}
    for value in values:
        masks[str(value) if names is None else names[value - 1]] = encode_mask(mask == value)
    return Marks(masks, (), file)


def _values(mask: NDArray[np.generic]) -> list[int] | None:
    """The indices that occur, without 0; None where this is no index mask."""
    if mask.ndim != 2:
        return None
    values = np.flatnonzero(np.bincount(mask.ravel()))
    return None if values.size > _MOST_VALUES else [int(value) for value in values if value]


def _class_names(root: Path) -> tuple[str, ...] | None:
    listed, table = root / "classes.txt", root / "index.csv"
    if listed.is_file():
        names = [line.strip() for line in _text(listed).splitlines()]
        names = [name for name in names if name]
        names = names[1:] if names and names[0].lower() == "background" else names
        if not names or len(set(names)) < len(names):
            raise UserError(f"{listed}: {len(names)} names; it must hold one different name a line, index 1 first")
        return tuple(names)
    if table.is_file():
        found = {int(match[2]): match[1] for match in map(_NAMED_INDEX.fullmatch, header(table)) if match}
        if found and sorted(found) == list(range(1, len(found) + 1)) and len(set(found.values())) == len(found):
            return tuple(found[index] for index in sorted(found))
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not text in UTF-8 (byte {error.start + 1}); save it again as UTF-8") from error
