"""Opening a file of a folder that others write into: no link leads out of it, and nothing is waited for.

What a name stands for may be changed between a look and an opening; so the open file is judged, and not its name.
"""

import os
import stat
from pathlib import Path

from steelsight.core.files import resolved

_BELOW = hasattr(os, "O_NOFOLLOW") and os.open in os.supports_dir_fd
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


def _open_below(folder: Path, path: Path) -> int:
    """Step by step, each without links: none of the names is one, now that they were followed."""
    *above, last = path.parts
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in above:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | _QUIET, dir_fd=at)
    finally:
        os.close(at)
