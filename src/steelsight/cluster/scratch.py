"""A folder of a worker's own on its node; what a killed one left is removed by the next."""

import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from steelsight.core.errors import UserError
from steelsight.core.lock import Lock

_IN_USE = ".in-use"


def worker_folder(parent: Path | None = None) -> tuple[Path, Lock]:
    """A new folder that only this user may look into, with the lock that says that it is in use: the system lets go of it
    however the worker ends.

    Args:
        parent: where it is made; among the system's temporary files if left out.

    Raises:
        UserError: somebody else owns what would be around it.
    """
    around = own_folder("steelsight-workers", parent)
    with FileLock(around / ".lock"):  # nobody sweeps what has no lock yet
        _sweep(around)
        folder = Path(tempfile.mkdtemp(dir=around))
        lock = _lock(folder)
        lock.take()
    return folder, lock


def own_folder(name: str, parent: Path | None = None) -> Path:
    """A folder among the temporary files that is this user's, and that nobody else may look into.

    Raises:
        UserError: somebody else has made it.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = (parent or Path(tempfile.gettempdir())) / f"{name}-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != user):
        raise UserError(f"{folder}: somebody else has made it; remove it, or set TMPDIR on this node")
    return folder


def _sweep(around: Path) -> None:
    """Remove the folders of workers that are no more."""
    for folder in (one for one in around.iterdir() if one.is_dir()):
        lock = _lock(folder)
        try:
            lock.take()
        except UserError:  # its worker is at work
            continue
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> Lock:
    return Lock(folder / _IN_USE, f"{folder}: in use")
