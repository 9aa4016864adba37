"""Counts over time are those that one would count by hand."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from helpers.station_results import INSPECTOR, make_result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.station.log import statistics
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.log.statistics import VerdictCounts

DAY = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = {
    "pass_": {"verdict": "pass"},
    "review": {"verdict": "review"},
    "reject": {"verdict": "reject"},
    "none": {"verdict": None},
    "unreadable": {"verdict": "review", "error": "not an image", "size": None, "p_defect": None, "runs": ()},
}


def test_buckets_are_what_one_counts(log: InspectionLog) -> None:
    hours, kinds = st.integers(0, 60), st.sampled_from(list(KINDS))

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(hours, kinds, st.booleans()), max_size=15), st.sampled_from(["hour", "day"]))
    def check(images: Any, per: Any) -> None:
        start = DAY + timedelta(days=100 * next(rounds))
        at = [start + timedelta(hours=hour, microseconds=1) for hour, _, _ in images]
        log.add(
            [
                make_result(at=when, flags=("dark",) if flagged else (), **KINDS[kind])
                for when, (_, kind, flagged) in zip(at, images, strict=True)
            ]
        )
        counted: dict[datetime, Counter[str]] = {}
        for when, (_, kind, flagged) in zip(at, images, strict=True):
            place = when.replace(minute=0, microsecond=0, **({"hour": 0} if per == "day" else {}))
            counted.setdefault(place, Counter()).update([kind, *(["flagged"] if flagged else [])])
        buckets = log.buckets(start, start + timedelta(days=99), per)
        assert [(one.start, {k: n for k, n in asdict(one.counts).items() if n}) for one in buckets] == [
            (place, dict(counted[place])) for place in sorted(counted)
        ]
        total = VerdictCounts.total([one.counts for one in buckets])
        assert total.images == len(images)
        kinds_here = [kind for _, kind, _ in images]
        waiting = kinds_here.count("review") + kinds_here.count("unreadable")
        assert log.waiting(start, start + timedelta(days=99)) == waiting
        assert log.reviewed(start, start + timedelta(days=99)) == 0
        waits = log.find(
            Query(since=start, until=start + timedelta(days=99), verdicts=("review",), limit=1)
        ).inspections
        for one in waits:
            log.review(one.id, after_version=0, agrees=True, word="reject")
            assert log.waiting(start, start + timedelta(days=99)) == waiting - 1
            assert log.reviewed(start, start + timedelta(days=99)) == 1

    rounds = iter(range(1000))
    check()


def test_scores_are_the_latest_first(log: InspectionLog) -> None:
    log.register("cd" * 32, ("x", "y"), "{}")
    scores = [0.1, 0.2, None, 0.3]
    log.add([make_result(p_defect=score) for score in scores])
    log.add([make_result(p_defect=0.9, inspector="cd" * 32)])
    assert log.scores(INSPECTOR, 10, ["line 1"]) == {"line 1": [0.3, 0.2, 0.1]}
    assert log.scores(INSPECTOR, 2, ["line 1"]) == {"line 1": [0.3, 0.2]}
    assert log.scores("ef" * 32, 2, ["line 1"]) == {}


def test_scores_are_those_of_each_station_without_what_its_page_offers(log: InspectionLog) -> None:
    log.add([make_result(p_defect=0.9, station="a\udcff") for _ in range(3)])
    log.add([make_result(p_defect=0.1) for _ in range(9)])
    log.add([make_result(p_defect=0.5, name="s.jpg", door=door) for door in ("page", "http")])
    assert log.scores(INSPECTOR, 5, ["a\udcff", "new"]) == {"a\\udcff": [0.9] * 3}
    assert log.scores(INSPECTOR, 2, ["line 1"], tried=["s.jpg"]) == {"line 1": [0.5, 0.1]}
    assert log.scores(INSPECTOR, 3, ["line 1"]) == {"line 1": [0.5, 0.5, 0.1]}
    assert log.scores(INSPECTOR, 12, ["line 1", "a\udcff", "b"]) == {
        "a\\udcff": [0.9] * 3,
        "line 1": [0.5] * 2 + [0.1] * 9,
    }
    assert log.scores(INSPECTOR, 2, []) == {}


def test_a_station_is_left_out_when_another_has_filled_a_window_since(log: InspectionLog) -> None:
    """As a container's does that was replaced: a new one has a new name."""
    log.add([make_result(p_defect=0.9, station="former") for _ in range(3)])
    log.add([make_result(p_defect=0.1) for _ in range(2)])
    both = ["former", "line 1"]
    assert log.scores(INSPECTOR, 3, both) == {"former": [0.9] * 3, "line 1": [0.1] * 2}
    log.add([make_result(p_defect=0.1)])
    assert log.scores(INSPECTOR, 3, both) == {"line 1": [0.1] * 3}
    log.add([make_result(p_defect=0.8, station="former")])
    assert log.scores(INSPECTOR, 3, both) == {"former": [0.8, 0.9, 0.9], "line 1": [0.1] * 3}


def test_a_station_that_has_long_been_silent_costs_little(log: InspectionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scores are looked for among the latest inspections alone."""
    monkeypatch.setattr(statistics, "_LOOKED_AT", 5)
    log.add([make_result(station="silent"), *(make_result(p_defect=0.25) for _ in range(5))])
    assert log.scores(INSPECTOR, 9, ["silent", "line 1"]) == {"line 1": [0.25] * 5}
    assert log.scores(INSPECTOR, 9, ["silent"]) == {}


def test_of_an_empty_log(log: InspectionLog) -> None:
    assert (log.buckets(), log.waiting(), log.reviewed()) == ([], 0, 0)


def test_counts_of_one_station_are_of_its_images_alone(log: InspectionLog) -> None:
    assert log.stations() == []
    results = [make_result(number, station=f"line {1 + number % 2}") for number in range(5)]
    log.review(log.add(results)[0].id, after_version=0, agrees=True, word="reject")
    assert log.stations() == ["line 1", "line 2"]
    for station, images, reviewed in (("line 1", 3, 1), ("line 2", 2, 0), ("line", 0, 0), (None, 5, 1)):
        assert sum(one.counts.images for one in log.buckets(station=station)) == images
        assert log.reviewed(station=station) == reviewed
        assert log.waiting(station=station) == images - reviewed
