"""The audit trail: one chain, whoever writes; what is edited, left out, put in or moved is seen."""

import hashlib
import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from helpers.older_log import make_older
from helpers.station_results import CLASSES, INSPECTOR, any_text, make_result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.station.log.audit import Actor, append, entries, last_entry
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.verify import verify_file, verify_log, write_trail

ANNA = Actor("Anna", "reviewer", "line 1")


def review(log: Any, times: int = 1, **said: Any) -> Any:
    """A further inspection with so many reviews."""
    (one,) = log.add([make_result()])
    for version in range(times):
        log.review(one.id, after_version=version, agrees=True, word="pass", reviewer="Anna", actor=ANNA, **said)
    return one.id


def run(log: Any, statement: str, **values: Any) -> None:
    with log.writing() as connection:
        assert connection.execute(sa.text(statement), values).rowcount > 0


def trail(log: Any) -> Any:
    with log.reading() as connection:
        return list(entries(connection))


def test_a_review_is_an_entry_that_anyone_can_compute(log: Any) -> None:
    number = review(log, comment="scratch\n„quoted“")
    first, second = trail(log)
    assert (first.kind, json.loads(first.content)["reviews"], first.previous) == ("begin", 0, "0" * 64)
    assert (second.kind, second.who, second.role, second.station) == ("review", "Anna", "reviewer", "line 1")
    assert json.loads(second.content)["inspection"] == number
    told = [second.number, second.at, "line 1", "Anna", "reviewer", "review", second.content, first.hash]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    assert second.hash == hashlib.sha256(text.encode()).hexdigest()
    found = verify_log(log)
    assert (found.entries, found.head, found.reviews) == (2, second.hash, 1)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_text, any_text, any_text)
def test_whatever_people_are_called_the_trail_is_whole(log: Any, who: Any, station: Any, comment: Any) -> None:
    (one,) = log.add([make_result()])
    actor = Actor(who, "owner", station)
    log.review(one.id, after_version=0, agrees=True, word="pass", reviewer=who, comment=comment, actor=actor)
    verify_log(log)


CHANGED = [
    ("UPDATE log_audit SET who = 'Bert' WHERE number = 3", "entry 3 is not what it was when it was made"),
    ("UPDATE log_audit SET at = at + 1 WHERE number = 1", "entry 1 is not what it was when it was made"),
    ("UPDATE log_audit SET content = '{}' WHERE number = 4", "entry 4 is not what it was when it was made"),
    ("DELETE FROM log_audit WHERE number = 2", "entry 3 follows entry 1, so that some are missing"),
    ("DELETE FROM log_audit WHERE number = 1", "entry 2 follows entry 0, so that some are missing"),
    ("UPDATE log_audit SET number = 9 WHERE number = 3", "entry 4 follows entry 2"),
    ("UPDATE reviews SET word = 'reject' WHERE version = 2", "version 2 of inspection {} is not what the audit trail"),
    (
        "UPDATE reviews SET reviewer = 'Bert' WHERE version = 1",
        "version 1 of inspection {} is not what the audit trail",
    ),
    ('UPDATE reviews SET runs = \'["1 2", ""]\' WHERE version = 1', "version 1 of inspection {} is not what"),
    ("DELETE FROM reviews WHERE version = 2", "version 2 of inspection {} is missing, and the audit trail tells of it"),
    ("DELETE FROM reviews", "version 1 of inspection {} is missing"),
    ("DELETE FROM inspections", "version 1 of inspection {} is missing"),
    (
        "UPDATE inspections SET review_version = 1",
        "version 2 of inspection {} is not the one that the inspection shows",
    ),
    ("DELETE FROM log_audit WHERE number = 4", "has 1 of which the audit trail does not tell"),
    ("DELETE FROM log_audit WHERE number > 1", "has 2 of which the audit trail does not tell"),
]


@pytest.mark.parametrize(("statement", "words"), CHANGED)
def test_what_was_changed_behind_it_is_seen(log: Any, statement: str, words: str) -> None:
    number = review(log, times=2)
    with log.writing() as connection:
        append(connection, "export", {"what": "log.csv"}, ANNA)
    assert verify_log(log).entries == 4
    if "number = 4" in statement and "DELETE" in statement:
        run(log, "DELETE FROM log_audit WHERE number = 3")  # the last two, of which one is a review
    run(log, statement)
    with pytest.raises(UserError) as refused:
        verify_log(log)
    assert words.format(number) in str(refused.value)


def test_a_review_that_nobody_made_is_seen(log: Any) -> None:
    number = review(log)
    columns = "inspection_id, version, at, reviewer, agrees, word, comment, runs"
    copied = columns.replace("version", "2")
    run(log, f"INSERT INTO reviews ({columns}) SELECT {copied} FROM reviews WHERE inspection_id = {number}")
    run(log, "UPDATE inspections SET review_version = 2")
    with pytest.raises(UserError, match="has 1 of which the audit trail does not tell, and had 0 when it began"):
        verify_log(log)


