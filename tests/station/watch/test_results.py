"""The tables follow the log: whatever a kill or a full disk left of them, they are put right."""

import shutil
from collections.abc import Iterator
from csv import DictReader
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.imaging.regions import Region
from steelsight.metrics.mask_table import read_mask_table
from steelsight.results.tables import TABLES, Tables
from steelsight.station.inspection import Arrival, Result
from steelsight.station.log.log import InspectionLog
from steelsight.station.watch.results import ResultTables

CLASSES = ("bright", "dark")
FOLDER = "/line/1"


def make_result(number: Any, *, folder: Any = FOLDER, inspector: Any = "a" * 64) -> Any:
    """Every third image shows a defect, every fifth cannot be read."""
    name, is_broken, runs = f'strip "{number}",\n.png', number % 5 == 4, ("", "")
    regions = ()
    if number % 3 == 0 and not is_broken:
        runs, regions = ("1 4 9 2", ""), (Region(0, 0, 0, 2, 2, 4, 0.75), Region(0, 2, 0, 1, 2, 2, 0.5))
    return Result(
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        door="watch",
        station="line 1",
        name=name,
        sha256=f"{number:064x}",
        bytes=100,
        inspector=inspector,
        size=None if is_broken else (4, 8),
        p_defect=None if is_broken else number / 100,
        probability=None,
        verdict=None,
        reason="",
        flags=(),
        runs=runs,
        regions=regions,
        error="not an image" if is_broken else None,
        seconds=0.1,
        doubt=0.5,
        has_image=False,
        has_maps=False,
        suspected=(Region(1, 3, 0, 1, 2, 2, 0.25),) if number % 4 == 0 and not is_broken else (),
        suspected_runs=("", "13 2") if number % 4 == 0 and not is_broken else (),
        arrival=Arrival(folder, name, 100, number, f"{number:064x}"),
    )


def make_log(folder: Any) -> Any:
    """A log with twelve images of the folder, the last ones after images of others."""
    log = InspectionLog.open(f"sqlite:///{folder / 'log.sqlite'}")
    log.register("a" * 64, CLASSES, "{}")
    log.register("b" * 64, ("scratch", "hole"), "{}")
    log.add([make_result(number) for number in range(10)])
    log.add([make_result(40, folder="/line/2"), make_result(50, inspector="b" * 64)])
    log.add([make_result(number) for number in range(10, 12)])
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """To be read alone."""
    with make_log(tmp_path_factory.mktemp("log")) as opened:
        yield opened


