"""A log that strangers made, and what is built from it: no program in it runs, and no file outside of the store is read."""

import sqlite3
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from helpers.data import SAMPLE
from helpers.station_results import CLASSES, INSPECTOR, make_result

from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.station.corrections.export import NoCorrections, summarise, write_corrections, zip_corrections
from steelsight.station.log.export import export_csv
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.store import ImageStore

PROGRAMS = {
    "trigger": "CREATE TRIGGER quiet AFTER INSERT ON inspections BEGIN DELETE FROM reviews; END",
    "view": "DROP TABLE arrivals; CREATE VIEW arrivals AS SELECT 1 AS key",
    "virtual table": "DROP TABLE found; CREATE VIRTUAL TABLE found USING fts5(inspection_id, class, area)",
}


@pytest.fixture
def path(tmp_path: Path) -> Any:
    """A log with one result, closed."""
    place = tmp_path / "log.sqlite"
    with InspectionLog.open(f"sqlite:///{place}") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        log.add([make_result()])
    return place


def put(path: Any, script: Any) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_log_that_holds_a_program_is_refused(path: Any, what: Any) -> None:
    put(path, PROGRAMS[what])
    before = path.read_bytes()
    with pytest.raises(UserError, match=rf"log\.sqlite: it holds the {what} '\w+', which no steelsight makes"):
        InspectionLog.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_table_or_a_view_of_ones_own_is_left_alone(path: Any) -> None:
    put(
        path,
        "CREATE TABLE mine (a); CREATE VIEW by_day AS SELECT count(*) FROM inspections; CREATE INDEX i ON mine (a)",
    )
    with InspectionLog.open(f"sqlite:///{path}") as log:
        assert log.get(1) is not None


def test_what_a_log_defines_calls_no_function_that_does_more_than_compute(path: Any) -> None:
    """SQLite trusts what a file defines unless it is told not to."""
    with InspectionLog.open(f"sqlite:///{path}") as log, log.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0


ODD = ("x", "", "-1", "[1]", "[null]", "[" * 5000)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            (column, value)
            for column in ("flags", "runs", "regions")
            for value in ("x", "", "-1", "[1]", "[null]", "[" * 5000)
        ),
        *(("at", value) for value in ("", "x", 2**62)),
    ],
)
def test_a_value_that_no_station_writes_is_one_sentence(path: Any, column: str, value: Any) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE inspections SET {column} = ?", (value,))
    connection.close()
    said = r"log\.sqlite: the log holds something that no station writes .* put a backup in its place"
    with InspectionLog.open(f"sqlite:///{path}") as log:
        with pytest.raises(UserError, match=said):
            log.get(1)
        with pytest.raises(UserError, match=said):
            b"".join(export_csv(log, Query()))


@pytest.mark.parametrize("value", ["{}", "[1]", "3", "[[1]]", '"ab"'])
def test_classes_that_are_no_names_are_one_sentence(path: Any, value: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE inspectors SET classes = ?", (value,))
    connection.close()
    with InspectionLog.open(f"sqlite:///{path}") as log, pytest.raises(UserError, match="no list of texts"):
        b"".join(export_csv(log, Query()))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return ImageStore(tmp_path / "data")


@pytest.mark.parametrize("up", ["../../private", "/private", "..", "*", "a" * 64 + "/../../../private", "A" * 64])
def test_an_image_that_the_log_names_outside_of_the_store_is_not_read(
    tmp_path: Path, path: Any, store: Any, up: Any
) -> None:
    content = list_images(SAMPLE / "train_images")[0].read_bytes()
    (tmp_path / "private.jpg").write_bytes(content)
    (tmp_path / "private.abcdefabcdef.npz").write_bytes(b"")
    sha256 = up.replace("/private", f"{tmp_path}/private") if up.startswith("/") else up
    (store.data / "images" / ("a" * 64)).mkdir(parents=True)
    with InspectionLog.open(f"sqlite:///{path}") as log:
        (added,) = log.add([make_result(sha256=sha256)])
        log.review(added.id, after_version=0, agrees=True, word="defect")
        assert store.image_path(sha256) is None
        assert store.read_image(sha256) is None
        assert store.read_maps(sha256, INSPECTOR) is None
        assert store.remove(sha256) == 0
        assert [one.why for one in summarise(log, store).left_out] == ["its image is not stored (any more)"]
        with pytest.raises(NoCorrections):
            write_corrections(log, store, tmp_path / "next")
        with pytest.raises(NoCorrections):
            zip_corrections(log, store)
    with pytest.raises(ValueError, match="no SHA-256"):
        store.put_image(sha256, content)
    assert (tmp_path / "private.jpg").read_bytes() == content


def test_a_file_of_the_store_called_by_a_pattern_takes_no_other_with_it(store: Any) -> None:
    content = list_images(SAMPLE / "train_images")[0].read_bytes()
    store.put_image("a" * 64, content)
    (store.data / "images" / "aa" / "*.jpg").write_bytes(content)
    for file in store.files():
        if file.sha256 == "*":
            assert store.remove(file.sha256) == 0
    assert store.read_image("a" * 64) == content


@pytest.mark.parametrize("name", ["../../../evil.jpg", "/evil.jpg", "a\\..\\evil.jpg", "images/../../evil.jpg"])
def test_an_archive_of_corrections_names_no_file_outside_of_it(
    tmp_path: Path, path: Any, store: Any, name: str
) -> None:
    """Whatever an image was called by its sender, whoever unpacks the archive gets files in its own folder."""
    content, sha256 = list_images(SAMPLE / "train_images")[0].read_bytes(), "c" * 64
    store.put_image(sha256, content)
    with InspectionLog.open(f"sqlite:///{path}") as log:
        (added,) = log.add([make_result(name=name, sha256=sha256)])
        log.review(added.id, after_version=0, agrees=True, word="defect")
        with ZipFile(BytesIO(b"".join(zip_corrections(log, store)))) as archive:
            names = sorted(archive.namelist())
    assert names == ["README.txt", "annotations.json", f"images/{'c' * 16}.jpg", "reviews.csv"]
