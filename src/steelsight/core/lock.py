"""A lock on a folder of results, which the system lets go of however the process that holds it ends."""

import errno
from pathlib import Path

from filelock import FileLock, Timeout

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
        # a soft lock is a file that a killed process leaves behind
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)

    def take(self) -> None:
        """Take it.

        Raises:
            UserError: another process has it.
        """
        try:
            with disk_errors(self._path):
                self._lock.acquire(blocking=False)
        except Timeout as error:
            raise UserError(self._said) from error
        except OSError as error:
            if error.errno in _NO_LOCKS and not self._needed:
                return
            raise UserError(self._said) from error

    def release(self) -> None:
        """Let it go."""
        self._lock.release()
