"""One run for all tests of the export."""

import pytest
import torch
from export.small_run import make_small_run


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Networks this small run fastest on one thread, and other work on the machine does not slow them down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run(tmp_path_factory, one_thread):
    return make_small_run(tmp_path_factory.mktemp("random") / "run")
