"""Pages give every inspection once, in the order asked for; filters are what they say."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from helpers.station_results import CLASSES, INSPECTOR, START, make_result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from steelsight.core.errors import UserError
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query, page
from steelsight.station.log.rows import select_inspections

one_log = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = {
    "newest": lambda one: (one.result.at, one.id),
    "oldest": lambda one: (one.result.at, one.id),
    "doubt": lambda one: (one.result.doubt, one.id),
}


def pages(log: Any, query: Any, between: Any = lambda: None) -> Iterator[Any]:
    while True:
        found = log.find(query)
        yield found.inspections
        if found.next is None:
            return
        between()
        query = query.model_copy(update={"cursor": found.next})


def test_every_inspection_once_while_others_are_added(log: InspectionLog) -> None:
    """Many of the same time and the same doubt, and new ones between two pages that may fall anywhere."""
    moments, doubts = st.integers(0, 3), st.sampled_from([0.0, 0.1, 1 / 3, 1.0])

    @one_log
    @given(
        st.lists(st.tuples(moments, doubts), max_size=12),
        st.lists(st.tuples(moments, doubts), max_size=3),
        st.sampled_from(list(KEYS)),
        st.integers(1, 5),
    )
    def check(first: Any, later: Any, order: Any, limit: Any) -> None:
        name = f"round-{next(rounds)}."
        make = [lambda at=at, doubt=doubt: make_result(at, doubt=doubt, name=name) for at, doubt in [*first, *later]]
        there = log.add([one() for one in make[: len(first)]])
        waiting = iter(make[len(first) :])

        def between() -> None:
            log.add([one() for one in [next(waiting, None)] if one])

        query = Query(name=name, order=order, limit=limit)
        seen = [one for page in pages(log, query, between) for one in page]
        assert len({one.id for one in seen}) == len(seen)
        assert {one.id for one in there} <= {one.id for one in seen}
        keys = [KEYS[order](one) for one in seen]
        assert keys == sorted(keys, reverse=order != "oldest")

    rounds = iter(range(1000))
    check()


@pytest.fixture(scope="module")
def various(new_url: Any) -> Iterator[Any]:
    """One of each kind, and what a person said of the last two."""
    with InspectionLog.open(new_url()) as log:
        _fill(log)
        yield log


def _fill(log: Any) -> None:
    log.register(INSPECTOR, CLASSES, "{}")
    log.register("cd" * 32, ("scratch",), "{}")
    added = log.add(
        [
            make_result(0, verdict="pass", runs=("", ""), door="page"),
            make_result(1, verdict="reject", flags=("dark",), runs=("", "3 4"), station="line1 b"),
            make_result(2, verdict=None, probability=None, name="Plate_100%.JPG"),
            make_result(3, error="not an image", size=None, runs=(), p_defect=None, door="watch"),
            make_result(4, inspector="cd" * 32, runs=("1 1",)),
        ]
    )
    for one in added[3:]:
        log.review(one.id, after_version=0, agrees=True, word="reject")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"verdicts": ("pass",)}, [0]),
        ({"verdicts": ("reject", "pass", "reject")}, [0, 1]),
        ({"verdicts": ("none",)}, [2]),
        ({"verdicts": ("none", "review")}, [2, 3, 4]),
        ({"name": "PLATE-"}, [0, 1, 3, 4]),
        ({"name": "_1"}, [2]),
        ({"name": "0%"}, [2]),
        ({"name": "%"}, [2]),
        ({"name": "\\"}, []),
        ({"since": START + timedelta(minutes=3)}, [3, 4]),
        ({"until": START + timedelta(minutes=3)}, [0, 1, 2]),
        ({"since": datetime(2026, 3, 1, 12, 4)}, [4]),
        ({"defect_class": "scratch"}, [2, 4]),
        ({"defect_class": "dent, deep"}, [1]),
        ({"defect_class": "scr"}, []),
        ({"inspector": "cdcdcd"}, [4]),
        ({"inspector": INSPECTOR}, [0, 1, 2, 3]),
        ({"inspector": "%"}, []),
        ({"door": "watch"}, [3]),
        ({"station": "line1 b"}, [1]),
        ({"station": "line1"}, []),
        ({"reviewed": True}, [3, 4]),
        ({"reviewed": False, "door": "http"}, [1, 2]),
        ({"flagged": True}, [1]),
        ({"flagged": False, "verdicts": ("pass", "reject")}, [0]),
    ],
)
def test_filters(various: Any, filters: Any, expected: Any) -> None:
    found = various.find(Query(**filters, order="oldest")).inspections
    assert [(one.result.at - START) // timedelta(minutes=1) for one in found] == expected


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10", "WyJuZXdlc3QiLCAxZTMwMCwgMV0", "bnVsbA", "WzEsIDIsIDNd" * 999])
def test_a_cursor_that_is_none(various: Any, cursor: Any) -> None:
    with pytest.raises(UserError, match=r"cursor .* not one of this list"):
        various.find(Query(cursor=cursor))


@one_log
@given(st.text(max_size=30), st.sampled_from(list(KEYS)))
def test_no_text_as_a_cursor_is_more_than_a_sentence(various: Any, cursor: Any, order: Any) -> None:
    with pytest.raises(UserError):
        various.find(Query(cursor=cursor, order=order))


def test_a_cursor_of_another_order(various: Any) -> None:
    cursor = various.find(Query(limit=1)).next
    with pytest.raises(UserError, match="same order"):
        various.find(Query(cursor=cursor, order="doubt"))


def test_pages_are_read_and_not_sorted(various: Any) -> None:
    """Whatever is asked for alone or with the review queue's filters: an index is in the page's order."""
    if various.url.drivername != "sqlite":
        pytest.skip("PostgreSQL plans by what the tables hold; these are empty")
    asked = [{"order": order, **one} for order in KEYS for one in [{}, {"reviewed": False}, {"reviewed": True}]]
    asked += [{"verdicts": ("reject",)}, {"verdicts": ("review", "reject")}, {"flagged": True}, {"inspector": "ab"}]
    asked += [{"order": "doubt", "verdicts": ("review",), "reviewed": False}, {"defect_class": "x"}, {"name": "x"}]
    for one in asked:
        statement = page(select_inspections(), Query(**one))
        text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        with various.reading() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}".replace("%", "%%"))]
        assert not any("TEMP B-TREE" in step for step in plan), (one, plan)
