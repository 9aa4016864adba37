"""One run, and one inspector of it, for all tests of the export."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from helpers.exported import exported_once
from helpers.small_run import small_run


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[Any]:
    """Networks this small run fastest on one thread, and other work on the machine does not slow them down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, one_thread: Any) -> Any:
    return small_run(tmp_path_factory)


@pytest.fixture(scope="session")
def exported(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All folds, in fp32; not to be changed."""
    return exported_once(tmp_path_factory)
