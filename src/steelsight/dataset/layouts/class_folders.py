"""Class folders: a folder per class, in it (or in its `Imgs/`) images, each with a PNG mask of the same name beside it.

A pixel is defect where its mask is above half of the range (> 127 in 8 bit): published masks are smeared. A folder
whose whole name says that it is free of defects, or with nothing but empty masks, is no class.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.good_names import is_good_name
from steelsight.dataset.layouts.listing import (
    Listed,
    Listing,
    Marks,
    Size,
    no_marks,
    second_mask,
    shared_mask,
    wrong_size,
)
from steelsight.dataset.layouts.mask_images import contradicts_alpha, is_photograph
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.model import Fault
from steelsight.imaging.read import ImageError, list_images, read_image
from steelsight.imaging.rle import Runs, encode_mask

INNER = ("Imgs", "imgs", "images")
NO_CLASS = frozenset({"images", "masks"})
"""Folder names of the index-png layout."""


def looks_like(root: Path) -> bool:
    """Say whether any folder in `root` holds an image with its mask beside it."""
    return any(_pairs(folder)[1] for folder in _class_folders(root))


def list_folder(root: Path) -> Listing:
    """List class folders; the classes are those whose masks show a pixel somewhere.

    Raises:
        UserError: no folder holds an image.
    """
    images: list[Listed] = []
    faults: list[Fault] = []
    used: set[Path] = set()
    for folder in _class_folders(root):
        name = folder.relative_to(root).parts[0]
        pictures, masks = _pairs(folder)
        used.update(mask for of in masks.values() for mask in of)
        seen = Counter(path.stem for path in pictures)
        lonely = set(list_images(folder)) - set(pictures) - {mask for of in masks.values() for mask in of}
        for path in pictures:
            mask = next(iter(masks.get(path.stem, ())), None)
            image_id = path.relative_to(root).as_posix()
            images.append(_listed(image_id, path, mask, name))
            if mask is not None and seen[path.stem] > 1:
                faults.append(shared_mask(image_id, path))
            if len(masks.get(path.stem, ())) > 1:
                faults.append(second_mask(image_id, *masks[path.stem][:2]))
            if mask is None and not is_good_name(name):
                message = f"no mask {path.stem}.png beside it; add one, or move the image to a folder named good"
                faults.append(Fault("missing-mask", path, None, image_id, message))
        if is_good_name(name):  # elsewhere an image without a mask is a fault
            bare = {path.relative_to(root).as_posix(): path.stem in masks for path in pictures}
            orphans = [Orphan(path.relative_to(root).as_posix(), path) for path in sorted(lonely)]
            faults += unsure_labels(orphans, bare, {one for one, has_mask in bare.items() if has_mask})
        for path in sorted(lonely):
            message = (
                f"a PNG is a mask in class folders, and no image {path.stem}.* lies beside this one; add its image, or, if "
                "it is a picture itself, save it as BMP or TIFF"
            )
            faults.append(Fault("missing-image", path, None, None, message))
    if not images:
        raise UserError(
            f"{root}: no folder here holds images; the class-folders layout is CLASS/x.jpg with CLASS/x.png"
        )
    return Listing(
        root,
        "class-folders",
        None,
        tuple(images),
        tuple(faults),
        finish=_finish,
        owned=(root,),
        masks=frozenset(used),
    )


def _finish(marks: Mapping[str, Marks]) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """Say which folders count as free of defects for their empty masks alone: somebody may have forgotten to draw."""
    of_folder: defaultdict[str, list[int]] = defaultdict(list)
    for one in marks.values():
        for name, runs in one.masks.items():
            of_folder[name].append(runs.area)
    return (), tuple(
        f"folder {name}: none of its {len(areas)} masks shows a pixel, so its images count as defect-free"
        for name, areas in sorted(of_folder.items())
        if not any(areas)
    )


def _class_folders(root: Path) -> list[Path]:
    """The folder of images of every class, by name."""
    folders = sorted(
        path for path in root.iterdir() if path.is_dir() and path.name not in NO_CLASS and not path.name.startswith(".")
    )
    inner = [next((folder / name for name in INNER if (folder / name).is_dir()), folder) for folder in folders]
    return [folder for folder in inner if list_images(folder)]


def _pairs(folder: Path) -> tuple[list[Path], dict[str, list[Path]]]:
    """The images of a class folder, and the masks of each stem that has one."""
    files = list_images(folder)
    pictures = [path for path in files if path.suffix.lower() != ".png"]
    stems = {path.stem for path in pictures}
    masks: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files:
        if path.suffix.lower() == ".png" and path.stem in stems:
            masks[path.stem].append(path)
    return pictures, masks


def _listed(image_id: str, path: Path, mask: Path | None, name: str) -> Listed:
    if mask is None:
        return Listed(image_id, path, no_marks, path)
    return Listed(image_id, path, lambda size: mask_marks(image_id, mask, name, size), path)


def mask_marks(image_id: str, file: Path, name: str, size: Size) -> Marks:
    """The marks of an image whose mask is white where class `name` is; none may be, where the name means free of defects."""
    try:
        mask = read_image(file)
    except ImageError as error:
        return Marks({}, (Fault("unreadable-mask", file, None, image_id, error.sentence),))
    if mask.shape[:2] != size:
        return Marks({}, (wrong_size(image_id, file, None, (mask.shape[0], mask.shape[1]), size),))
    if mask.ndim != 2:
        message = "a mask in colour; save it in grey, white (255) where the defect is"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    if is_photograph(mask):
        message = "a photograph, not a mask: most of its pixels are neither black nor white; put the mask in its place"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    half = 127 if mask.dtype.itemsize == 1 else 32767
    runs: Runs = encode_mask(mask > half)
    if contradicts_alpha(file, mask > half):
        message = "its transparency draws another mask than its colours; save it in grey without alpha"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    if not runs.area and mask.any():
        message = f"no pixel above {half}, and yet not black; save it with {2 * half + 1} where the defect is"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    if not is_good_name(name):
        return Marks({name: runs}, (), file)
    if not runs.area:
        return Marks({})
    message = f"{runs.area} pixels of defect in a folder named {name}; move the image to its class or empty the mask"
    return Marks({}, (Fault("unexpected-mask", file, None, image_id, message),))
