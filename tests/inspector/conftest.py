"""An inspector of real networks, where there is what exports it."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def inspector(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    pytest.importorskip("torch", reason="the plain install exports nothing")
    from helpers.exported import exported_once

    return shutil.copytree(exported_once(tmp_path_factory).folder, tmp_path / "inspector")
