"""What is costly to make and only read: made by the first test file that asks, for all files and all workers of xdist."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make` returned for a new folder of this name, now or when another asked; whoever changes it takes a copy."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own below the session's
    result = base / f"{name}.made"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.is_file():
            made = pickle.dumps(make(base / name))
            result.write_bytes(made)
    loaded: Made = pickle.loads(result.read_bytes())
    return loaded
