"""A lock is held by one at a time, and where a file system has none, by who needs none."""

import errno
from pathlib import Path

import pytest

from steelsight.core import lock
from steelsight.core.errors import UserError
from steelsight.core.lock import Lock


def test_the_second_is_told_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = (Lock(tmp_path / ".lock", "taken; wait", needed=needed) for needed in (True, False))
    first.take()
    with pytest.raises(UserError, match="taken; wait"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(lock, "_lock", none)
    with pytest.raises(UserError):
        Lock(tmp_path / ".lock", "taken").take()
    free = Lock(tmp_path / ".lock", "taken", needed=False)
    free.take()
    free.release()
