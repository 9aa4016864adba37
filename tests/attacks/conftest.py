"""An inspector for the stations that are attacked."""

from typing import Any

import pytest
from helpers.serving import make_judging_inspector


@pytest.fixture(scope="session")
def inspector_folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")
