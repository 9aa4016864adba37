"""Moving inspected files away: never over another file, and safe to be killed in."""

import errno
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from steelsight.core.files import temporary_beside
from steelsight.core.open_inside import named_inside, open_inside
from steelsight.station.watch.scan import Entry

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES})

_FOLLOWS = os.link not in os.supports_follow_symlinks
"""Whether a second name for what is a link by now is one for what it leads to: only where a system knows no other."""

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
    place = target / entry.name
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with named_inside(folder, entry.name) as (name, inside):
            return _move(folder, _Source(entry, name, inside), target, place)
    except FileNotFoundError:
        if (folder / entry.name).exists():
            raise
    return None


@dataclass(frozen=True, slots=True)
class _Source:
    """The file that is moved, as `named_inside` names it: were a folder above it exchanged for a link by now, another file of
    the same name would be taken."""

    entry: Entry
    name: str
    inside: int | None

    def status(self, *, of_link: bool = False) -> os.stat_result | None:
        try:
            return os.stat(self.name, dir_fd=self.inside, follow_symlinks=not of_link)
        except FileNotFoundError:
            return None

    @property
    def is_still(self) -> bool:
        return _is_of(self.status(), self.entry)

    @property
    def is_link(self) -> bool:
        status = self.status(of_link=True)
        return status is not None and stat.S_ISLNK(status.st_mode)


def _move(folder: Path, source: _Source, target: Path, place: Path) -> Path | None:
    entry, number = source.entry, 1
    while source.is_still:
        said = _put(folder, source, place)
        if said != "taken":
            if source.is_still:
                os.unlink(source.name, dir_fd=source.inside)
            elif said == "made" and source.status() is not None and not _is_of(place.stat(), entry):
                place.unlink()  # a camera took the name for its next image, which is not inspected yet
                return None
            return place
        number += 1
        place = target / Path(entry.name).with_suffix(f".{number}{Path(entry.name).suffix}")
    return None


def _is_of(status: os.stat_result | None, entry: Entry) -> bool:
    return status is not None and Entry.of(entry.name, status).stamp == entry.stamp


def _put(folder: Path, source: _Source, place: Path) -> Taken:
    """Give a file a second name, or copy it where that cannot be."""
    if source.is_link:
        return _copy(folder, source.entry, place)  # a second name for the link would lead elsewhere
    try:
        os.link(source.name, place, src_dir_fd=source.inside, follow_symlinks=_FOLLOWS)
        return "made"
    except FileExistsError:
        return _same(folder, source, place)
    except OSError as error:
        if error.errno != errno.EXDEV and error.errno not in _NO_LINKS:
            raise
    return _copy(folder, source.entry, place)


def _same(folder: Path, source: _Source, place: Path) -> Taken:
    status = source.status()
    if status is None:
        raise FileNotFoundError(errno.ENOENT, "gone", source.entry.name)
    is_same = os.path.samestat(status, place.stat()) or _is_copy(folder / source.entry.name, place)
    return "there" if is_same else "taken"


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
