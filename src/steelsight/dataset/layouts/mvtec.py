"""MVTec AD and anomalib: good images to learn from, and defective ones with a mask each.

    DATA/train/good/000.png
    DATA/test/good/000.png   test/scratch/000.png
    DATA/ground_truth/scratch/000_mask.png

The folders below `test/` are the classes. A pixel is defect where its mask is above half of the range. An image of a defect
without `ground_truth/` of its class is one of which only the class is known.
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.class_folders import mask_marks
from steelsight.dataset.layouts.good_names import is_good_name
from steelsight.dataset.layouts.listing import Listed, Listing, Marks, Size, no_marks, second_mask, shared_masks
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.model import Fault
from steelsight.imaging.read import ImageError, list_images, read_image

TRAIN, TEST, TRUTH = "train", "test", "ground_truth"
_SUFFIXES = ("_mask", "")


def looks_like(root: Path) -> bool:
    """Say whether a folder has `train/good/` and `test/` with folders of images."""
    return (root / TEST).is_dir() and any(is_good_name(folder.name) for folder in _folders(root / TRAIN))


def list_folder(root: Path) -> Listing:
    """List a folder of MVTec AD's layout.

    Raises:
        UserError: it holds no image.
    """
    images: list[Listed] = []
    faults: list[Fault] = []
    used: set[Path] = set()
    images_of: defaultdict[Path, list[tuple[str, Path]]] = defaultdict(list)
    classes: set[str] = set()
    weak: list[str] = []
    for folder in (*_folders(root / TRAIN), *_folders(root / TEST)):
        good = is_good_name(folder.name)
        truth = root / TRUTH / folder.name
        # of images to learn from nobody draws a mask; those of test/good may be empty ones
        learned = good and folder.parent.name == TRAIN
        masks: defaultdict[str, list[Path]] = defaultdict(list)
        for path in [] if learned else list_images(truth):
            masks[path.stem].append(path)
        if not good:
            classes.add(folder.name)
        if not good and not masks:
            weak.append(folder.name)
        for path in list_images(folder):
            image_id = path.relative_to(root).as_posix()
            found = [mask for suffix in _SUFFIXES for mask in masks.get(f"{path.stem}{suffix}", [])]
            if found:
                used.update(found)
                images_of[found[0]].append((image_id, path))
                if len(found) > 1:
                    faults.append(second_mask(image_id, *found[:2]))
                images.append(Listed(image_id, path, _reader(image_id, found[0], folder.name), path))
            elif good:
                images.append(Listed(image_id, path, no_marks, path))
            elif masks:
                message = f"no mask {TRUTH}/{folder.name}/{path.stem}_mask.png for this image; add it"
                faults.append(Fault("missing-mask", path, None, image_id, message))
                images.append(Listed(image_id, path, no_marks, path))
            else:
                images.append(Listed(image_id, path, _shown(folder.name), path))
    faults += shared_masks(images_of, root)
    for folder in _folders(root / TRUTH):
        message = f"no image in {TEST}/{folder.name} for this mask; add the image or remove the mask"
        lonely = [path for path in list_images(folder) if path not in used]
        if is_good_name(folder.name):  # elsewhere an image without a mask is a fault
            place = f"{TEST}/{folder.name}/"
            there = {one.image_id: one.marks is not no_marks for one in images if one.image_id.startswith(place)}
            orphans = [Orphan(place + path.name, path) for path in lonely if _shows_a_pixel(path)]
            faults += unsure_labels(orphans, there, {one for one, has_mask in there.items() if has_mask})
        faults += [Fault("missing-image", path, None, None, message) for path in lonely]
        used.update(lonely)
    if not images:
        raise UserError(f"{root}: no images here; MVTec AD keeps them in {TRAIN}/good/ and {TEST}/CLASS/")
    notes = tuple(
        f"folder {TEST}/{name}: there is no {TRUTH}/{name}, so nobody knows where its images show {name}"
        for name in weak
    )
    return Listing(
        root,
        "mvtec",
        tuple(sorted(classes)) or None,
        tuple(images),
        tuple(faults),
        notes,
        owned=tuple(root / name for name in (TRAIN, TEST, TRUTH) if (root / name).is_dir()),
        masks=frozenset(used),
    )


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _shows_a_pixel(mask: Path) -> bool:
    """Whether a mask is not empty, or cannot be read, so that it may be none."""
    try:
        return bool(read_image(mask).any())
    except ImageError:
        return True


def _reader(image_id: str, mask: Path, name: str) -> Callable[[Size], Marks]:
    return lambda size: mask_marks(image_id, mask, name, size)


def _shown(name: str) -> Callable[[Size], Marks]:
    return lambda _: Marks({}, shown=frozenset({name}))
