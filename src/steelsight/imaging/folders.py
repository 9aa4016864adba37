"""What lies in a folder and below it: its images, and what is passed over, with the reason, so that nothing is lost without a
word."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from steelsight.core.files import resolved
from steelsight.imaging.object_store import ImagePath, StoredObject, stored_below
from steelsight.imaging.read import is_image_name, is_unread_image

_NAMED = 3
_HIDDEN = "a hidden folder; name it itself, or rename it"
_UNREAD = "of a format that is not read"
_NO_FILE = "with `..`, `::` or an empty part in the name, as no file has it; give the object another name"
_MOST_SEEN = 20_000  # entries of a folder that is passed over; about half a second


@dataclass(frozen=True)
class LeftOut:
    """Something that was not looked at, or not taken.

    Attributes:
        path: a folder, or a file; here or in an object store.
        reason: why, and the mend, in words that follow a colon.
        images: how many images are known to be there; 0 where nobody can look.
        are_masks: whether these are no images but masks of images that are taken, so that nothing is lost.
    """

    path: ImagePath
    reason: str
    images: int = 0
    are_masks: bool = False

    @property
    def sentence(self) -> str:
        """
        >>> LeftOut(Path("a"), "a hidden folder", 2).sentence
        'a: 2 images left out: a hidden folder'
        """
        what = "mask" if self.are_masks else "image"
        many = {0: "", 1: f"1 {what} "}.get(self.images, f"{self.images} {what}s ")
        return f"{self.path}: {many}left out: {self.reason}"


def look_below(folder: Path, apart: Collection[Path] = ()) -> tuple[list[Path], list[LeftOut]]:
    """The images in a folder and below it, sorted, and what is passed over.

    A link to an image is an image, even where its target is not there: reading it then tells. A link to a folder is not
    followed, since it may lead anywhere.

    Args:
        apart: folders, resolved, that are not looked into.
    """
    images: list[Path] = []
    left_out: list[LeftOut] = []
    waiting, root = [folder], resolved(folder)
    while waiting:
        inside = waiting.pop()
        unread: list[Path] = []
        try:
            found = sorted(inside.iterdir())
        except OSError as error:
            left_out.append(LeftOut(inside, f"the folder cannot be read ({error.strerror}); change its rights"))
            continue
        for path in found:
            if path.is_symlink() and path.is_dir():
                if not resolved(path).is_relative_to(root):  # else what is there is found under its own name
                    left_out += _passed_over(path, "a link to a folder, which is not followed; name that folder itself")
            elif path.is_dir():
                if path.name.startswith("."):
                    left_out += _passed_over(path, _HIDDEN)
                elif resolved(path) not in apart:
                    waiting.append(path)
            elif is_image_name(path):
                images.append(path)
            elif is_unread_image(path):
                unread.append(path)
        if unread:
            left_out.append(LeftOut(inside, f"{_named(unread)}: {_UNREAD}", len(unread)))
    return sorted(images), sorted(left_out, key=lambda one: str(one.path))


def look_below_url(url: str) -> tuple[list[str], list[LeftOut]]:
    """The images below a prefix of an object store by their way from it, in the order of `look_below`, and what is passed
    over.

    Raises:
        StoreError: the store does not answer.
    """
    images: list[PurePosixPath] = []
    apart: dict[tuple[str, str], list[PurePosixPath]] = {}
    stored = {name: PurePosixPath(name) for name in stored_below(url)}
    for name, path in sorted(stored.items(), key=lambda one: one[1]):
        if not _is_as_of_a_file(name):
            if is_image_name(path):
                apart.setdefault(("", _NO_FILE), []).append(path)
            continue
        hidden = next((place for place, part in enumerate(path.parts[:-1]) if part.startswith(".")), None)
        if hidden is not None and is_image_name(path):
            inside = "/".join(path.parts[: hidden + 1])
            apart.setdefault((inside, _HIDDEN), []).append(path)
        elif hidden is None and is_image_name(path):
            images.append(path)
        elif hidden is None and is_unread_image(path):
            apart.setdefault(("" if path.parent == PurePosixPath() else str(path.parent), _UNREAD), []).append(path)
    left_out = [
        LeftOut(
            StoredObject(f"{url.rstrip('/')}/{inside}".rstrip("/")),
            reason if reason == _HIDDEN else f"{_named(paths)}: {reason}",
            len(paths),
        )
        for (inside, reason), paths in sorted(apart.items())
    ]
    return [str(path) for path in images], left_out


def _is_as_of_a_file(name: str) -> bool:
    """Whether the way to an object could be that to a file below a folder. Others could name a picture outside of the
    results, two of them the same file, or an URL within an URL."""
    path = PurePosixPath(name)
    return str(path) == name and not path.is_absolute() and ".." not in path.parts and "::" not in name


def group_by_folder(files: Collection[Path], reason: str, *, are_masks: bool = False) -> Iterator[LeftOut]:
    """Files that are left out for one reason, folder by folder."""
    for folder in sorted({file.parent for file in files}):
        here = sorted(file for file in files if file.parent == folder)
        yield LeftOut(folder, f"{_named(here)}: {reason}", len(here), are_masks)


def _passed_over(folder: Path, reason: str) -> list[LeftOut]:
    """A folder that is passed over, where an image is in it, or nobody can tell. A link may lead to a whole disk, so the
    counting ends somewhere."""
    count, seen, closed = 0, 0, False

    def is_closed(_: OSError) -> None:
        nonlocal closed
        closed = True

    for _, folders, files in os.walk(folder, onerror=is_closed):
        count += sum(is_image_name(Path(name)) for name in files)
        seen += len(folders) + len(files)
        if seen > _MOST_SEEN:
            return [LeftOut(folder, f"{reason} (there is so much in it that not all was counted)", count)]
    return [LeftOut(folder, reason, count)] if count or closed else []


def _named(files: Sequence[PurePath]) -> str:
    names = ", ".join(file.name for file in files[:_NAMED])
    return f"{names} and {len(files) - _NAMED} more" if len(files) > _NAMED else names
