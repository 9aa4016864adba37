"""Another log in the folder is only read: it and what lies beside it are the same afterwards, and no station on it waits."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.older_log import make_older
from helpers.station_results import CLASSES, INSPECTOR, make_result

from steelsight.station.log import beside
from steelsight.station.log.beside import Beside, read_beside
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.retention import Pruned

IMAGES = [f"{number:064x}" for number in range(1000, 1600)]
"""More than are asked for at once."""
NAMED = Beside(frozenset(IMAGES[::2]))


@pytest.fixture
def path(tmp_path: Path) -> Any:
    """A log that names every second image, in a folder whose name means something in a URL."""
    folder = tmp_path / "line #1?mode=rw&x=%41"
    folder.mkdir()
    with InspectionLog.open(str(make_url(folder / "log.sqlite"))) as log:
        fill(log)
    return folder / "log.sqlite"


def make_url(path: Any) -> Any:
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F")


def fill(log: Any) -> None:
    log.register(INSPECTOR, CLASSES, "{}")
    log.add([make_result(number) for number in range(1000, 1600, 2)])
    log.add([make_result(1001, has_image=False, has_maps=False)])


def tree(path: Path) -> Any:
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in path.parent.iterdir()}


def test_at_rest_it_is_read_and_nothing_is_made_beside_it(path: Path) -> None:
    before = tree(path)
    assert set(before) == {"log.sqlite"}
    assert read_beside(path, IMAGES) == NAMED
    assert tree(path) == before
    assert read_beside(path, ["notes [1]", "\udcff", *IMAGES[:1]]) == Beside(frozenset(IMAGES[:1]))


def test_what_was_reviewed_counts_though_its_image_was_not_stored(path: Path) -> None:
    """Stored again, it can be taken out as a correction."""
    with InspectionLog.open(make_url(path)) as log:
        (one,) = log.add([make_result(1003, has_image=False, has_maps=False)])
        log.review(one.id, after_version=0, agrees=True, word="reject")
    assert read_beside(path, IMAGES[:4]) == Beside(frozenset([IMAGES[0], IMAGES[2], IMAGES[3]]))


@pytest.mark.parametrize("schema", ["0001", "0002", "0003", "0004"])
def test_an_older_one_is_not_moved_forward(path: Path, schema: str) -> None:
    make_older(make_url(path), schema)
    before = tree(path)
    assert read_beside(path, IMAGES) == NAMED
    assert tree(path) == before


def test_a_link_to_a_log_elsewhere_is_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").symlink_to(path)
    with InspectionLog.open(make_url(path)) as log:
        log.add([make_result(1001)])
        assert IMAGES[1] in read_beside(tmp_path / "log.sqlite", IMAGES).named
    assert not list(tmp_path.glob("log.sqlite-*"))


def test_of_a_station_at_work_what_stands_in_the_write_ahead_log_is_read(path: Path) -> None:
    """And it goes on writing meanwhile."""
    with InspectionLog.open(make_url(path)) as log, log.writing():
        assert read_beside(path, IMAGES) == NAMED
    with InspectionLog.open(make_url(path)) as log:
        log.add([make_result(1001)])
        assert path.with_name("log.sqlite-wal").stat().st_size
        assert IMAGES[1] in read_beside(path, IMAGES).named
        log.add([make_result(1003)])
        assert IMAGES[3] in read_beside(path, IMAGES).named


@pytest.mark.parametrize("with_shm", [True, False])
def test_of_a_station_that_was_killed_the_write_ahead_log_is_read_and_stays(
    path: Path, tmp_path: Path, with_shm: bool
) -> None:
    killed = tmp_path / "killed" / "log.sqlite"
    killed.parent.mkdir()
    with InspectionLog.open(make_url(path)) as log:
        log.add([make_result(1001)])
        for suffix in ("", "-wal", "-shm") if with_shm else ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{killed}{suffix}")
    before = tree(killed)
    assert before["log.sqlite-wal"][0]
    assert IMAGES[1] in read_beside(killed, IMAGES).named
    after = tree(killed)
    assert {name: after[name] for name in ("log.sqlite", "log.sqlite-wal")} == {
        name: before[name] for name in ("log.sqlite", "log.sqlite-wal")
    }
    assert set(after) == {"log.sqlite", "log.sqlite-wal", "log.sqlite-shm"}
    with InspectionLog.open(make_url(killed)) as log:  # it can be used as before
        log.add([make_result(1003)])
    assert IMAGES[3] in read_beside(killed, IMAGES).named


@pytest.fixture
def held(path: Path) -> Iterator[Any]:
    """One with a rollback journal, in the midst of a change by another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA cache_size=1")  # so that the change is in the file before it is decided
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("UPDATE inspections SET has_image = 0, has_maps = 0")
        yield path


def test_one_that_is_held_is_not_read_past_its_lock(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_PATIENCE", 0.1)
    assert read_beside(held, IMAGES) == Beside(unread="database is locked")


def test_a_change_that_was_broken_off_is_not_taken_for_done(held: Path, tmp_path: Path) -> None:
    """Only who may write can take it back."""
    broken = tmp_path / "broken" / "log.sqlite"
    broken.parent.mkdir()
    for suffix in ("", "-journal"):
        shutil.copy(f"{held}{suffix}", f"{broken}{suffix}")
    before = tree(broken)
    found = read_beside(broken, IMAGES)
    assert found.unread
    assert found.named == frozenset()
    assert tree(broken) == before


def test_one_that_is_written_while_it_is_read_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = beside._state

    def before_a_writer(real: Path) -> Any:
        monkeypatch.setattr(beside, "_state", state)
        seen = state(real)
        with InspectionLog.open(make_url(real)) as log:
            log.add([make_result(1001)])
        return seen

    monkeypatch.setattr(beside, "_state", before_a_writer)
    assert read_beside(path, IMAGES) == Beside(unread="another program writes it at this moment")
    assert IMAGES[1] in read_beside(path, IMAGES).named


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("ALTER TABLE inspections RENAME TO other", "it is no log of steelsight"),
        ("DROP TABLE steelsight_log_schema", "it is no log of steelsight"),
        (
            "ALTER TABLE inspections RENAME TO o; CREATE VIEW inspections AS SELECT * FROM o",
            "it is no log of steelsight",
        ),
        ("ALTER TABLE inspections RENAME COLUMN has_maps TO maps", "no such column: has_maps"),
    ],
)
def test_what_is_no_log_is_not_believed(path: Path, program: str, why: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(program)
    assert read_beside(path, IMAGES) == Beside(unread=why)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"\x1b[2Jzzz", r"malformed database schema (\x1b[2Jzzz)"),
        (b"\xff\xfe\xff\xffzzz", "it holds text that is no UTF-8"),
    ],
)
def test_a_damaged_schema_is_said_without_what_steers_a_terminal(path: Path, name: bytes, why: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE zzzzzzz (a)")
    content = path.read_bytes().replace(b"CREATE TABLE zzzzzzz", b"CREATE TABXE zzzzzzz").replace(b"zzzzzzz", name)
    path.write_bytes(content)
    found = read_beside(path, IMAGES)
    assert found.named == frozenset()
    assert why in Pruned(0, 0, 0, unread=found.unread).left_to_another_log


def test_one_that_is_gone_or_may_not_be_read_is_unread(path: Path) -> None:
    path.unlink()
    assert read_beside(path, IMAGES).unread
    path.mkdir()
    assert read_beside(path, IMAGES).unread
    assert read_beside(path / "log.sqlite" / "log.sqlite", IMAGES).unread
