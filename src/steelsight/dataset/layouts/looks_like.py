"""What a folder that fits no layout looks like, and the one thing to do about it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from steelsight.core.commands import command
from steelsight.dataset.layouts import (
    class_folders,
    coco,
    colour_masks,
    index_png,
    label_studio,
    labelme,
    mvtec,
    severstal,
    voc,
    yolo,
)
from steelsight.dataset.layouts.xml_file import root_tag
from steelsight.imaging.folders import look_below
from steelsight.imaging.read import IMAGE_SUFFIXES, list_images

_LOOKED_AT = 2000  # files, from which on a folder has shown what it is
_ARCHIVES = (".zip", ".tar", ".gz", ".7z", ".rar")
_MASK_WORDS = ("mask", "masks", "label", "labels", "gt", "ground_truth", "groundtruth", "annotations", "annotation")


def looks_like(root: Path) -> str:
    """Say what a folder looks like, and which command or export helps: two or three sentences."""
    inside = _folder_that_fits(root)
    if inside is not None:
        return f"The labels are one folder down: {command('data check', inside)}"
    names = Counter(path.suffix.lower() for path in _files(root))
    images = sum(names[suffix] for suffix in IMAGE_SUFFIXES)
    found = _by_file(root, names, images)
    return found or _by_folder(root, images)


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for path in root.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts):
            found.append(path)
        if len(found) >= _LOOKED_AT:
            break
    return found


def _folder_that_fits(root: Path) -> Path | None:
    """The only folder below that a layout fits, as one that an archive was unpacked into."""
    try:
        folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
        fitting = [folder for folder in folders if _fits(folder)]
    except OSError:
        return None
    return fitting[0] if len(fitting) == 1 else None


def _fits(root: Path) -> bool:
    return bool(
        severstal.candidates(root)
        or index_png.looks_like(root)
        or colour_masks.looks_like(root)
        or class_folders.looks_like(root)
        or coco.candidates(root)
        or labelme.candidates(root)
        or any(root_tag(path) == "annotations" for path in root.glob("*.xml"))
        or voc.looks_like(root)
        or label_studio.candidates(root)
        or mvtec.looks_like(root)
        or yolo.looks_like(root)
    )


def _by_file(root: Path, names: Counter[str], images: int) -> str | None:
    """What a kind of file gives away."""
    archives = sorted(path for suffix in _ARCHIVES for path in root.glob(f"*{suffix}"))
    if archives and not images:
        return f"It holds an archive: unpack {archives[0].name}, and check the folder that comes out of it."
    if names[".json"]:
        return (
            f"It has {names['.json']} JSON files, of neither labelme, COCO nor Label Studio. Export them as COCO with "
            f"masks or "
            "polygons (from CVAT: COCO 1.0; from Label Studio: JSON), and put that file beside the images."
        )
    if names[".xml"]:
        return (
            f"It has {names['.xml']} XML files, of neither CVAT for images 1.1 nor Pascal VOC. Export them from CVAT as "
            "`CVAT for images 1.1`, or from another tool as COCO."
        )
    if names[".npy"] or names[".mat"] or names[".h5"]:
        kind = next(suffix for suffix in (".npy", ".mat", ".h5") if names[suffix])
        return (
            f"It has masks or images in {kind} files, which are not read. Save each mask as a PNG: images/x.jpg, "
            f"masks/x.png."
        )
    if names[".txt"]:
        return (
            f"It has {names['.txt']} text files. If they are YOLO's, put them into labels/, the images into images/, "
            f"and the names "
            "of the classes into data.yaml (names: [first, second])."
        )
    if names[".csv"] or names[".xlsx"]:
        return (
            "It has a table without run lengths. If it says what each image shows, name it labels.csv, with the "
            "columns image "
            "and class (good where nothing is there)."
        )
    return None


def _by_folder(root: Path, images: int) -> str:
    """What folders of images give away."""
    if not images:
        others, left_out = look_below(root)
        if not others and left_out:
            return f"It has no image that is read: {left_out[0].reason}. Save them as PNG or JPEG."
        return "It has neither images nor labels. Name the folder that holds both."
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    masks = [folder for folder in folders if folder.name.lower() in _MASK_WORDS and list_images(folder)]
    others = [folder for folder in folders if folder not in masks and list_images(folder)]
    if masks and others:
        return (
            f"It has images in {others[0].name}/ and what may be masks in {masks[0].name}/. Name them images/ and "
            f"masks/, each mask "
            "like its image: 0 for background and 1, 2, ... for the classes; with masks in colours, add legend.csv "
            "(name,r,g,b)."
        )
    if list_images(root) and _pairs_by_word(list_images(root)):
        return (
            "It has images and masks side by side. Put the images into images/ and the masks, named like them, "
            "into masks/."
        )
    if len(others) > 1 and not list_images(root):
        named = ", ".join(folder.name for folder in others[:4])
        return (
            f"It has a folder of images for each of {named}, without masks. If the folders are classes, write "
            "labels.csv with the "
            "columns image and class (good where nothing is there), which tells what images show but not where; some "
            "masks are needed beside it."
        )
    return (
        f"It has {images} images without labels. Draw masks in labelme, CVAT or Label Studio and keep what they save "
        f"beside the "
        f"images; to judge images without labels, {command('inspect', 'INSPECTOR', root, out='DIR')}."
    )


def _pairs_by_word(images: Iterable[Path]) -> bool:
    stems = {path.stem for path in images}
    return any(f"{stem}_{word}" in stems for stem in stems for word in _MASK_WORDS)
