"""What lies in a watched folder: asked of the file system each time, since no share tells of its changes reliably."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from steelsight.core.files import resolved
from steelsight.core.open_inside import leads_out
from steelsight.imaging.read import is_image_name, is_unread_image

_TEMPORARY = frozenset({".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart"})

_FIRST, _LAST = -(2**63), 2**63 - 1  # whole numbers of a database


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a scan saw it.

    Attributes:
        name: path inside the folder, with forward slashes; bytes that are no UTF-8 as Python keeps them.
        size: bytes.
        modified_ns: time of the last change, in nanoseconds since 1970, as far as a database counts: from 1677 to 2262.
        inode: what stays the same when the file is renamed; 0 where the file system does not say. It makes no other file of
            one: some shares number theirs anew.
    """

    name: str
    size: int
    modified_ns: int
    inode: int = field(compare=False)

    @classmethod
    def of(cls, name: str, status: os.stat_result) -> "Entry":
        """From what the system says of a file."""
        return cls(name, status.st_size, min(max(status.st_mtime_ns, _FIRST), _LAST), status.st_ino)

    @property
    def stamp(self) -> tuple[int, int]:
        """Size and time: what differs once a file was written to."""
        return self.size, self.modified_ns


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder at one moment.

    Attributes:
        entries: by name, the images under names that are meant to stay.
        unknown: files and folders that could not be asked, with the reason; what was in them is neither there nor gone.
        passed_over: folders that are not looked into, and images in other formats, with the reason.
    """

    entries: dict[str, Entry]
    unknown: dict[str, str]
    passed_over: dict[str, str] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether this snapshot can tell if a file is there."""
        return not any(name == place or name.startswith(f"{place}/") for place in self.unknown)


def is_wanted(name: str) -> bool:
    """Whether a file name is that of an image, and neither hidden nor temporary.

    >>> [is_wanted(name) for name in ("a.jpg", ".a.jpg", "~a.jpg", "a.jpg~", "a.jpg.part", "a.tmp.jpg")]
    [True, False, False, False, False, False]
    """
    path = PurePosixPath(name)
    if path.name.startswith("~") or not is_image_name(Path(path.name)):
        return False
    return not _TEMPORARY & {suffix.lower() for suffix in path.suffixes}


def scan(folder: Path, *, below: bool = False, apart: frozenset[Path] = frozenset()) -> Snapshot:
    """Look at a folder.

    Args:
        below: whether to look into its subfolders; links to folders are not followed.
        apart: folders, resolved, that are not looked into, such as the one that files are moved to.

    Raises:
        OSError: the folder itself cannot be read.
    """
    entries: dict[str, Entry] = {}
    unknown: dict[str, str] = {}
    passed_over: dict[str, str] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            for found in _listed(folder / inside):
                name = f"{inside}/{found.name}" if inside else found.name
                # the listing tells of a folder; of a link only a look does
                if (not is_wanted(name) or found.is_dir(follow_symlinks=False)) and _is_folder(found):
                    if resolved(Path(found.path)) in apart:
                        continue
                    reason = _why_not(found, below)
                    if reason is None:
                        waiting.append(name)
                    elif _holds_images(Path(found.path)):
                        passed_over[name] = reason
                elif is_unread_image(Path(found.name)):
                    passed_over[name] = "of a format that is not read"
                elif is_wanted(name) and found.is_symlink() and leads_out(folder, name):
                    passed_over[name] = "a link to a file outside of the folder, which is not followed"
                elif is_wanted(name):
                    _add(found, name, entries, unknown)
        except FileNotFoundError:
            if not inside:
                raise
        except OSError as error:
            if not inside:
                raise
            unknown[inside] = error.strerror or str(error)
    return Snapshot(entries, unknown, passed_over)


def _is_folder(found: "os.DirEntry[str]") -> bool:
    try:
        return found.is_dir()
    except OSError:  # a link that leads to itself, or where nobody may look
        return False


def _why_not(found: "os.DirEntry[str]", below: bool) -> str | None:
    """Why a folder is not looked into; None where it is."""
    if found.name.startswith("."):
        return "a hidden folder, which is not watched"
    if found.is_symlink():
        return "a link to a folder, which is not followed"
    return None if below else "a subfolder, which is not watched; `below=` watches it"


def _holds_images(folder: Path) -> bool:
    """Whether an image lies directly in a folder that is passed over, or nobody can tell."""
    try:
        return any(is_wanted(found.name) for found in _listed(folder))
    except OSError:
        return True


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        yield from found


def _add(found: os.DirEntry[str], name: str, entries: dict[str, Entry], unknown: dict[str, str]) -> None:
    try:
        # a link is the file that it leads to; on Windows the listing itself may tell an old size
        status = os.stat(found.path)  # noqa: PTH116
        if found.is_file():
            entries[name] = Entry.of(name, status)
    except FileNotFoundError:
        if found.is_symlink():  # else it is gone between the listing and the question
            unknown[name] = "a link whose target is not there"
    except OSError as error:
        unknown[name] = error.strerror or str(error)
