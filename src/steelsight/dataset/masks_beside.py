"""Masks among the images of a folder: label files that nobody wants to have judged as if they were pictures of steel.

A folder of labelled images often holds its masks too, beside the images (`x.jpg` with `x.png` or `x_mask.png`) or in a
folder of their own (`masks/x.png`). A file is taken for a mask only if all of this holds: its name belongs to an image, it is
stored without loss, it is as large as the image, and its pixels have few values; and if that is so of every such file of its
folder, but not of the images. Otherwise nothing is taken out: a picture that is not judged is worse than a mask that is.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.safe_names import nearly, same_but_for_spelling
from steelsight.dataset.layouts.mask_images import read_mask
from steelsight.imaging.read import ImageError

_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff"})
_FOLDER = re.compile(r"(masks?|labels?|gt|ground[ _-]?truth|annotations?|seg|segmentation(class|object)?)")
_VALUES, _SHARE = 16, 0.98
"""So many values make up this share of a mask at least. Of 1,051 masks of magnetic tiles, smeared by a lossy step, none lies
below 0.985; of 400 of the images, none above 0.76; of photographed strips, which may be mostly black, none above 0.978."""
_LOOKED_AT = 16  # images whose pixels are held against those of their masks


def masks_beside(root: Path, images: Sequence[Path]) -> list[Path]:
    """Which of the images in a folder and below it are masks of others of them, in the order given.

    Reads the files whose names say that they may be masks, and no other but a few of the images that they belong to.
    """
    groups: defaultdict[Path, dict[Path, Path]] = defaultdict(dict)
    for mask, image in _pairs(root, images):
        groups[mask.parent][mask] = image
    masks = {mask for pairs in groups.values() if _are_masks(pairs) for mask in pairs}
    return [path for path in images if path in masks]


def _pairs(root: Path, images: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each file that by its name may be a mask, with the image that it would be the mask of."""
    if not any(path.suffix.lower() in _LOSSLESS for path in images):
        return []  # of a million JPEGs no name is looked at
    folder_of = {path: _mask_folder(root, path) for path in images}
    pictures: defaultdict[str, list[Path]] = defaultdict(list)
    for path, folder in folder_of.items():
        if folder is None:
            pictures[nearly(path.name)].append(path)
    pairs = []
    for path, folder in folder_of.items():
        if path.suffix.lower() not in _LOSSLESS:
            continue
        same = pictures.get(nearly(path.name), [])
        of = [one for one in same if _is_beside(path, one) if folder is None] or [
            one for one in same if folder is not None and _is_across(path, folder, one)
        ]
        if len(of) == 1:
            pairs.append((path, of[0]))
    return pairs


def _mask_folder(root: Path, path: Path) -> Path | None:
    """The folder between `root` and a file whose whole name says that masks are in it; None if there is none."""
    parts = path.relative_to(root).parts[:-1]
    place = next((place for place, part in enumerate(parts) if _FOLDER.fullmatch(part.lower())), None)
    return None if place is None else root.joinpath(*parts[: place + 1])


def _is_beside(mask: Path, image: Path) -> bool:
    """Whether names in one folder are those of an image and its mask: the mask's has a word for it at the end, or the two
    differ in their suffixes alone, and only that of the mask is one of a PNG."""
    if mask.parent != image.parent or mask == image:
        return False
    if mask.stem == image.stem:
        return mask.suffix.lower() == ".png" and image.suffix.lower() != ".png"
    return same_but_for_spelling(mask.stem).startswith(same_but_for_spelling(image.stem))


def _is_across(mask: Path, folder: Path, image: Path) -> bool:
    """Whether an image lies beside the folder of masks as its mask lies in it: `test/scratch/0.png` for
    `ground_truth/scratch/0_mask.png`."""
    if not image.is_relative_to(folder.parent):
        return False
    inside = mask.relative_to(folder).parts[:-1]
    return not inside or image.parent.parts[-len(inside) :] == inside


def _are_masks(pairs: dict[Path, Path]) -> bool:
    every = list(pairs.items())
    looked_at = {image for _, image in every[:: max(1, len(every) // _LOOKED_AT)]}
    for mask, image in every:
        pixels = _read(mask)
        if pixels is None or not _has_few_values(pixels):
            return False
        if image in looked_at:
            picture = _read(image)
            if picture is None or picture.shape[:2] != pixels.shape[:2] or _has_few_values(picture):
                return False
    return True


def _read(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    try:
        return read_mask(path)
    except ImageError:
        return None


def _has_few_values(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bool:
    """Whether 16 grey values or colours are almost all that there is."""
    flat = pixels.reshape(-1, pixels.shape[2] if pixels.ndim == 3 else 1).astype(np.uint64)
    values = sum((flat[:, channel] << np.uint64(16 * channel) for channel in range(1, flat.shape[1])), flat[:, 0])
    counts = np.sort(np.unique(values, return_counts=True)[1])[::-1]
    return bool(counts[:_VALUES].sum() >= _SHARE * len(values))
