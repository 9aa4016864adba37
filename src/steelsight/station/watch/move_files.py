"""Moving inspected files away: never over another file, and safe to be killed in."""

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Literal

from steelsight.core.files import temporary_beside
from steelsight.core.open_inside import open_inside
from steelsight.station.watch.scan import Entry

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES})


Taken = Literal["made", "there", "taken"]
"""A name in the target: given to the file now, by an earlier move that was killed, or another file's."""


def move(folder: Path, entry: Entry, target: Path) -> Path | None:
    """Move a file out of the watched folder, its path inside the folder kept; under a name of its own where there is
    another file of that name (`a.jpg`, `a.2.jpg`, ...).

    The new name appears first and the old one goes last, so that a kill between the two leaves the file under both: moved
    again, it is recognised and only the old name goes.

    Returns:
        where it is now; None where it is gone, or is another file by now, which is left alone.

    Raises:
        OSError: it cannot be moved; it is where it was.
    """
    source, place = folder / entry.name, target / entry.name
    place.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    try:
        while _is_still(source, entry):
            said = _put(folder, entry, place)
            if said != "taken":
                if _is_still(source, entry):
                    source.unlink()
                elif said == "made" and source.exists() and not _is_still(place, entry):
                    place.unlink()  # a camera took the name for its next image, which is not inspected yet
                    return None
                return place
            number += 1
            place = target / Path(entry.name).with_suffix(f".{number}{source.suffix}")
    except FileNotFoundError:
        if source.exists():
            raise
    return None


def _is_still(path: Path, entry: Entry) -> bool:
    try:
        return Entry.of(entry.name, path.stat()).stamp == entry.stamp
    except FileNotFoundError:
        return False


def _put(folder: Path, entry: Entry, place: Path) -> Taken:
    """Give a file a second name, or copy it where that cannot be."""
    source = folder / entry.name
    if source.is_symlink():
        return _copy(folder, entry, place)  # a second name for the link would lead elsewhere
    try:
        os.link(source, place)
        return "made"
    except FileExistsError:
        return "there" if place.samefile(source) or _is_copy(source, place) else "taken"
    except OSError as error:
        if error.errno != errno.EXDEV and error.errno not in _NO_LINKS:
            raise
    return _copy(folder, entry, place)


def _copy(folder: Path, entry: Entry, place: Path) -> Taken:
    temporary = temporary_beside(place)
    try:
        with os.fdopen(open_inside(folder, entry.name), "rb") as source, temporary.open("xb") as written:
            shutil.copyfileobj(source, written)
            written.flush()
            os.fsync(written.fileno())
            status = os.fstat(source.fileno())
        temporary.chmod(stat.S_IMODE(status.st_mode))
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        said = _take_name(temporary, place)
        _sync_folder(place.parent)
        return said
    finally:
        temporary.unlink(missing_ok=True)


def _take_name(temporary: Path, place: Path) -> Taken:
    try:
        os.link(temporary, place)
        return "made"
    except FileExistsError:
        return "there" if _is_copy(temporary, place) else "taken"
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    # no links here: an empty file takes the name, so that nothing but it is replaced
    try:
        place.touch(exist_ok=False)
    except FileExistsError:
        return "there" if _is_copy(temporary, place) else "taken"
    temporary.replace(place)
    return "made"


def _is_copy(one: Path, other: Path) -> bool:
    """Whether an earlier move was killed after it had copied: same size, time and content."""
    first, second = one.stat(), other.stat()
    if (first.st_size, first.st_mtime_ns) != (second.st_size, second.st_mtime_ns):
        return False
    return _content(one) == _content(other)


def _content(path: Path) -> bytes:
    """Of a file, which may have been replaced by a pipe since it was looked at."""
    with os.fdopen(open_inside(path.parent, path.name), "rb") as stream:
        return stream.read()


def _sync_folder(folder: Path) -> None:
    """See that new names last through a power failure, where the system lets a folder be synchronised."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