def test_entries_that_change_places_are_seen(log: Any) -> None:
    review(log, times=2)
    for old, new in ((2, 9), (3, 2), (9, 3)):
        run(log, f"UPDATE log_audit SET number = {new} WHERE number = {old}")
    with pytest.raises(UserError, match="entry 2 is not what it was"):
        verify_log(log)


def test_a_trail_made_anew_or_cut_off_is_seen_by_the_hash_that_was_kept(log: Any) -> None:
    """Without it, it is not: docs/log.md says so."""
    with log.writing() as connection:
        append(connection, "export", {"what": "log.csv"}, ANNA)
        kept = append(connection, "export", {"what": "corrections.zip"}, ANNA).hash
    run(log, "DELETE FROM log_audit WHERE number = 3")
    assert verify_log(log).entries == 2
    with pytest.raises(UserError, match=f"has no entry with the hash {kept}, so that its end was cut off"):
        verify_log(log, kept)
    with log.writing() as connection:
        append(connection, "export", {"what": "another"}, ANNA)
    with pytest.raises(UserError, match="or it was made anew"):
        verify_log(log, kept)


def test_a_hash_that_was_not_copied_whole_is_no_accusation(log: Any) -> None:
    review(log, 1)
    head = verify_log(log).head
    assert verify_log(log, f" {head.upper()}\n").head == head
    for wrong in (head[:16], "", f"{head}0", "head: " + head):
        with pytest.raises(UserError, match=r"`head=.*no hash of an entry, which has 64 hexadecimal digits"):
            verify_log(log, wrong)


def test_a_hash_that_was_kept_long_ago_is_still_in_it(log: Any) -> None:
    review(log)
    kept = verify_log(log).head
    review(log)
    assert verify_log(log, kept).entries == 3


@pytest.mark.parametrize("schema", ["0001", "0003"])
def test_reviews_of_before_the_trail_are_held_by_its_first_entry(url: Any, schema: str) -> None:
    with InspectionLog.open(url) as log:
        log.register(INSPECTOR, CLASSES, "{}")
        old = review(log, times=2)
    make_older(url, schema)
    with InspectionLog.open(url) as log:
        assert verify_log(log).entries == 0
        review(log)
        assert json.loads(trail(log)[0].content)["reviews"] == 2
        assert verify_log(log).reviews == 3
        run(log, f"UPDATE reviews SET comment = 'never said' WHERE inspection_id = {old} AND version = 1")
        with pytest.raises(UserError, match="or one of them is another now"):
            verify_log(log)


def test_stations_that_write_together_make_one_chain(url: Any) -> None:
    """Each thread with connections of its own, as processes have; on PostgreSQL a lock keeps the order."""
    with InspectionLog.open(url) as log:
        log.register(INSPECTOR, CLASSES, "{}")
    failed: list[BaseException] = []

    def work(station: str) -> None:
        try:
            with InspectionLog.open(url) as own:
                for _ in range(6):
                    (one,) = own.add([make_result()])
                    actor = Actor("Anna", "reviewer", station)
                    own.review(one.id, after_version=0, agrees=True, word="pass", actor=actor)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"line {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with InspectionLog.open(url) as log:
        found = verify_log(log)
        assert (found.entries, found.reviews) == (25, 24)
        assert {entry.station for entry in trail(log)[1:]} == {f"line {number}" for number in range(4)}


def test_a_review_that_is_refused_leaves_no_entry(log: Any) -> None:
    number = review(log)
    with pytest.raises(Exception, match="somebody else has reviewed"):
        log.review(number, after_version=0, agrees=True, word="pass", actor=ANNA)
    assert verify_log(log).entries == 2


def test_a_trail_in_a_file_is_verified_without_the_log(log: Any, tmp_path: Path) -> None:
    review(log, times=2)
    path = tmp_path / "trail.jsonl"
    assert write_trail(log, path) == 3
    found = verify_file(path, verify_log(log).head)
    assert (found.entries, found.reviews) == (3, None)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for changed, words in (
        ([lines[0], lines[2]], "entry 3 follows entry 1"),
        ([lines[1], lines[0], lines[2]], "entry 2 follows entry 0"),
        ([lines[0], lines[1].replace("Anna", "Bert"), lines[2]], "entry 2 is not what it was"),
        ([*lines, "{}\n"], "line 4: no entry of an audit trail"),
        (["not json\n"], "line 1: no entry of an audit trail"),
        ([lines[0].replace('"at": ', '"at": 9999999999999')], "line 1: no entry of an audit trail"),
    ):
        path.write_text("".join(changed), "utf-8")
        with pytest.raises(UserError, match=words):
            verify_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        verify_file(tmp_path / "none")


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_the_reader_fail_otherwise(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with suppress(UserError):
        verify_file(path)


def test_an_empty_log_has_no_head(log: Any) -> None:
    assert (verify_log(log).entries, verify_log(log).head) == (0, None)
    with log.reading() as connection:
        assert last_entry(connection) is None
