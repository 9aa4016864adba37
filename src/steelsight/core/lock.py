"""A lock on a folder of results, which the system lets go of however the process that holds it ends."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors

_PATIENCE = 0.2  # seconds between two tries of one that waits
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What the system says where a file system, one of a network perhaps, has no locks."""


class TakenError(UserError):
    """Another process has the lock."""


class Lock:
    """Held by one process at a time.

    Args:
        path: an empty file.
        said: the sentence for the second process.
        needed: whether it is refused, too, where the file system has no locks.
        stays: whether the file stays when it is let go; a killed process leaves it in any case, and nobody is kept out by it.
    """

    def __init__(self, path: Path, said: str, *, needed: bool = True, stays: bool = True) -> None:
        self._path, self._said, self._needed, self._stays = path, said, needed, stays
        # a soft lock is a file that a killed process leaves behind
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)

    def take(self) -> None:
        """Take it.

        Raises:
            TakenError: another process has it.
            UserError: the file system has no locks, and one is needed; or it refuses.
        """
        try:
            with disk_errors(self._path):
                self._lock.acquire(blocking=False)
        except Timeout as error:
            raise TakenError(self._said) from error
        except OSError as error:
            if error.errno in _NO_LOCKS and not self._needed:
                return
            mend = "use a disk that has locks" if error.errno in _NO_LOCKS else "see to what lies there and to the disk"
            raise UserError(f"{self._path}: cannot be locked ({error.strerror or error}); {mend}") from error

    def is_taken(self) -> bool:
        """Whether another process has it; no file is made to learn that."""
        if not self._path.is_file():
            return False
        try:
            self.take()
        except TakenError:
            return True
        self.release()
        return False

    @contextmanager
    def waited_for(self, wait: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Hold it for a block; wait until its holder lets go.

        Args:
            wait: called once if somebody has it.
        """
        if self.is_taken():
            wait()
        while True:
            try:
                self.take()
                break
            except TakenError:
                time.sleep(_PATIENCE)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Let it go."""
        if not self._stays:
            with suppress(OSError):  # Windows removes no file that is open
                self._path.unlink()  # while it is held: filelock takes none that has no name any more
        self._lock.release()
