"""What lies in a watched folder: asked of the file system each time, since no share tells of its changes reliably."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from steelsight.images import is_image_name

_TEMPORARY = frozenset({".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a scan saw it.

    Attributes:
        name: path inside the folder, with forward slashes; bytes that are no UTF-8 as Python keeps them.
        size: bytes.
        modified_ns: time of the last change, in nanoseconds since 1970.
        inode: what stays the same when the file is renamed; 0 where the file system does not say.
    """

    name: str
    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, name: str, status: os.stat_result) -> "Entry":
        """From what the system says of a file."""
        return cls(name, status.st_size, status.st_mtime_ns, status.st_ino)

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
    """

    entries: dict[str, Entry]
    unknown: dict[str, str]

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
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            for found in _listed(folder / inside):
                name = f"{inside}/{found.name}" if inside else found.name
                if below and found.is_dir(follow_symlinks=False):
                    if not found.name.startswith(".") and Path(found.path).resolve() not in apart:
                        waiting.append(name)
                elif is_wanted(name):
                    _add(found, name, entries, unknown)
        except FileNotFoundError:
            if not inside:
                raise
        except OSError as error:
            if not inside:
                raise
            unknown[inside] = error.strerror or str(error)
    return Snapshot(entries, unknown)


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
        pass  # gone between the listing and the question
    except OSError as error:
        unknown[name] = error.strerror or str(error)
