"""The log as a table: what stands in it can be read back by those who read CSV and Parquet."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.station_results import CLASSES, INSPECTOR, START, make_arrival, make_result, results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from steelsight.core.errors import UserError
from steelsight.core.safe_names import for_cell
from steelsight.imaging.regions import Region
from steelsight.station.log.export import columns, export_csv, export_parquet, write_export
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Any]:
    """In SQLite alone: rows reach the tables through `find`, which is tested with both."""
    with InspectionLog.open(f"sqlite:///{tmp_path}/log.sqlite") as opened:
        opened.register(INSPECTOR, CLASSES, "{}")
        yield opened


def read_csv(log: Any, query: Any = None) -> Any:
    content = b"".join(export_csv(log, query or Query())).decode("utf-8")
    return list(csv.DictReader(io.StringIO(content, newline="")))


def read_parquet(log: Any, query: Any = None) -> Any:
    return parquet.read_table(io.BytesIO(b"".join(export_parquet(log, query or Query())))).to_pylist()


def test_a_row(log: Any) -> None:
    one, bad = log.add(
        [
            make_result(
                flags=("dark", "blurred"),
                runs=("1 10 300 5", "7 2"),
                suspected=(Region(0, 0, 0, 2, 3, 4, 0.5), Region(0, 9, 0, 2, 3, 5, 0.5)),
                suspected_runs=("400 9", ""),
            ),
            make_result(
                1, size=None, error='no image, "truncated"', runs=(), p_defect=None, probability=None, regions=()
            ),
        ]
    )
    log.review(
        one.id, after_version=0, agrees=False, word="pass", runs=("", "7 1"), reviewer="Ada", comment="a\nb", at=START
    )
    first, second = read_csv(log)
    assert first == {
        **{"id": str(one.id), "at": "2026-03-01T12:00:00.000000+00:00", "door": "http", "station": "line 1"},
        **{"name": "plate-0.jpg", "sha256": "0" * 64, "bytes": "1000", "inspector": INSPECTOR, "height": "256"},
        **{"width": "1600", "p_defect": "0.75", "probability": "0.625", "verdict": "review"},
        **{"reason": "probability 0.63 lies between the bounds", "flags": "dark;blurred", "error": ""},
        **{"seconds": "0.25", "doubt": "0.875", "has_image": "true", "has_maps": "true"},
        **{"classes": "scratch;dent, deep", "area_scratch": "15", "area_dent, deep": "2", "review_version": "1"},
        **{"review_at": "2026-03-01T12:00:00.000000+00:00", "reviewer": "Ada", "agrees": "false", "word": "pass"},
        **{"comment": "a\\x0ab", "review_area_scratch": "0", "review_area_dent, deep": "1"},
        **{"suspected_count_scratch": "2", "suspected_count_dent, deep": "0"},
        **{"suspected_area_scratch": "9", "suspected_area_dent, deep": "0", "file_at": ""},
    }
    assert (second["error"], second["height"], second["area_scratch"]) == ('no image, "truncated"', "", "")
    assert (second["word"], second["review_area_scratch"], second["suspected_area_scratch"]) == ("", "", "")
    typed = read_parquet(log)
    assert list(typed[0]) == list(first) == list(columns(CLASSES))
    assert typed[0]["at"] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (typed[0]["has_image"], typed[0]["agrees"], typed[0]["area_scratch"]) == (True, False, 15)
    assert (typed[1]["id"], typed[1]["height"], typed[1]["word"]) == (bad.id, None, None)


def test_a_watched_file_has_its_own_time(log: Any) -> None:
    """What came while nothing watched is inspected later."""
    log.add([make_result(door="watch", arrival=make_arrival(modified_ns=1_772_366_400_123_456_789))])
    (text,), (typed,) = read_csv(log), read_parquet(log)
    assert text["file_at"] == "2026-03-01T12:00:00.123456+00:00"
    assert typed["file_at"] == datetime(2026, 3, 1, 12, microsecond=123456, tzinfo=UTC)


def test_an_image_that_was_not_judged_has_no_pixels_of_defects_not_even_none(log: Any) -> None:
    why = "plate-0.jpg: the networks gave no probability"
    (one,) = log.add([make_result(error=why, p_defect=None, probability=None, runs=("", ""), regions=())])
    log.review(
        one.id, after_version=0, agrees=False, word="reject", runs=("7 3", ""), reviewer="", comment="", at=START
    )
    (text,), (typed,) = read_csv(log), read_parquet(log)
    for name in CLASSES:
        assert (text["height"], text[f"area_{name}"], text[f"suspected_area_{name}"]) == ("256", "", "")
        assert (typed["height"], typed[f"area_{name}"], typed[f"suspected_area_{name}"]) == (256, None, None)
    assert (text["classes"], text["review_area_scratch"], typed["review_area_dent, deep"]) == ("", "3", 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(results, max_size=4))
def test_both_hold_the_same_whatever_the_names(log: Any, given_results: Any) -> None:
    log.add(given_results)
    for text, typed in zip(read_csv(log), read_parquet(log), strict=True):
        for name in ("name", "flags", "error"):
            assert text[name] == for_cell(typed[name] or "")
        for name in ("p_defect", "doubt", "seconds"):
            assert (float(text[name]) if text[name] else None) == typed[name]
        assert datetime.fromisoformat(text["at"]) == typed["at"]


def test_what_a_spreadsheet_would_carry_out_is_text_to_it(log: Any) -> None:
    (one,) = log.add([make_result(name="=HYPERLINK(A1).jpg")])
    log.review(one.id, after_version=0, agrees=True, word="pass", reviewer="@ada", comment="-1+cmd|' /C calc'!A0")
    (text,), (typed,) = read_csv(log), read_parquet(log)
    cells = {name: text[name] for name in ("name", "reviewer", "comment")}
    assert cells == {"name": "'=HYPERLINK(A1).jpg", "reviewer": "'@ada", "comment": "'-1+cmd|' /C calc'!A0"}
    assert typed["name"] == "=HYPERLINK(A1).jpg"


def test_more_than_a_page_and_the_filters(log: Any) -> None:
    log.register("cd" * 32, ("rust",), "{}")
    log.add([make_result(number) for number in range(1005)])
    log.add([make_result(2000, inspector="cd" * 32, runs=("1 2",), verdict="pass")])
    rows = read_csv(log, Query(order="doubt", limit=1))
    assert [row["name"] for row in rows[:1005]] == [f"plate-{number}.jpg" for number in range(1005)]
    assert (rows[-1]["area_rust"], rows[-1]["area_scratch"], rows[0]["area_rust"]) == ("2", "", "")
    assert [row["area_rust"] for row in read_parquet(log, Query(verdicts=("pass",)))] == [2]


def test_of_an_empty_log(log: Any) -> None:
    assert read_csv(log) == read_parquet(log) == []


def test_another_suffix(log: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"log\.xlsx`: '\.xlsx' is no format of the log; use \.csv or \.parquet"):
        write_export(log, Query(), tmp_path / "log.xlsx")
    assert not (tmp_path / "log.xlsx").exists()
