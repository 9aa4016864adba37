"""A lock on a folder of results, which the system lets go of however the process that holds it ends."""

import errno
import os
import sys
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What the system says where a file system, one of a network perhaps, has no locks."""


class Lock:
    """Held by one process at a time.

    Args:
        path: an empty file that stays.
        said: the sentence for the second process.
        needed: whether it is refused, too, where the file system has no locks.
    """

    def __init__(self, path: Path, said: str, *, needed: bool = True) -> None:
        self._path, self._said, self._needed = path, said, needed
        self._handle = -1

    def take(self) -> None:
        """Take it.

        Raises:
            UserError: another process has it.
        """
        with disk_errors(self._path):
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(self._handle)
        except OSError as error:
            if error.errno in _NO_LOCKS and not self._needed:
                return
            self.release()
            raise UserError(self._said) from error

    def release(self) -> None:
        """Let it go."""
        os.close(self._handle)
        self._handle = -1


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
