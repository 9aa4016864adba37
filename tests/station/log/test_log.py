"""What the log is given it keeps, once, whoever adds it and whatever the names are made of."""

import itertools
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.station_results import CLASSES, INSPECTOR, any_text, is_known, make_arrival, make_result, results, times
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.station.inspection import Review
from steelsight.station.log.log import InspectionLog, OutdatedReview, UnknownInspection
from steelsight.station.log.query import Query
from steelsight.station.log.values import written
from steelsight.station.log.watched import Logged, another_station, known_files, numbers_of

sizes = itertools.count()
one_log = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@one_log
@given(st.lists(results, max_size=4))
def test_what_is_added_is_read_back(log: InspectionLog, given_results: Any) -> None:
    new = [
        one if one.arrival is None else replace(one, arrival=replace(one.arrival, size=next(sizes)))
        for one in given_results
    ]
    added = log.add(new)
    assert [log.get(one.id) for one in added] == added
    assert [one.result for one in added] == [
        replace(
            one,
            **{name: written(getattr(one, name)) for name in ("station", "name", "reason")},
            flags=tuple(map(written, one.flags)),
            error=None if one.error is None else written(one.error),
        )
        for one in new
    ]


@one_log
@given(any_text, any_text, times, st.booleans(), st.sampled_from(["pass", "reject"]))
def test_a_review_is_read_back(
    log: InspectionLog, reviewer: Any, comment: Any, at: Any, agrees: Any, word: Any
) -> None:
    (one,) = log.add([make_result()])
    runs = None if agrees else ("", "5 5")
    said = log.review(
        one.id, after_version=0, agrees=agrees, word=word, runs=runs, reviewer=reviewer, comment=comment, at=at
    )
    masks = one.result.runs if agrees else ("", "5 5")
    assert said == Review(1, at, written(reviewer), agrees, word, masks, written(comment))
    assert log.get(one.id).review == said
    assert log.reviews(one.id) == [said]


def test_a_time_is_kept_to_the_microsecond_in_utc(log: InspectionLog) -> None:
    at = datetime.fromisoformat("2026-03-01T13:00:00.000001+01:00")
    (one,) = log.add([make_result(at=at)])
    assert log.get(one.id).result.at == datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert log.get(one.id).result.at.tzinfo is UTC


def test_an_arrival_is_taken_once(log: InspectionLog) -> None:
    first, twin = log.add([make_result(arrival=make_arrival()), make_result(1, arrival=make_arrival())])
    assert twin == first
    (again,) = log.add([make_result(2, arrival=make_arrival())])
    assert again == first
    (touched,) = log.add([make_result(arrival=make_arrival(modified_ns=5))])
    assert touched.id != first.id
    assert len(log.find(Query()).inspections) == 2
    assert is_known(log, make_arrival())
    assert is_known(log, make_arrival(modified_ns=5))
    assert not is_known(log, make_arrival(size=7))
    assert not is_known(log, make_arrival(folder="/other"))


def test_the_same_image_without_an_arrival_is_logged_again(log: InspectionLog) -> None:
    first, second = log.add([make_result(), make_result()])
    assert first.id < second.id


def test_more_arrivals_than_are_read_at_once(log: InspectionLog) -> None:
    made = [make_arrival(number) for number in range(1001)]
    log.add([make_result(arrival=arrival) for arrival in made])
    stamps = {(one.name, one.size, one.modified_ns) for one in made}
    assert known_files(log, "/line", [one.name for one in made]).keys() == stamps


