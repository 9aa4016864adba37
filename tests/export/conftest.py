"""One run, and one inspector of it, for all tests of the export."""

import pytest
import torch
from helpers.exported import exported_once
from helpers.small_run import small_run


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Networks this small run fastest on one thread, and other work on the machine does not slow them down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run(tmp_path_factory, one_thread):
    return small_run(tmp_path_factory)


@pytest.fixture(scope="session")
def exported(run, tmp_path_factory):
    """All folds, in fp32; not to be changed."""
    return exported_once(tmp_path_factory)
