"""A lock is held by one at a time, and where a file system has none, by who needs none."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

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


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    holds = (
        "import sys, time; from pathlib import Path; from steelsight.core.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1]), 'taken'); lock.take(); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", holds, str(tmp_path / ".lock")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    lock = Lock(tmp_path / ".lock", "taken; wait")
    with pytest.raises(UserError, match="taken; wait"):
        lock.take()
    process.send_signal(signal.SIGKILL)
    process.wait()
    lock.take()
    lock.release()


def test_a_file_that_does_not_stay_goes_with_the_lock(tmp_path: Path) -> None:
    first, second = (Lock(tmp_path / ".lock", "taken; wait", stays=False) for _ in range(2))
    first.take()
    with pytest.raises(UserError, match="taken; wait"):
        second.take()
    assert (tmp_path / ".lock").exists()
    first.release()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".lock").touch()  # as a killed process leaves it
    second.take()
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_went_between_opening_and_locking_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two would hold the lock: one by the file that is gone, one by the new one of its name."""
    first, second, third = (Lock(tmp_path / ".lock", "taken; wait", stays=False) for _ in range(3))
    first.take()
    flock = fcntl.flock

    def after_the_first_has_let_go(handle: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", after_the_first_has_let_go)
    with pytest.raises(UserError, match="taken; wait"):
        second.take()
    third.take()
    with pytest.raises(UserError, match="taken; wait"):
        second.take()
    third.release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def none(*_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(UserError, match=r"cannot be locked .*; use a disk that has locks"):
        Lock(tmp_path / ".lock", "taken").take()
    free = Lock(tmp_path / ".lock", "taken", needed=False)
    free.take()
    free.release()


def test_what_cannot_be_locked_is_not_said_to_be_taken(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be locked .*; see to what lies there"):
        Lock(tmp_path, "taken", needed=False).take()


def test_who_waits_has_it_when_the_first_lets_go(tmp_path: Path) -> None:
    first, second = (Lock(tmp_path / ".lock", "taken") for _ in range(2))
    assert not second.is_taken()
    assert not (tmp_path / ".lock").exists()
    first.take()
    assert second.is_taken()
    waited = list[bool]()
    threading.Timer(0.5, first.release).start()
    with second.waited_for(lambda: waited.append(True)):
        assert first.is_taken()
    assert waited == [True]
    assert not first.is_taken()
    with first.waited_for(lambda: waited.append(True)):
        pass
    assert waited == [True]