def test_of_a_known_file_the_log_says_who_inspected_which_content(log: InspectionLog) -> None:
    first, second = (make_arrival(sha256=digest * 64) for digest in "ab")
    log.add([make_result(arrival=first), make_result(arrival=second, station="line 2")])
    log.add([make_result(arrival=make_arrival(1, folder="/other"), station="line 3")])
    (logged,) = known_files(log, "/line", ["0.jpg"]).values()
    assert logged == Logged(frozenset({"a" * 64, "b" * 64}), frozenset({"line 1", "line 2"}))
    assert another_station(log, "/line", {"line 1"}) == "line 2"
    assert another_station(log, "/line", {"line 1", "line 2"}) is None
    assert [is_own for _, is_own in numbers_of(log, "/line", {"line 2"})] == [False, True]
    with log.writing() as connection:
        connection.exec_driver_sql("DELETE FROM inspections WHERE station = 'line 2'")
    assert known_files(log, "/line", ["0.jpg"]).popitem()[1].stations == {"line 1", None}
    assert another_station(log, "/line", {"line 1"}) is None


def test_two_doors_may_add_the_same_arrivals_at_once(url: str) -> None:
    """Each through a connection of its own, as two processes would, in opposite orders."""
    made = [make_arrival(number) for number in range(40)]
    answers: dict[str, Any] = {}

    def add(order: Any) -> None:
        with InspectionLog.open(url) as log:
            log.register(INSPECTOR, CLASSES, "{}")
            for start in range(0, 40, 8):
                for one in log.add([make_result(arrival=arrival) for arrival in made[::order][start : start + 8]]):
                    answers.setdefault(one.result.arrival, set()).add(one.id)

    threads = [threading.Thread(target=add, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == set(made)
    assert all(len(ids) == 1 for ids in answers.values())
    with InspectionLog.open(url) as log:
        assert len(log.find(Query(limit=1000)).inspections) == 40


def test_the_slower_reviewer_is_told(log: InspectionLog) -> None:
    (one,) = log.add([make_result()])
    first = log.review(one.id, after_version=0, agrees=True, word="reject", reviewer="Ada")
    for seen in (0, 2, -1):
        with pytest.raises(OutdatedReview, match="somebody else") as told:
            log.review(one.id, after_version=seen, agrees=True, word="pass")
        assert told.value.latest == 1
    second = log.review(one.id, after_version=1, agrees=False, word="pass", runs=("", ""))
    assert log.reviews(one.id) == [first, second]
    assert log.get(one.id).review == second


def test_of_reviewers_at_once_one_is_heard(log: InspectionLog) -> None:
    (one,) = log.add([make_result()])
    heard, barrier = [], threading.Barrier(6)

    def say(name: Any) -> None:
        barrier.wait()
        with suppress(OutdatedReview):
            heard.append(log.review(one.id, after_version=0, agrees=True, word="pass", reviewer=name))

    threads = [threading.Thread(target=say, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 1
    assert log.reviews(one.id) == heard


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, -(2**70)])
def test_an_unknown_number(log: InspectionLog, number: Any) -> None:
    assert log.get(number) is None
    assert log.reviews(number) == []
    with pytest.raises(UnknownInspection):
        log.review(number, after_version=0, agrees=True, word="pass")


def test_an_inspector_must_be_registered_and_may_be_again(log: InspectionLog) -> None:
    with pytest.raises(KeyError, match="not registered"):
        log.add([make_result(inspector="f" * 64)])
    log.register(INSPECTOR, ("other",), "{}")
    assert log.add([make_result()])[0].classes == CLASSES


def test_all_of_a_group_is_added_or_nothing(log: InspectionLog) -> None:
    with pytest.raises(KeyError):
        log.add([make_result(arrival=make_arrival()), make_result(inspector="f" * 64)])
    assert log.find(Query()).inspections == ()
    assert not is_known(log, make_arrival())


def test_whoever_looks_does_not_hold_up_what_is_added(log: InspectionLog) -> None:
    """As with a search that takes long in a log of millions."""
    with ExitStack() as looking:
        for _ in range(40):  # as many as the server has threads
            looking.enter_context(log.reading())
        began = time.monotonic()
        assert log.add([make_result()])
        assert time.monotonic() - began < 10
