"""What the tests of a program's calls share: a drawn strip, and a run."""

from pathlib import Path

import pytest

import steelsight
from steelsight import Run


@pytest.fixture(scope="session")
def strip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strips") / "strips"
    steelsight.make_strips(folder, 1, seed=5, size=(64, 416), defective=1)
    return next((folder / "train_images").iterdir())


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of `trained_once`; not to be changed."""
    from helpers.trained_once import trained_once  # torch, which most of these tests do not need

    return trained_once(tmp_path_factory)
