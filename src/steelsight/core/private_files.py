"""Files and folders that only the account which runs the program may read."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from steelsight.core.errors import UserError

FOLDER, FILE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_HAS_MODES = os.name == "posix"


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this account alone; one that is there stays as it is."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    path.mkdir(FOLDER, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Create an empty file for this account alone; one that is there stays as it is."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
    except FileExistsError:
        return


def open_new_file(path: Path, *, private: bool) -> BinaryIO:
    """Create a file and open it to be written.

    Args:
        private: whether it is this account's alone; else the umask says whose it is.

    Raises:
        FileExistsError: it is there.
    """
    return open(path, "xb", opener=_open_private if private else None)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)


def is_open_to_others(path: Path) -> bool:
    """Whether other accounts may do anything with a file or folder; a link counts as what it leads to, and is not open."""
    return _HAS_MODES and not path.is_symlink() and bool(path.stat().st_mode & _OTHERS)


def is_ours(path: Path) -> bool:
    """Whether this account owns a file or folder, so that it may close it to others.

    A link counts as itself, and what is gone is nobody's.
    """
    try:
        return not _HAS_MODES or path.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def close_to_others(paths: Iterable[Path]) -> int:
    """Take all rights of other accounts from files and folders; how many that changed.

    Raises:
        OSError: the disk or the system refuses.
    """
    changed = 0
    for path in paths:
        try:
            if is_open_to_others(path):
                path.chmod(FOLDER if path.is_dir() else FILE)
                changed += 1
        except FileNotFoundError:  # another process removed it
            continue
    return changed


def refuse_readable_by_all(path: Path) -> None:
    """See that not every account of the machine may read a file with a secret; a group may, as those of services do.

    Raises:
        UserError: every account may.
        OSError: there is no such file.
    """
    mode = path.stat().st_mode
    if _HAS_MODES and mode & stat.S_IROTH:
        raise UserError(
            f"{path}: every account of this machine may read it (mode {stat.S_IMODE(mode):o}), and it holds a secret; "
            f"make it your own: chmod 600 {path}"
        )
