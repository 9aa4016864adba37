"""A log is made once, moved forward, and refused in one sentence where it is none."""

import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from helpers.data import ROOT
from helpers.station_results import CLASSES, INSPECTOR, make_result

from steelsight.core.errors import UserError
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.log.tables import VERSION_TABLE, metadata
from steelsight.station.settings import LOG_NAME, StationSettings


def test_the_migrations_lead_to_the_tables_that_the_code_knows(log: InspectionLog) -> None:
    with log.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        names = {name for table in metadata.tables.values() for name in {index.name for index in table.indexes}}
        inspector = sa.inspect(connection)
        there = {index["name"] for table in metadata.tables for index in inspector.get_indexes(table)}
        assert names <= there


def test_what_is_there_stays_when_it_is_opened_again(url: str) -> None:
    with InspectionLog.open(url) as log:
        log.register(INSPECTOR, CLASSES, "{}")
        added = log.add([make_result()])
    with InspectionLog.open(url, make=False) as log:
        assert list(log.find(Query()).inspections) == added


def test_many_may_open_a_new_one_at_once(url: str) -> None:
    def use(number: Any) -> Any:
        with InspectionLog.open(url) as log:
            log.register(INSPECTOR, CLASSES, "{}")
            return log.add([make_result(number)])[0].id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(use, range(6)))) == 6


def test_processes_may_open_a_new_one_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from steelsight.station.log.log import InspectionLog\n"
        "with InspectionLog.open(sys.argv[1]) as log: log.register('ab', ['1'], '{}')"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path}/new/log.sqlite"]
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode) for one in started] == [(b"", 0)] * 2


def test_a_newer_one_is_refused(url: str) -> None:
    with InspectionLog.open(url) as log, log.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(UserError, match=r"schema 9999, which a newer steelsight wrote .*; update steelsight"):
        InspectionLog.open(url)


def test_none_is_made_where_none_is_wanted(url: str) -> None:
    for _ in range(2):  # the first try has made nothing
        with pytest.raises(UserError, match="there is no log; give the folder or database"):
            InspectionLog.open(url, make=False)


def test_a_server_that_holds_a_table_of_our_name(postgres_url: str) -> None:
    other = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with other.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE reviews (stars integer)")
    try:
        with pytest.raises(UserError, match=r"not a log of steelsight \(it has the table 'reviews'"):
            InspectionLog.open(postgres_url)
    finally:
        with other.begin() as connection:
            connection.exec_driver_sql("DROP TABLE reviews")
        other.dispose()


def test_another_programs_file(tmp_path: Path) -> None:
    path = tmp_path / "films.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE films (name)")
    content = path.read_bytes()
    with pytest.raises(UserError, match=r"films.sqlite: this database is not a log of steelsight .*'films'"):
        InspectionLog.open(f"sqlite:///{path}")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content", [b"no database at all, though long enough" * 9, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_no_database(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(content)
    with pytest.raises(UserError, match="this file is no SQLite database; name another") as told:
        InspectionLog.open(f"sqlite:///{path}")
    assert str(path) in str(told.value)
    assert path.read_bytes() == content


def find_all(path: Any) -> Any:
    with InspectionLog.open(f"sqlite:///{path}") as log:
        return log.find(Query()).inspections


def test_a_damaged_log(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with InspectionLog.open(f"sqlite:///{path}") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        log.add([make_result(number) for number in range(50)])
    content = bytearray(path.read_bytes())
    content[8192:] = b"\x55" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"the log is damaged; stop the station.* -wal and -shm .*put a backup in its place"
    ) as told:
        find_all(path)
    assert str(path) in str(told.value)


def test_after_a_full_disk_it_goes_on(tmp_path: Path) -> None:
    with InspectionLog.open(f"sqlite:///{tmp_path}/log.sqlite") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        (first,) = log.add([make_result()])
        limits: list[Any] = []

        def limit(connection: Any, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={limits[-1]}")

        sa.event.listen(log._engine.pool, "checkout", limit)
        limits.append(1)  # as many as there are
        with pytest.raises(UserError, match=r"log.sqlite: the disk is full; free some space"):
            log.add([make_result(number, reason="x" * 1000) for number in range(100)])
        assert log.find(Query()).inspections == (first,)
        limits.append(10**9)
        (second,) = log.add([make_result(1)])
        assert log.find(Query()).inspections == (second, first)


@pytest.mark.parametrize("name", ["50%20mm", "what?", "a#b@c d", "%", "Blech ä"])
def test_a_data_folder_of_any_name_holds_its_log(tmp_path: Path, name: str) -> None:
    with InspectionLog.open(StationSettings(data=tmp_path / name).url):
        assert (tmp_path / name / LOG_NAME).is_file()
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is no folder; name another place"):
        InspectionLog.open(f"sqlite:///{tmp_path}/file/log.sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.sqlite",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:secret@h/d",
        "postgresql://u:secret@h:p/d",
        "mysql://h/d?password=secret",
    ],
)
def test_no_url_of_a_log(url: str) -> None:
    with pytest.raises(UserError, match=r"write e\.g\. sqlite:////data/log\.sqlite") as told:
        InspectionLog.open(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@127.0.0.1:1/d", "u:***@127.0.0.1:1/d"),
        (
            "postgresql://127.0.0.1:1/d?user=u&password=secret&sslpassword=secret&sslmode=prefer",
            "127.0.0.1:1/d?password=...&sslmode=prefer&sslpassword=...&user=u",
        ),
    ],
)
def test_a_server_that_is_not_there(url: str, shown: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"postgresql+psycopg://{shown}: ")) as told:
        InspectionLog.open(url)
    assert "secret" not in str(told.value)
