"""What is too old or too much goes, the oldest first; what a person has reviewed stays."""

import os
from datetime import timedelta

import pytest
from station.log.results import START, is_known, make_arrival, make_result

from steelsight.station.inspection import Arrival
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.log.retention import Pruned, prune
from steelsight.station.log.watched import numbers_of
from steelsight.station.settings import StationSettings
from steelsight.station.store import ImageStore

PNG = b"\x89PNG\r\n\x1a\n"
NOW = START + timedelta(days=100)


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path)


def keep(store, image, size, age):
    """Store an image and its maps, of that many bytes together, last used so long ago."""
    moment = (NOW - age).timestamp()
    store.put_image(image, PNG + bytes(size // 2 - len(PNG)))
    store.put_maps(image, "ab" * 32, bytes(size - size // 2))
    for file in store.files():
        if file.sha256 == image:
            os.utime(file.path, (moment, moment))


def images(log):
    return {one.result.sha256[-1]: one.result.has_image for one in log.find(Query()).inspections}


def wish(store, **changes):
    return StationSettings(data=store.data, name="line 1", **changes)


def test_by_age(log, store):
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


def test_by_size(log, store):
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


def test_what_no_entry_names_goes_when_nobody_can_be_about_to_log_it(log, store):
    log.add([make_result(0)])
    for number, age in enumerate([timedelta(days=1), timedelta(hours=2), timedelta(minutes=1)]):
        keep(store, f"{number:064x}", 1000, age)
    assert prune(log, store, wish(store), NOW) == Pruned(0, 1, 1000)
    assert {file.sha256[-1] for file in store.files()} == {"0", "2"}


def test_of_a_shared_database_a_station_prunes_its_own(log, store):
    old = NOW - timedelta(days=90)
    mine, other = log.add([make_result(0, at=old), make_result(1, at=old, station="line 2")])
    gone = prune(log, store, wish(store, keep_days=30), NOW)
    shared = log.url.drivername != "sqlite"
    assert gone.inspections == (1 if shared else 2)
    assert log.get(mine.id) is None
    assert (log.get(other.id) is not None) == shared


def test_more_than_go_at_once(log, store):
    log.add([make_result(number, arrival=Arrival("/l", str(number), 1, 1, "a" * 64)) for number in range(501)])
    assert prune(log, store, wish(store, keep_days=1), NOW).inspections == 501
    assert log.find(Query()).inspections == ()
    assert len(list(numbers_of(log, "/l"))) == 501


def test_stations_that_share_log_and_store_leave_each_other_their_images(log, store):
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
    assert prune(log, store, wish(store, keep_gb=1 / 1e9), NOW) == Pruned(0, 1, 1000)
    assert {file.sha256[-1] for file in store.files()} == {"1", "2", "3", "4"}


def test_beside_another_log_what_only_that_one_can_name_stays(tmp_path, store):
    """As when a station moves from SQLite to a database, its data folder kept."""
    keep(store, "a" * 64, 1000, timedelta(days=9))
    InspectionLog.open(wish(store).url).close()
    with InspectionLog.open(f"sqlite:///{tmp_path}/new.sqlite") as new:
        assert prune(new, store, wish(store), NOW) == Pruned(0, 0, 0)
    with InspectionLog.open(wish(store).url) as own:
        assert prune(own, store, wish(store), NOW) == Pruned(0, 1, 1000)
