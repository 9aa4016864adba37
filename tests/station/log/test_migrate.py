"""A log of an older schema is moved forward when it is opened, and nothing of it is lost on the way."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from helpers.older_log import make_older
from helpers.station_results import CLASSES, INSPECTOR, make_arrival, make_result

from steelsight.imaging.regions import Region
from steelsight.station.log import migrate, schema
from steelsight.station.log.export import export_csv
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.log.tables import log_identity
from steelsight.station.log.watched import numbers_of

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade():
    op.add_column("reviews", sa.Column("seconds", sa.Double))
    with op.batch_alter_table("inspections", recreate="{recreate}") as table:
        table.add_column(sa.Column("coil", sa.Text, nullable=False, server_default="?"))
    {end}
"""


def fill(url: Any) -> Any:
    """A log with all that a log may hold; gives its inspections and the reviews of the first."""
    with InspectionLog.open(url) as log:
        log.register(INSPECTOR, CLASSES, "{}")
        first = log.add([make_result(0, arrival=make_arrival()), make_result(1), make_result(2)])[0].id
        log.review(first, after_version=0, agrees=True, word="reject")
        log.review(first, after_version=1, agrees=False, word="pass", runs=["", "1 4"])
        return all_of(log, first)


def all_of(log: Any, first: Any) -> Any:
    of_class = log.find(Query(defect_class=CLASSES[0])).inspections
    return log.find(Query()).inspections, of_class, log.reviews(first), list(numbers_of(log, "/line"))


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives this steelsight a further schema, as a later version would have it."""

    def make(recreate: str = "auto", end: str = "pass") -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrate.MIGRATIONS, folder)
        (folder / "versions" / "v0006.py").write_text(NEXT.format(recreate=recreate, end=end))
        monkeypatch.setattr(migrate, "MIGRATIONS", folder)
        monkeypatch.setattr(schema, "SCHEMA", "0006")

    return make


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_all_entries_are_kept(url: str, newer: Any, recreate: str) -> None:
    """On SQLite most changes of a table make it anew, and what hangs on its rows must not go with the old one."""
    if recreate == "always" and not url.startswith("sqlite"):
        pytest.skip("only SQLite makes tables anew")
    before = fill(url)
    newer(recreate)
    for _ in range(2):  # the second time it is current
        with InspectionLog.open(url, make=False) as log:
            assert all_of(log, before[0][-1].id) == before
            with log.reading() as connection:
                assert set(connection.execute(sa.text("SELECT coil FROM inspections")).scalars()) == {"?"}
    with InspectionLog.open(url) as log:  # what hangs together still does
        number = log.add([make_result(3)])[0].id
        with pytest.raises(sa.exc.IntegrityError), log.writing() as connection:
            connection.execute(sa.text(f"INSERT INTO found VALUES ({number + 1}, 'x', 1)"))


def test_one_that_fails_leaves_all_as_it_was(url: str, newer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fill(url)
    newer(end="raise RuntimeError('no')")
    with pytest.raises(RuntimeError, match="no"):
        InspectionLog.open(url)
    monkeypatch.undo()
    with InspectionLog.open(url, make=False) as log:
        assert all_of(log, before[0][-1].id) == before
        with log.reading() as connection:
            assert "coil" not in {one["name"] for one in sa.inspect(connection).get_columns("inspections")}


def test_many_may_move_it_at_once(url: str, newer: Any) -> None:
    before = fill(url)
    newer()

    def use(_: Any) -> Any:
        with InspectionLog.open(url) as log:
            return all_of(log, before[0][-1].id)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))) == [before] * 4


@pytest.mark.parametrize("older", ["0001", "0002", "0004"])
def test_a_log_of_an_earlier_schema(url: str, older: str) -> None:
    before = fill(url)
    make_older(url, older)
    for _ in range(2):
        with InspectionLog.open(url, make=False) as log:
            assert all_of(log, before[0][-1].id) == before
            assert all((one.result.suspected, one.result.suspected_runs) == ((), ()) for one in before[0])
            (row, *_) = list(export_csv(log, Query()))[1].decode().splitlines()
            assert row.rpartition(",")[0].endswith(",0,0,0,0")  # nothing was suspected then; a file's time is last
            with log.reading() as connection:
                assert connection.execute(sa.select(log_identity)).all() == []  # its data folder may have one
    suspected = make_result(3, suspected=(Region(1, 5, 6, 7, 8, 9, 0.25),), suspected_runs=("", "7 9"), counted=1000)
    with InspectionLog.open(url) as log:
        (added,) = log.add([suspected])
        assert log.get(added.id) == added
        assert added.result == suspected
