"""What is too old or too much goes, the oldest first; what a person has reviewed stays, and what no entry names."""

import os
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.older_log import make_older
from helpers.station_results import CLASSES, INSPECTOR, START, is_known, make_arrival, make_result
from sqlalchemy import delete

from steelsight.core.errors import UserError
from steelsight.station.inspection import Arrival
from steelsight.station.log import retention
from steelsight.station.log.identity import adopt, claim
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.log.retention import Pruned, prune, set_unknown_aside
from steelsight.station.log.tables import inspections
from steelsight.station.log.values import to_microseconds
from steelsight.station.log.watched import numbers_of
from steelsight.station.settings import StationSettings
from steelsight.station.store import ImageStore
from steelsight.station.writers import note_writer

PNG = b"\x89PNG\r\n\x1a\n"
NOW = START + timedelta(days=100)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return ImageStore(tmp_path)


def keep(store: Any, image: Any, size: Any, age: Any) -> None:
    """Store an image and its maps, of that many bytes together, last used so long ago."""
    moment = (NOW - age).timestamp()
    store.put_image(image, PNG + bytes(size // 2 - len(PNG)))
    store.put_maps(image, "ab" * 32, bytes(size - size // 2))
    for file in store.files():
        if file.sha256 == image:
            os.utime(file.path, (moment, moment))


def images(log: Any) -> Any:
    return {one.result.sha256[-1]: one.result.has_image for one in log.find(Query()).inspections}


def wish(store: Any, **changes: Any) -> Any:
    return StationSettings(data=store.data, name="line 1", **changes)


def test_by_age(log: InspectionLog, store: Any) -> None:
    """An image of several entries goes with the last of them; the arrival of one that has gone is known still."""
    days = [90, 80, 70, 10, 5]
    results = [make_result(number, at=NOW - timedelta(days=age)) for number, age in enumerate(days)]
    results[0] = make_result(0, at=results[0].at, arrival=make_arrival())
    results.append(make_result(1, at=NOW - timedelta(days=1)))  # the image of the second again
    added = log.add(results)
    for number, age in enumerate([90, 1, 70, 10, 5]):
        keep(store, f"{number:064x}", 1000, timedelta(days=age))
    log.review(added[2].id, after_version=0, agrees=True, word="reject")
    assert prune(log, store, wish(store, keep_days=30), NOW) == Pruned(2, 1, 1000)
    left = {one.id for one in log.find(Query()).inspections}
    assert left == {added[place].id for place in (2, 3, 4, 5)}
    assert {file.sha256[-1] for file in store.files()} == {"1", "2", "3", "4"}
    assert log.reviews(added[2].id)
    assert log.get(added[0].id) is None
    assert is_known(log, make_arrival())
    (again,) = log.add([results[0]])
    assert again.id == added[0].id
    assert log.get(again.id) is None
    assert prune(log, store, wish(store, keep_days=30), NOW) == Pruned(0, 0, 0)


def test_by_size(log: InspectionLog, store: Any) -> None:
    """Entries stay, without their images; the one longest unused goes first."""
    added = log.add([make_result(number) for number in range(5)])
    for number, age in enumerate([3, 9, 8, 7, 1]):
        keep(store, f"{number:064x}", 1000, timedelta(days=age))
    log.review(added[1].id, after_version=0, agrees=True, word="reject")
    assert prune(log, store, wish(store, keep_gb=3000 / 1e9), NOW) == Pruned(0, 2, 2000)
    assert images(log) == {"0": True, "1": True, "2": False, "3": False, "4": True}
    assert store.size() == 3000
    assert prune(log, store, wish(store, keep_gb=1 / 1e9), NOW) == Pruned(0, 2, 2000)
    assert {file.sha256[-1] for file in store.files()} == {"1"}


def test_who_reviews_while_an_image_is_about_to_go_waits(
    log: InspectionLog, url: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answered review between the last look and the mark had its image taken away, where a database lets both write."""
    (one,) = log.add([make_result(1)])
    keep(store, f"{1:064x}", 1000, timedelta(days=1))
    mark, threads, stayed = retention._mark, list[threading.Thread](), list[bool]()

    def review() -> None:
        with InspectionLog.open(url) as other:
            other.review(one.id, after_version=0, agrees=True, word="reject")

    def mark_later(*given: Any) -> None:
        threads.append(threading.Thread(target=review))
        threads[0].start()
        threads[0].join(1.0)
        stayed.append(not log.reviews(one.id))
        mark(*given)

    monkeypatch.setattr(retention, "_mark", mark_later)
    assert prune(log, store, wish(store, keep_gb=1e-9), NOW).images == 1
    threads[0].join()
    assert stayed == [True]
    assert len(log.reviews(one.id)) == 1


def test_what_no_entry_names_is_moved_aside_when_nobody_can_be_about_to_log_it(log: InspectionLog, store: Any) -> None:
    """As what a kill leaves between an image and its entry: it is counted and named, never removed."""
    log.add([make_result(0)])
    for number, age in enumerate([timedelta(days=1), timedelta(hours=2), timedelta(minutes=1)]):
        keep(store, f"{number:064x}", 1000, age)
    names = {file.path.name for file in store.files() if file.sha256[-1] == "1"}
    pruned = prune(log, store, wish(store, keep_days=1, keep_gb=1 / 1e9), NOW - timedelta(days=99.5))
    assert (pruned.images, pruned.aside) == (1, 0)  # not yet: to that moment all were fresh
    pruned = prune(log, store, wish(store, keep_gb=1 / 1e9), NOW)
    assert (pruned.inspections, pruned.images, pruned.aside, set(pruned.first)) == (0, 0, 2, names)
    assert {file.sha256[-1] for file in store.files()} == {"2"}
    assert {file.path.name: file.bytes for file in store.aside.files()} == dict.fromkeys(names, 500)
    assert prune(log, store, wish(store), NOW) == Pruned(0, 0, 0)
    log.add([make_result(1)])  # and back, when an entry names it after all
    assert prune(log, store, wish(store), NOW) == Pruned(0, 0, 0, back=2)
    assert {file.sha256[-1] for file in store.files()} == {"1", "2"}
    assert store.aside.count() == 0


def test_what_is_no_image_is_moved_aside_as_well(log: InspectionLog, store: Any) -> None:
    log.add([make_result(0)])
    keep(store, f"{0:064x}", 1000, timedelta(days=1))
    for name in ("notes [1].txt", "README", "\udcff.txt"):  # the last is no UTF-8, which a log cannot be asked about
        stray = store.data / "images" / "ab" / name
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("mine")
        os.utime(stray, (5, 5))
    pruned = prune(log, store, wish(store, keep_gb=1 / 1e9), NOW)
    assert (pruned.aside, sorted(pruned.first)) == (3, ["README", r"\udcff.txt", "notes [1].txt"])
    assert {path.name: path.read_text() for path in store.aside.data.rglob("*/ab/*")} == {
        "notes [1].txt": "mine",
        "README": "mine",
        "\udcff.txt": "mine",
    }


@pytest.mark.parametrize("limits", [{"keep_days": 30}, {"keep_gb": 1 / 1e9}], ids=["age", "size"])
def test_a_pruning_that_is_cut_off_between_log_and_files_is_finished_by_the_next(
    log: InspectionLog, store: Any, limits: Any
) -> None:
    """A folder in a file's place, which cannot be removed, stands for the kill."""
    log.add([make_result(number) for number in range(3)])
    for number in range(3):
        keep(store, f"{number:064x}", 1000, timedelta(days=90))
    claim(log, store)
    held = store.data / "images" / "00" / f"{0:064x}.held"
    held.mkdir()
    os.utime(held, (5, 5))
    with pytest.raises(UserError, match="cannot be removed"):
        prune(log, store, wish(store, **limits), NOW)
    held.rmdir()
    assert not any(images(log).values())
    assert store.count() > 0
    assert prune(log, store, wish(store), NOW).aside == 0
    assert store.count() == store.aside.count() == 0


def test_an_image_that_came_again_after_retention_let_it_go_is_a_new_one(log: InspectionLog, store: Any) -> None:
    """Its entry may be newer than the log, which may be a backup: the earlier one does not bring about its end."""
    log.add([make_result(0), make_result(1)])
    for number in (0, 1):
        keep(store, f"{number:064x}", 1000, timedelta(days=90))
    assert prune(log, store, wish(store, keep_days=30), NOW) == Pruned(2, 2, 2000)
    keep(store, f"{1:064x}", 1000, timedelta(days=-1))
    assert prune(log, store, wish(store, keep_days=30), NOW + timedelta(days=2)).aside == 2
    assert store.aside.count() == 2


def test_stations_that_prune_under_one_name_may_have_a_folder_each(log: InspectionLog, tmp_path: Path) -> None:
    """What one of them expires was in the other's folder, too, and goes from there."""
    stores = [ImageStore(tmp_path / name) for name in ("a", "b")]
    log.add([make_result(0), make_result(1), make_result(2, at=NOW)])
    for number, store in ((0, stores[0]), (1, stores[1]), (2, stores[1])):
        keep(store, f"{number:064x}", 1000, timedelta(days=90))
    assert prune(log, stores[0], wish(stores[0], keep_days=30), NOW) == Pruned(2, 1, 1000)
    assert prune(log, stores[1], wish(stores[1]), NOW + timedelta(days=1)) == Pruned(0, 1, 1000)
    assert {file.sha256[-1] for file in stores[1].files()} == {"2"}


def test_of_a_shared_database_a_station_prunes_its_own(log: InspectionLog, store: Any) -> None:
    old = NOW - timedelta(days=90)
    mine, other = log.add([make_result(0, at=old), make_result(1, at=old, station="line 2")])
    gone = prune(log, store, wish(store, keep_days=30), NOW)
    shared = log.url.drivername != "sqlite"
    assert gone.inspections == (1 if shared else 2)
    assert log.get(mine.id) is None
    assert (log.get(other.id) is not None) == shared


def test_more_than_go_at_once(log: InspectionLog, store: Any) -> None:
    log.add([make_result(number, arrival=Arrival("/l", str(number), 1, 1, "a" * 64)) for number in range(501)])
    assert prune(log, store, wish(store, keep_days=1), NOW).inspections == 501
    assert log.find(Query()).inspections == ()
    assert len(list(numbers_of(log, "/l"))) == 501


def test_stations_that_share_log_and_store_leave_each_other_their_images(log: InspectionLog, store: Any) -> None:
    """Of the other station's entries, one was reviewed; two further images are named by both, and of one it reviewed that."""
    if log.url.drivername == "sqlite":
        pytest.skip("a SQLite log is one station's")
    results = [make_result(0), make_result(1, station="line 2"), make_result(2, station="line 2"), make_result(3)]
    added = log.add([*results, *(make_result(number, station="line 2") for number in (3, 4)), make_result(4)])
    log.review(added[2].id, after_version=0, agrees=True, word="reject")
    log.review(added[4].id, after_version=0, agrees=True, word="reject")
    for number in range(5):
        keep(store, f"{number:064x}", 1000, timedelta(days=9))
    assert prune(log, store, wish(store), NOW) == Pruned(0, 0, 0)
    gone = Pruned(0, 1, 1000, beyond=4000, whose=("line 2",))
    assert prune(log, store, wish(store, keep_gb=1 / 1e9), NOW) == gone
    assert {file.sha256[-1] for file in store.files()} == {"1", "2", "3", "4"}
    assert prune(log, store, wish(store, keep_gb=4e-6), NOW) == Pruned(0, 0, 0)


def test_the_limit_is_the_folders_whatever_its_stations_are_called(log: InspectionLog, store: Any) -> None:
    """A watch and a serve with a name each, and a limit of the serve: the oldest went on SQLite, and on PostgreSQL the
    newest, which were the serve's own, for all of the watch's."""
    note_writer(store.data, "camera")
    log.add([make_result(number, station="camera" if number < 7 else "line 1") for number in range(10)])
    for number in range(10):
        keep(store, f"{number:064x}", 1000, timedelta(days=20 - number))
    assert prune(log, store, wish(store, keep_gb=4000 / 1e9), NOW) == Pruned(0, 6, 6000)
    assert {file.sha256[-1] for file in store.files()} == {"6", "7", "8", "9"}
    assert [number for number, has_image in images(log).items() if has_image] == ["9", "8", "7", "6"]
    assert prune(log, store, wish(store, keep_gb=4000 / 1e9), NOW) == Pruned(0, 0, 0)


def test_images_of_another_folders_station_do_not_count(log: InspectionLog, store: Any) -> None:
    """As those of before stations left their names in the folder: else they would drive out all others."""
    if log.url.drivername == "sqlite":
        pytest.skip("a SQLite log is one station's")
    log.add([make_result(number, station="a" if number < 7 else "line 1") for number in range(10)])
    for number in range(10):
        keep(store, f"{number:064x}", 1000, timedelta(days=20 - number))
    pruned = prune(log, store, wish(store, keep_gb=2000 / 1e9), NOW)
    assert pruned == Pruned(0, 1, 1000, beyond=7000, whose=("a",))
    assert "entries of a, which has not started on this folder: they stay" in pruned.left
    assert {file.sha256[-1] for file in store.files()} == set("0123456") | {"8", "9"}
    pruned = prune(log, store, wish(store, keep_gb=2000 / 1e9).model_copy(update={"name": "a"}), NOW)
    assert (pruned.images, pruned.beyond) == (5, 2000)


def test_two_that_prune_one_folder_at_once_remove_no_more_than_is_needed(
    log: InspectionLog, url: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other has removed since the files were listed is not there any more, and counts no more."""
    log.add([make_result(number) for number in range(6)])
    for number in range(6):
        keep(store, f"{number:064x}", 1000, timedelta(days=20 - number))
    shrink, others = retention._shrink, list[Pruned]()

    def shrink_second(*given: Any) -> Any:
        monkeypatch.setattr(retention, "_shrink", shrink)
        with InspectionLog.open(url) as other:
            others.append(prune(other, store, wish(store, keep_gb=4000 / 1e9), NOW))
        return shrink(*given)

    monkeypatch.setattr(retention, "_shrink", shrink_second)
    assert prune(log, store, wish(store, keep_gb=4000 / 1e9), NOW) == Pruned(0, 0, 0)
    assert others == [Pruned(0, 2, 2000)]
    assert store.size() == 4000


def test_beside_another_log_what_only_that_one_can_name_stays(tmp_path: Path, store: Any) -> None:
    """As when a station moves from SQLite to a database, its data folder kept and adopted."""
    with InspectionLog.open(wish(store).url) as own:
        own.register(INSPECTOR, CLASSES, "{}")
        own.add([make_result(0)])
        for number in range(2):
            keep(store, f"{number:064x}", 1000, timedelta(days=9))
        claim(own, store)
        with InspectionLog.open(f"sqlite:///{tmp_path}/new.sqlite") as new:
            adopt(new, store)
            assert set_unknown_aside(new, store) == 0
            assert prune(new, store, wish(store, keep_gb=1 / 1e9), NOW) == Pruned(0, 0, 0, of_another_log=2000)
        adopt(own, store)
        assert prune(own, store, wish(store), NOW).aside == 2
    assert {file.sha256[-1] for file in store.files()} == {"0"}


@pytest.fixture
def moved(log: InspectionLog, store: Any) -> Any:
    """A folder of 6,000 bytes that has just moved from SQLite to this log, its `log.sqlite` left in place."""
    with InspectionLog.open(wish(store).url) as own:
        own.register(INSPECTOR, CLASSES, "{}")
        own.add([make_result(number) for number in range(6)])
        for number in range(6):
            keep(store, f"{number:064x}", 1000, timedelta(minutes=30 - number))
        claim(own, store)
    adopt(log, store)
    return store


def test_what_another_log_stored_drives_out_nothing(log: InspectionLog, moved: Any) -> None:
    """It counted for the limit, and only this log's images were offered: each new one went at the next pruning."""
    log.add([make_result(number) for number in range(6, 9)])
    for number in range(6, 9):
        keep(moved, f"{number:064x}", 1000, timedelta(minutes=10 - number))
    assert prune(log, moved, wish(moved, keep_gb=9000 / 1e9), NOW) == Pruned(0, 0, 0)
    pruned = prune(log, moved, wish(moved, keep_gb=3000 / 1e9), NOW)
    assert pruned == Pruned(0, 0, 0, of_another_log=6000)
    assert "they stay for that one and do not count for the limit" in pruned.left_to_another_log
    assert prune(log, moved, wish(moved, keep_gb=2000 / 1e9), NOW) == Pruned(0, 1, 1000, of_another_log=6000)
    assert {file.sha256[-1] for file in moved.files()} == set("012345") | {"7", "8"}
    (moved.data / "log.sqlite").unlink()
    later = prune(log, moved, wish(moved, keep_gb=2000 / 1e9), NOW + timedelta(hours=1))
    assert (later.images, later.aside, later.left_to_another_log) == (0, 12, "")


def test_beside_another_log_age_takes_this_ones_images_along(log: InspectionLog, moved: Any) -> None:
    """Their entries went, and the files stayed for good."""
    log.add([make_result(number) for number in range(6, 9)])
    for number in range(6, 9):
        keep(moved, f"{number:064x}", 1000, timedelta(days=90))
    assert prune(log, moved, wish(moved, keep_days=30), NOW) == Pruned(3, 3, 3000)
    assert {file.sha256[-1] for file in moved.files()} == set("012345")


@pytest.fixture
def both(moved: Any, log: InspectionLog) -> Any:
    """The same, after a `watch` inspected again what still lay in its folder: 0 to 2, and 6 and 7 anew; 8 is in the old log
    alone, and this one inspected 9, which that one knew before its retention let the image go."""
    with InspectionLog.open(wish(moved).url) as own:
        added = own.add([make_result(10), make_result(8), make_result(9, has_image=False, has_maps=False)])
        own.review(added[0].id, after_version=0, agrees=True, word="reject")
    log.add([make_result(number) for number in (0, 1, 2, 6, 7, 9, 10)])
    for number, days in ((0, 90), (1, 80), (2, 70), (6, 60), (7, 50), (8, 95), (9, 40), (10, 99)):
        keep(moved, f"{number:064x}", 1000, timedelta(days=days))
    return moved


@pytest.mark.parametrize("schema", ["now", "0001"])
def test_what_both_logs_name_does_not_go_by_size_and_does_not_count(log: InspectionLog, both: Any, schema: str) -> None:
    """One that was reviewed in the old log went as the new one said."""
    if schema != "now":
        make_older(wish(both).url, schema)
    assert prune(log, both, wish(both, keep_gb=11_000 / 1e9), NOW) == Pruned(0, 0, 0)  # all there is
    pruned = prune(log, both, wish(both, keep_gb=3000 / 1e9), NOW)
    assert pruned == Pruned(0, 0, 0, of_another_log=8000)
    assert (
        "0.0 MB of images there are named by log.sqlite there, or by no entry of this log" in pruned.left_to_another_log
    )
    assert prune(log, both, wish(both, keep_gb=2000 / 1e9), NOW) == Pruned(0, 1, 1000, of_another_log=8000)
    assert prune(log, both, wish(both, keep_gb=1 / 1e9), NOW) == Pruned(0, 2, 2000, of_another_log=8000)
    assert {file.sha256[-1] for file in both.files()} == set("0123458a")
    assert images(log)["a"]  # and this log says still that its image is there


def test_what_both_logs_name_does_not_go_by_age(log: InspectionLog, both: Any) -> None:
    """Its entry goes. It is not known as let go, so that it does not go later either, once the old log was moved away."""
    assert prune(log, both, wish(both, keep_days=30), NOW) == Pruned(7, 3, 3000)
    assert {file.sha256[-1] for file in both.files()} == set("0123458a")
    (both.data / "log.sqlite").unlink()
    later = prune(log, both, wish(both, keep_days=30, keep_gb=1 / 1e9), NOW + timedelta(hours=1))
    assert (later.images, later.aside) == (0, 16)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 40_000)


def replace_by_a_foreign_one(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE mine (sha256 TEXT)")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (damage, "database disk image is malformed"),
        (lambda path: path.write_bytes(b"no database " * 999), "file is not a database"),
        (lambda path: path.write_bytes(b""), "it is no log of steelsight"),
        (replace_by_a_foreign_one, "it is no log of steelsight"),
    ],
    ids=["damaged", "garbage", "empty", "foreign"],
)
def test_beside_another_log_that_cannot_be_read_nothing_goes(
    log: InspectionLog, both: Any, spoil: Any, why: str
) -> None:
    """Any image may be that one's: an old file that is stored again is only marked as used, so that no age tells whose it is.
    What names no image goes, and the rest when it can be read again."""
    log.add([make_result(20, has_image=False, has_maps=False)])
    path = both.data / "log.sqlite"
    whole = path.read_bytes()
    spoil(path)
    limits = wish(both, keep_days=30, keep_gb=1 / 1e9)
    pruned = prune(log, both, limits, NOW)
    assert pruned == Pruned(1, 0, 0, of_another_log=11_000, unread=why)
    assert f"log.sqlite there cannot be read ({why}), and any image there may be its: none is removed or counts" in (
        pruned.left_to_another_log
    )
    assert prune(log, both, wish(both), NOW).unread == why
    assert both.size() == 11_000
    path.write_bytes(whole)
    assert prune(log, both, limits, NOW) == Pruned(7, 3, 3000, of_another_log=8000)
    assert {file.sha256[-1] for file in both.files()} == set("0123458a")


def test_what_was_let_go_stays_beside_another_log_that_came_later_and_names_it(log: InspectionLog, store: Any) -> None:
    """As where a kill came between the log and its files."""
    log.add([make_result(0), make_result(1)])
    for number in range(2):
        keep(store, f"{number:064x}", 1000, timedelta(days=90))
    claim(log, store)
    with log.writing() as connection:
        retention._let_go(connection, [f"{number:064x}" for number in range(2)], to_microseconds(NOW))
        connection.execute(delete(inspections))
    path = store.data / "log.sqlite"
    with InspectionLog.open(f"sqlite:///{path}") as own:
        own.register(INSPECTOR, CLASSES, "{}")
        own.add([make_result(0)])
    assert prune(log, store, wish(store), NOW) == Pruned(0, 1, 1000)
    assert {file.sha256[-1] for file in store.files()} == {"0"}
