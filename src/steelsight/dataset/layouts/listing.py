"""What a layout says before any image is opened: its images, what each is said to show, and the faults so far."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_ignore
from steelsight.dataset.model import Fault, Layout
from steelsight.imaging.rle import Runs, decode_runs, encode_mask, shared_area

Size = tuple[int, int]

UNNAMED = ""
"""Stands in `Marks.shown` for a defect of which nobody says what it is."""

Boxes = Literal["as-masks", "as-labels"]
"""What a box counts as, where no outline is drawn: all its pixels, or its class as something that the image shows."""

_LONGEST_NAME = 255
"""Bytes, in most file systems; a longer one is refused by the system in words of its own."""


@dataclass(frozen=True)
class Marks:
    """What the annotation of one image holds.

    Attributes:
        masks: runs of each class that is marked, by class name. Empty runs stand for a mask without a pixel: a fault,
            unless no image at all shows the class.
        faults: what is wrong with the annotation.
        file, line: where the annotation stands, for faults that are found later.
        shown: classes that the image is said to show, or `UNNAMED`, of which nobody says where. Where there is one, the
            masks are not all that there is to see.
        doubled: shapes that lie on the very outline of one of another class, in words.
        ignored: pixels that are not to be judged, whatever else is marked there.
    """

    masks: Mapping[str, Runs]
    faults: tuple[Fault, ...] = ()
    file: Path | None = None
    line: int | None = None
    shown: frozenset[str] = frozenset()
    doubled: tuple[str, ...] = ()
    ignored: Runs = field(default_factory=Runs.empty)


@dataclass(frozen=True)
class Listed:
    """One image as its layout lists it.

    Attributes:
        image_id: see `Sample`.
        path: the image file, which may be missing.
        marks: reads the annotation, given the image's height and width.
        source, line: what lists the image, for the fault of a missing one.
    """

    image_id: str
    path: Path
    marks: Callable[[Size], Marks]
    source: Path
    line: int | None = None


@dataclass(frozen=True)
class Listing:
    """A layout, listed.

    Attributes:
        classes: names in order; None where they are those that the masks show.
        images: in the order of the dataset.
        faults: what was found so far.
        notes: what was taken to be so, one sentence each.
        finish: looks at the marks of all images together, once they are read.
        owned: folders whose images are all meant, with what is below them: what is not read of them is named.
        masks: files of masks, by whatever image they are used.
        unlisted: why an image in these folders is not read, and the mend; None for the words that fit most layouts.
        ignored_beside: a name that means what is not to be judged, once there are masks of others; None where no name does.
    """

    root: Path
    layout: Layout
    classes: tuple[str, ...] | None
    images: tuple[Listed, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    finish: "Finish | None" = None
    owned: tuple[Path, ...] = ()
    masks: frozenset[Path] = frozenset()
    unlisted: str | None = None
    ignored_beside: str | None = None


Finish = Callable[[Mapping[str, Marks]], tuple[tuple[Fault, ...], tuple[str, ...]]]
"""From the marks of all images, by image, to faults and notes."""


def is_ignored(name: str, ignore: frozenset[str]) -> bool:
    """Whether a label means what is not to be judged: by its name, or since the user says so."""
    return name in ignore or is_ignore(name)


def only_file(root: Path, found: Sequence[Path], none: str, several: str) -> Path:
    """The one label file of a folder.

    Args:
        none, several: what is said where there is none, and what they are called where there are several.

    Raises:
        UserError: there is none, or there are several.
    """
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"{root}: {none}")
    names = ", ".join(path.relative_to(root).as_posix() for path in found)
    raise UserError(f"{root}: several {several} ({names}); name the one you mean: {found[0]}")


def no_marks(_: Size) -> Marks:
    """The annotation of an image without a defect."""
    return Marks({})


def is_safe_name(name: str) -> bool:
    """Say whether an image name stays inside its folder, and can be one: relative, forward slashes, no `..`."""
    path = PurePosixPath(name)
    inside = bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
    return (
        inside
        and "\0" not in name
        and all(len(part.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME for part in path.parts)
    )


def with_slashes(name: str) -> str:
    r"""A path as Windows writes it with forward slashes, and without a `./` before it.

    >>> with_slashes(r".\coil 7\a.jpg")
    'coil 7/a.jpg'
    """
    plain = name.replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:]
    return plain


def unsafe_name(name: str, file: Path, line: int | None) -> Fault:
    """The fault of a name that `is_safe_name` refuses."""
    message = (
        f"image name {name!r}; it must be a path inside the folder, with forward slashes, "
        "that ends in .jpg, .jpeg, .png, .bmp, .tif or .tiff"
    )
    return Fault("bad-image-name", file, line, None, message)


def shared_mask(image_id: str, file: Path) -> Fault:
    """The fault of an image whose mask may be that of another image."""
    message = (
        f"another image is named {file.stem}, too, and they share the mask {file.stem}.png; give each its own name"
    )
    return Fault("duplicate-image", file, None, image_id, message)


def shared_masks(images_of: Mapping[Path, Sequence[tuple[str, Path]]], root: Path) -> list[Fault]:
    """The faults of images that share a mask, of which nobody knows whose it is.

    Args:
        images_of: by mask, the ids and files of the images that it is found for.
    """
    return [
        Fault(
            "duplicate-image",
            file,
            None,
            image_id,
            f"{images[place - 1][0]} has the same mask, {mask.relative_to(root).as_posix()}; give each its own name and mask",
        )
        for mask, images in images_of.items()
        if len(images) > 1
        for place, (image_id, file) in enumerate(images)
    ]


def second_mask(image_id: str, file: Path, other: Path) -> Fault:
    """The fault of an image that has two masks."""
    message = f"{other.name} is a mask of the same image; keep one of the two"
    return Fault("duplicate-mask", file, None, image_id, message)


def wrong_size(image_id: str, file: Path, line: int | None, mask: Size, image: Size) -> Fault:
    """The fault of a mask or a stated size that is not the image's own."""
    message = (
        f"{mask[1]} x {mask[0]} (width x height), but the image is {image[1]} x {image[0]}; "
        "draw the mask on this very image, or bring the image back to the size it was marked at"
    )
    return Fault("wrong-size", file, line, image_id, message)


def union(parts: list[Runs], size: Size) -> Runs:
    """Runs of the pixels that are in any of the parts."""
    if len(parts) == 1:
        return parts[0]
    mask = decode_runs(parts[0], size)
    for part in parts[1:]:
        mask |= decode_runs(part, size)
    return encode_mask(mask)


def difference(runs: Runs, other: Runs, size: Size) -> Runs:
    """Runs of the pixels that are in the first and not in the second."""
    if not shared_area(runs, other):
        return runs
    return encode_mask(decode_runs(runs, size) & ~decode_runs(other, size))
