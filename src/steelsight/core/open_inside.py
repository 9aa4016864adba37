"""Opening or naming a file of a folder that others write into: no link leads out of it, and nothing is waited for.

What a name stands for may be changed between a look and an opening; so the open file is judged, and not its name.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from steelsight.core.files import resolved

_BELOW = hasattr(os, "O_NOFOLLOW") and {os.open, os.stat, os.link, os.unlink} <= os.supports_dir_fd
_QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class NotInsideError(OSError):
    """A name leads out of the folder, or to what is no file; `strerror` says which."""


def leads_out(folder: Path, name: str) -> bool:
    """Whether a name inside a folder stands for a file elsewhere."""
    return not resolved(folder / name).is_relative_to(resolved(folder))


def open_inside(folder: Path, name: str) -> int:
    """Open a regular file for reading; the caller closes it.

    Args:
        name: path inside the folder; links within the folder are followed.

    Raises:
        NotInsideError: it leads out of the folder, or is a pipe, a device or a folder.
        OSError: there is no such file, or it may not be read.
    """
    inside, target = resolved(folder), resolved(folder / name)
    if not target.is_relative_to(inside):
        raise NotInsideError(0, "it leads to a file outside of the folder")
    opened = _open_below(inside, target.relative_to(inside)) if _BELOW else os.open(target, os.O_RDONLY | _QUIET)
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    raise NotInsideError(0, "it is no file but a pipe, a device or a folder")


@contextmanager
def named_inside(folder: Path, name: str) -> Iterator[tuple[str, int | None]]:
    """What to tell the system of a file, with `dir_fd=`, so that it is one of this folder: its last name, and the open folder
    that it is in, to which no link led. Where the system knows no such thing: its path, and None.

    Args:
        name: path inside the folder, with forward slashes.

    Raises:
        OSError: a part of it is a link, or not there.
    """
    if not _BELOW:
        yield str(folder / name), None
        return
    *above, last = PurePosixPath(name).parts
    at = _open_folder(resolved(folder), above)
    try:
        yield last, at
    finally:
        os.close(at)


def _open_below(folder: Path, path: Path) -> int:
    *above, last = path.parts
    at = _open_folder(folder, above)
    try:
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | _QUIET, dir_fd=at)
    finally:
        os.close(at)


def _open_folder(folder: Path, below: Sequence[str]) -> int:
    """Step by step, each without links: none of the names is one, now that they were followed."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in below:
        try:
            inside = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        finally:
            os.close(at)
        at = inside
    return at
