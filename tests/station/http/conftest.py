"""One station for all tests that only look or add."""

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import IMAGES, make_judging_inspector, send, served


@pytest.fixture(scope="session")
def inspector_folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture(scope="session")
def running(inspector_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A station and its client; the sample's first twelve images are in the log."""
    with served(inspector_folder, tmp_path_factory.mktemp("station")) as (station, client):
        assert send(client, *IMAGES[:12]).status_code == 200
        yield station, client


@pytest.fixture
def station(running: Any) -> Any:
    return running[0]


@pytest.fixture
def client(running: Any) -> Any:
    return running[1]
