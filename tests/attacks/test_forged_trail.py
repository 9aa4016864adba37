"""Who can write to a station's SQLite log tries to forge what the audit trail does not look at: `log verify` sees it."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers.station_results import INSPECTOR, make_result

from steelsight.core.errors import UserError
from steelsight.station.log.audit import Actor, append
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.verify import verify_log

ANNA = Actor("Anna", "reviewer", "line 1")
CLASSES = ("scratch", "dent")
CARD = json.dumps({"classes": CLASSES})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with two reviews, and an inspector that the trail tells of."""
    path = tmp_path / "log.sqlite"
    make_log(path, 2)
    return path


def make_log(path: Path, count: int) -> None:
    with InspectionLog.open(f"sqlite:///{path}") as log:
        log.register(INSPECTOR, CLASSES, CARD)
        told = {"fingerprint": INSPECTOR, "card": hashlib.sha256(CARD.encode()).hexdigest()}
        with log.writing() as connection:
            append(connection, "inspector", told, ANNA)
        for one in log.add([make_result(number) for number in range(count)]):
            log.review(one.id, after_version=0, agrees=True, word="pass", reviewer="Anna", actor=ANNA)


def verified(path: Path) -> int | None:
    with InspectionLog.open(f"sqlite:///{path}") as log:
        return verify_log(log).reviews


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def copied(path: Path, table: str, where: str, **changes: str) -> str:
    """A statement that adds a copy of a row with other values."""
    with closing(sqlite3.connect(path)) as connection:
        names = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changes.get(name, name) for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE {where}"


def without_keys(path: Path, table: str) -> list[str]:
    """Statements that make a table anew, in which any row may come twice."""
    with closing(sqlite3.connect(path)) as connection:
        names = ", ".join(str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})"))
    renamed = ["PRAGMA legacy_alter_table=ON", f"ALTER TABLE {table} RENAME TO old", f"CREATE TABLE {table} ({names})"]
    return [*renamed, f"INSERT INTO {table} SELECT * FROM old", "DROP TABLE old"]


@pytest.mark.parametrize("number", ["0", "-1"])
def test_an_entry_before_the_first_is_seen(path: Path, number: str) -> None:
    assert verified(path) == 2
    run(path, copied(path, "log_audit", "number = 2", number=number, kind="'tokens'", previous="'x'"))
    with pytest.raises(
        UserError, match="log_audit was changed: 5 rows are in it, and 4 have the numbers that a station"
    ):
        verified(path)


def test_a_review_under_a_number_that_no_station_gives_is_seen(path: Path) -> None:
    run(path, *without_keys(path, "reviews"), copied(path, "reviews", "inspection_id = 1", inspection_id="NULL"))
    with pytest.raises(UserError, match="reviews was changed: 3 rows are in it, and 2 have the numbers that a station"):
        verified(path)


@pytest.mark.parametrize(("table", "where"), [("reviews", "inspection_id = 500"), ("log_audit", "number = 500")])
def test_a_second_row_of_one_number_is_seen_wherever_it_stands(tmp_path: Path, table: str, where: str) -> None:
    """The trail is read by hundreds of rows, and one that is like the last of them was never looked at."""
    path = tmp_path / "log.sqlite"
    make_log(path, 510)
    run(path, *without_keys(path, table))
    assert verified(path) == 510
    run(path, copied(path, table, where))
    with pytest.raises(UserError, match=f"the table {table} was changed: 51[0-9] rows are in it"):
        verified(path)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('UPDATE inspectors SET classes = \'["dent", "scratch"]\'', "its classes are not those of its card"),
        ("UPDATE inspectors SET card = '{}'", "its card is not the one that the audit trail tells of"),
        ("UPDATE inspectors SET fingerprint = 'ff'", f"the inspector {INSPECTOR} is missing, and the audit trail"),
    ],
)
def test_an_inspector_that_was_changed_is_seen(path: Path, statement: str, words: str) -> None:
    run(path, statement)
    with pytest.raises(UserError, match=words):
        verified(path)


@pytest.mark.parametrize(
    ("statement", "version"),
    [
        ("UPDATE inspections SET reviewed = 0 WHERE id = 1", 1),
        ("UPDATE inspections SET reviewed = 2 WHERE id = 1", 1),
        ("INSERT INTO inspections SELECT * FROM three", 0),
    ],
)
def test_what_is_shown_as_reviewed_is_what_was(path: Path, statement: str, version: int) -> None:
    """The corrections, and retention, go by it."""
    another = "CREATE TEMP TABLE three AS SELECT * FROM inspections WHERE id = 1"
    run(path, another, "UPDATE three SET id = 3, review_version = 0", statement)
    with pytest.raises(
        UserError, match=rf"version {version} of inspection [13] is not the one that the inspection shows"
    ):
        verified(path)


def test_an_index_that_shows_another_review_is_seen(path: Path) -> None:
    """A station finds a review by an index, which may lead to the row of another one."""
    table = "SELECT sql FROM sqlite_master WHERE name = 'reviews'"
    with closing(sqlite3.connect(path)) as connection:
        (made,) = connection.execute(table).fetchone()
    plain = made.replace("PRIMARY KEY (inspection_id, version)", "CHECK (version > 0)")
    assert plain != made
    hidden = "sqlite_autoindex_reviews_1"
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(f"SELECT rootpage FROM sqlite_master WHERE name = '{hidden}'").fetchone()
    quoted = [text.replace("'", "''") for text in (plain, made)]
    name = "type, name, tbl_name, rootpage, sql"
    run(
        path,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = '{quoted[0]}' WHERE name = 'reviews'",
        f"DELETE FROM sqlite_master WHERE name = '{hidden}'",
    )
    run(path, "UPDATE reviews SET inspection_id = 3 - inspection_id")  # of the table alone: the two change places
    run(
        path,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = '{quoted[1]}' WHERE name = 'reviews'",
        f"INSERT INTO sqlite_master ({name}) VALUES ('index', '{hidden}', 'reviews', {root}, NULL)",
    )
    with pytest.raises(UserError, match="the table reviews was changed by another program, or is damaged"):
        verified(path)
