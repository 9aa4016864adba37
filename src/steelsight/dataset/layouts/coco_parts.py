"""Several COCO files as one dataset: the parts of a split (train, valid, test), whose ids of classes may differ.

Classes are matched by their names. An image of `train/` is called `train/NAME`. Files that speak of the same images are no
parts, and which of them counts is for the user to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.listing import Listed, Listing, Marks, Size
from steelsight.dataset.model import Fault

_MOST_FILES = 3  # JSON files of a folder that is a part: labelme has one for each image


def files_of_parts(root: Path) -> list[Path]:
    """The JSON files in the folders of a folder, of those with few of them."""
    found: list[Path] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        inside = sorted(folder.glob("*.json"))
        found += inside if len(inside) <= _MOST_FILES else []
    return found


def base_of(root: Path, file: Path) -> Path:
    """The folder in which a file's images are: its own, but the one around `annotations/`."""
    return root if file.parent in (root, root / "annotations") else file.parent


def joined(root: Path, listings: Sequence[Listing], files: Sequence[Path]) -> Listing:
    """One listing of the parts.

    Raises:
        UserError: two of them list the same image.
    """
    names = [path.relative_to(root).as_posix() for path in files]
    do = "do" if len(files) > 1 else "does"
    paths = [{image.path for image in listing.images} for listing in listings]
    if len(set().union(*paths)) < sum(map(len, paths)):
        raise UserError(
            f"{root}: several COCO files that list the same images, so that they are no parts of one dataset "
            f"({', '.join(names)}); name the one you mean: {files[0]}"
        )
    classes = dict.fromkeys(name for listing in listings for name in listing.classes or ())
    images: list[Listed] = []
    faults: list[Fault] = []
    together = f"{len(files)} COCO files are read together, classes by their names: {', '.join(names)}"
    notes = [together] if len(files) > 1 else []
    for name, listing in zip(names, listings, strict=True):
        prefix = "" if listing.root == root else f"{listing.root.relative_to(root).as_posix()}/"
        images += [_called(image, prefix) for image in listing.images]
        faults += [_of(fault, prefix) for fault in listing.faults]
        notes += [f"{name}: {note}" for note in listing.notes]
    return replace(
        listings[0],
        root=root,
        classes=tuple(classes),
        images=tuple(images),
        faults=tuple(faults),
        notes=tuple(notes),
        owned=tuple(dict.fromkeys(path for listing in listings for path in listing.owned)),
        unlisted=f"{', '.join(names)} {do} not list them, so nobody knows whether they show a defect; list them, or take "
        "them out",
    )


def _called(image: Listed, prefix: str) -> Listed:
    return replace(image, image_id=prefix + image.image_id, marks=_marks(image.marks, prefix)) if prefix else image


def _marks(marks: Callable[[Size], Marks], prefix: str) -> Callable[[Size], Marks]:
    def read(size: Size) -> Marks:
        found = marks(size)
        return replace(found, faults=tuple(_of(fault, prefix) for fault in found.faults))

    return read


def _of(fault: Fault, prefix: str) -> Fault:
    return fault if fault.image_id is None else replace(fault, image_id=prefix + fault.image_id)
