from threading import Condition, Lock, RLock
from typing import Any

import pytest

from steelsight.core.interruption import is_interruption


def wait_interrupted(lock: Any) -> None:
    """Ctrl-C between giving the lock back and sleeping, as a signal may hit it."""
    condition = Condition(lock)

    def release_and_stop() -> None:
        condition.release()
        raise KeyboardInterrupt

    condition._release_save = release_and_stop  # type: ignore[attr-defined]
    with condition:
        condition.wait()


@pytest.mark.parametrize("lock", [Lock, RLock])
def test_ctrl_c_inside_a_lock_is_an_interruption(lock: Any) -> None:
    with pytest.raises(RuntimeError) as raised:
        wait_interrupted(lock())
    assert is_interruption(raised.value)


@pytest.mark.parametrize("error", [None, ValueError("x"), RuntimeError("cannot release un-acquired lock")])
def test_no_other_error_is_one(error: Exception | None) -> None:
    assert not is_interruption(error)


def test_an_error_of_what_ran_while_ctrl_c_was_answered_is_none() -> None:
    error = RuntimeError("the file is broken")
    error.__context__ = KeyboardInterrupt()
    assert not is_interruption(error)
