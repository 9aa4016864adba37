"""Masks in colours, with a legend that says which colour is which class.

DATA/images/strip_001.jpg   masks/strip_001.png   legend.csv (name,r,g,b) or labelmap.txt (name:r,g,b)
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.legend import Legend, colour_marks, find_legend, read_legend
from steelsight.dataset.layouts.listing import Listed, Listing, Marks, Size, second_mask, shared_mask
from steelsight.dataset.model import Fault
from steelsight.imaging.read import list_images

IMAGES, MASKS = "images", "masks"


def looks_like(root: Path) -> bool:
    """Say whether a folder has `images/`, `masks/` and a legend."""
    return (root / IMAGES).is_dir() and (root / MASKS).is_dir() and find_legend(root) is not None


def list_folder(root: Path) -> Listing:
    """List a folder of images and masks in colour.

    Raises:
        UserError: a folder is missing or empty, or there is no legend that can be read.
    """
    file = find_legend(root)
    if file is None:
        raise UserError(f"{root}: no legend here; add legend.csv with the columns name, r, g and b")
    return list_pairs(root, root / IMAGES, root / MASKS, read_legend(file))


def list_pairs(root: Path, images: Path, masks: Path, legend: Legend) -> Listing:
    """List images and the masks of the same names.

    Raises:
        UserError: a folder holds no image.
    """
    for folder in (images, masks):
        if not list_images(folder):
            raise UserError(f"{folder}: no images here; masks in colours lie in {masks}, their images in {images}")
    every: defaultdict[str, list[Path]] = defaultdict(list)
    for path in list_images(masks):
        every[path.stem].append(path)
    pictures = list_images(images)
    seen = Counter(path.stem for path in pictures)
    listed: list[Listed] = []
    faults: list[Fault] = []
    for path in pictures:
        found = every.get(path.stem, [])
        if seen[path.stem] > 1:
            faults.append(shared_mask(path.name, path))
        elif not found:
            message = (
                f"no mask {masks.name}/{path.stem}.png for this image; add it (all background if nothing is there)"
            )
            faults.append(Fault("missing-mask", path, None, path.name, message))
        elif len(found) > 1:
            faults.append(second_mask(path.name, *found[:2]))
        listed.append(Listed(path.name, path, _reader(path.name, found, legend), path))
    for stem in sorted(every.keys() - seen.keys()):
        message = f"no image {images.name}/{stem}.* for this mask; add the image or remove the mask"
        faults.append(Fault("missing-image", every[stem][0], None, None, message))
    used = frozenset(path for paths in every.values() for path in paths)
    return Listing(
        root, "colour-masks", legend.classes, tuple(listed), tuple(faults), owned=(images, masks), masks=used
    )


def _reader(image_id: str, found: list[Path], legend: Legend) -> Callable[[Size], Marks]:
    return lambda size: colour_marks(image_id, found[0], legend, size) if found else Marks({})
