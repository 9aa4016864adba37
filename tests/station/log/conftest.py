"""An empty log, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from helpers.postgres import BINARIES, running_server
from helpers.station_results import CLASSES, INSPECTOR

from steelsight.station.log.connect import connect, parse_url
from steelsight.station.log.log import InspectionLog


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Any]:
    """Database of a private server."""
    if BINARIES is None:
        pytest.skip("no PostgreSQL server is installed here (initdb and postgres)")
    with running_server() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives the URL of a new, empty database."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('log')}/log.sqlite"
    server = request.getfixturevalue("postgres_url")

    def make() -> Any:
        """A schema of its own, which takes less time than a database."""
        name = f"log{uuid4().hex}"
        engine = connect(parse_url(server))
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        engine.dispose()
        return f"{server}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture
def url(new_url: Any) -> Any:
    return new_url()


@pytest.fixture
def log(url: Any) -> Iterator[Any]:
    with InspectionLog.open(url) as opened:
        opened.register(INSPECTOR, CLASSES, "{}")
        yield opened