@pytest.fixture
def own_log(tmp_path: Path) -> Iterator[Any]:
    """To be added to."""
    with make_log(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def whole(log: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tables as they should be."""
    out = tmp_path_factory.mktemp("whole")
    with ResultTables(out, CLASSES, log, FOLDER):
        pass
    return {name: (out / name).read_bytes() for name in TABLES}


def test_tables_hold_each_image_of_the_folder_once_and_score_reads_them(log: Any, whole: Any, tmp_path: Path) -> None:
    assert whole["images.csv"].count(b"strip ") == 12
    assert whole["defects.csv"].count(b",found\n") == 2 * 3  # 0, 3 and 6; 9 cannot be read
    assert whole["defects.csv"].count(b",suspected\n") == 2  # 0 and 8; 4 cannot be read
    (tmp_path / "submission.csv").write_bytes(whole["submission.csv"])
    table = read_mask_table(tmp_path / "submission.csv")
    assert tuple(table.classes) == CLASSES
    assert sum(runs.area for runs in table.runs.values()) == 6 * 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_torn_off_is_put_right(log: Any, whole: Any, tmp_path: Path, data: Any) -> None:
    for name in TABLES:
        cut = data.draw(st.integers(0, len(whole[name])), label=name)
        torn = whole[name][:cut] + data.draw(st.sampled_from([b"", b"\0\0", b'"x']), label="beyond")
        if cut:
            (tmp_path / name).write_bytes(torn if cut > 300 else whole[name][:cut])
        else:
            (tmp_path / name).unlink(missing_ok=True)
    with ResultTables(tmp_path, CLASSES, log, FOLDER) as tables:
        assert not tables.missing
    assert {name: (tmp_path / name).read_bytes() for name in TABLES} == whole


def test_a_folder_of_tables_that_was_removed_comes_again(own_log: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ResultTables(out, CLASSES, own_log, FOLDER) as tables:
        shutil.rmtree(out)
        tables.add(own_log.add([make_result(60)]))
        with pytest.raises(UserError, match="another `steelsight watch` writes its tables here"):
            ResultTables(out, CLASSES, own_log, FOLDER).__enter__()
    assert (out / "images.csv").read_bytes().count(b"strip ") == 13


def test_rows_that_are_there_twice_are_cut_off(log: Any, whole: Any, tmp_path: Path) -> None:
    for name in TABLES:
        header = whole[name].index(b"\n") + 1
        (tmp_path / name).write_bytes(whole[name] + whole[name][header:])
    with ResultTables(tmp_path, CLASSES, log, FOLDER):
        pass
    assert {name: (tmp_path / name).read_bytes() for name in TABLES} == whole


def test_tables_that_were_begun_without_what_is_suspected_go_on_without(
    own_log: Any, whole: Any, tmp_path: Path
) -> None:
    """Whoever reads them need not learn of new columns; who wants these moves the tables away."""
    older = Tables(CLASSES, also={"submission.csv": ["LogId"], "defects.csv": ["LogId"], "images.csv": ["LogId", "at"]})
    older = replace(older, suspected=False)
    for name in TABLES:
        (tmp_path / name).write_bytes(older.header(name))
    with ResultTables(tmp_path, CLASSES, own_log, FOLDER) as tables:
        tables.add(own_log.add([make_result(16)]))
        for name in TABLES:
            content = (tmp_path / name).read_bytes()
            assert content.startswith(older.header(name))
            assert b"suspected" not in content
        assert (tmp_path / "submission.csv").read_bytes().startswith(whole["submission.csv"])
        assert (tmp_path / "images.csv").read_bytes().count(b"strip ") == 13
        assert (tmp_path / "defects.csv").read_bytes().count(b"strip ") == 2 * 3
        for name in TABLES:
            (tmp_path / name).unlink()
        tables.add(own_log.add([make_result(20)]))
    assert (tmp_path / "images.csv").read_bytes().startswith(whole["images.csv"])


def test_what_is_added_again_is_left_out(log: Any, whole: Any, tmp_path: Path) -> None:
    with ResultTables(tmp_path, CLASSES, log, FOLDER) as tables:
        tables.add([log.get(1), log.get(2), log.get(12)])
    assert (tmp_path / "images.csv").read_bytes() == whole["images.csv"]


def test_a_table_that_somebody_moved_away_is_made_anew(own_log: Any, whole: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ResultTables(out, CLASSES, own_log, FOLDER) as tables:
        (out / "defects.csv").rename(tmp_path / "mine.csv")
        tables.add(own_log.add([make_result(30)]))
    for name in TABLES:
        assert (out / name).read_bytes().startswith(whole[name])
        assert b'""30""' in (out / name).read_bytes()[len(whole[name]) :]


def test_a_table_moved_away_before_many_rows_are_added_holds_each_of_them_once(own_log: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ResultTables(out, CLASSES, own_log, FOLDER) as tables:
        (out / "images.csv").rename(tmp_path / "mine.csv")
        tables.add(own_log.add([make_result(number) for number in range(100, 600)]))
        assert not tables.missing
    with (out / "images.csv").open(encoding="utf-8", newline="") as stream:
        numbers = [int(row["LogId"]) for row in DictReader(stream)]
    assert len(numbers) == len(set(numbers)) == 12 + 500
    assert (out / "submission.csv").read_bytes().count(b"strip ") == 2 * (10 + 400)  # a fifth cannot be read


def test_a_full_disk_takes_nothing_and_is_caught_up_with(own_log: Any, whole: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ResultTables(out, CLASSES, own_log, FOLDER) as tables:
        (out / "images.csv").unlink()
        (out / "images.csv").symlink_to("/dev/full")
        with pytest.raises(UserError, match=r"images\.csv: the disk is full"):
            tables.add(own_log.add([make_result(30)]))
        assert tables.missing
        (out / "images.csv").unlink()
        tables.catch_up()
        assert not tables.missing
    for name in TABLES:
        assert (out / name).read_bytes().startswith(whole[name])
        assert (out / name).read_bytes()[len(whole[name]) :].count(b'""30""') == {"images.csv": 1}.get(name, 2)


def test_only_one_process_writes(log: Any, tmp_path: Path) -> None:
    with (
        ResultTables(tmp_path, CLASSES, log, FOLDER),
        pytest.raises(UserError, match="another `steelsight watch` writes its tables here"),
        ResultTables(tmp_path, CLASSES, log, FOLDER),
    ):
        pass


def test_tables_of_something_else_are_not_touched(log: Any, whole: Any, tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("name,score\n")
    with pytest.raises(UserError, match="its columns are not those"), ResultTables(tmp_path, CLASSES, log, FOLDER):
        pass
    assert (tmp_path / "images.csv").read_text() == "name,score\n"
    for name in TABLES:
        (tmp_path / name).write_bytes(whole[name])
    with (
        pytest.raises(UserError, match="LogId 1 is not an image of /line/3"),
        ResultTables(tmp_path, CLASSES, log, "/line/3"),
    ):
        pass
    assert (tmp_path / "images.csv").read_bytes() == whole["images.csv"]
