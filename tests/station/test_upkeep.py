"""A station at work says what lies in its folder that its log does not name, and removes none of it."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from itertools import count
from math import inf
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.station import upkeep
from steelsight.station.log.identity import adopt
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.retention import Pruned
from steelsight.station.queue.incoming import Incoming
from steelsight.station.settings import StationSettings
from steelsight.station.station import Station
from steelsight.station.store import ImageStore
from steelsight.station.upkeep import Upkeep

IMAGES = list_images(SAMPLE / "train_images")
LOST = "a" * 64


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Any]:
    folder = make_inspector(tmp_path / "inspector")
    with Station.open(folder, StationSettings(data=tmp_path / "data"), device="cpu", threads=1) as opened:
        yield opened


def test_what_a_kill_has_left_without_an_entry_is_counted_and_named(
    station: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "steelsight.station")
    monkeypatch.setattr(upkeep, "_FIRST", 0.05)
    kept = station.submit(Incoming("a.jpg", IMAGES[0].read_bytes(), "page")).result(30)
    station.store.put_image(LOST, IMAGES[1].read_bytes())  # and then came kill -9
    for file in station.store.files():
        os.utime(file.path, (5, 5))
    size = len(IMAGES[1].read_bytes()) / 1e6
    for _ in range(2):  # the second start says it again
        caplog.clear()
        with Upkeep(station):
            deadline = time.monotonic() + 30
            while "lie in" not in caplog.text:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert (
            f"1 files, {size:.1f} MB, that no entry of the log names lie in {station.store.aside.data}" in caplog.text
        )
    assert station.image_of(kept) == IMAGES[0].read_bytes()
    assert station.store.aside.read_image(LOST) == IMAGES[1].read_bytes()


def test_images_that_the_limit_is_not_held_to_are_said_once(
    station: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "steelsight.station")
    rounds = iter(range(100))

    def prune(*_: Any) -> Pruned:
        next(rounds)
        return Pruned(0, 0, 0, beyond=5_000_000, whose=("line 1",))

    monkeypatch.setattr(upkeep, "prune", prune)
    monkeypatch.setattr(upkeep, "_FIRST", 0.01)
    monkeypatch.setattr(upkeep, "_EVERY", 0.01)
    with Upkeep(station):
        deadline = time.monotonic() + 30
        while next(rounds) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    (said,) = [one.message for one in caplog.records if "do not count for its limit" in one.message]
    assert said.startswith(
        f"{station.store.data}: 5.0 MB of images there are named by entries of line 1, which has not"
    )


def test_a_folder_that_moves_to_a_database_loses_no_new_image_and_what_does_not_count_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As docs/station.md says it: adopted by the new log, `log.sqlite` left in place, the folder at its limit."""
    caplog.set_level(logging.WARNING, "steelsight.station")
    folder, data, url = make_inspector(tmp_path / "inspector"), tmp_path / "data", f"sqlite:///{tmp_path}/new.sqlite"
    with Station.open(folder, StationSettings(data=data), device="cpu", threads=1) as station:
        station.submit(Incoming("a.jpg", IMAGES[0].read_bytes(), "watch")).result(30)
        old = station.store.size()
    with InspectionLog.open(url) as log:
        adopt(log, ImageStore(data))
    monkeypatch.setattr(upkeep, "_FIRST", 0.01)
    monkeypatch.setattr(upkeep, "_EVERY", 0.01)
    settings = StationSettings(data=data, database=url, keep_gb=1.2 * old / 1e9)
    with Station.open(folder, settings, device="cpu", threads=1) as station:
        new = station.submit(Incoming("b.jpg", IMAGES[1].read_bytes(), "watch")).result(30)
        with Upkeep(station):
            deadline = time.monotonic() + 30
            while "do not count for the limit" not in caplog.text:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(0.2)
        assert station.image_of(new) == IMAGES[1].read_bytes()
    (said,) = [one.message for one in caplog.records if "do not count for the limit" in one.message]
    assert said.startswith(f"{data}: {old / 1e6:.1f} MB of images there are named by log.sqlite there, or by no entry")


def test_that_another_log_cannot_be_read_is_said_once_and_beside_it_what_does_not_count(
    station: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is locked every now and then, say."""
    caplog.set_level(logging.WARNING, "steelsight.station")
    rounds = count()

    def prune(*_: Any) -> Pruned:
        return Pruned(0, 0, 0, of_another_log=5_000_000, unread="" if next(rounds) % 2 else "database is locked")

    monkeypatch.setattr(upkeep, "prune", prune)
    monkeypatch.setattr(upkeep, "_FIRST", 0.01)
    monkeypatch.setattr(upkeep, "_EVERY", 0.01)
    with Upkeep(station):
        deadline = time.monotonic() + 30
        while next(rounds) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.015)
    said = sorted(one.message.removeprefix(f"{station.store.data}: ") for one in caplog.records)
    assert [one[:30] for one in said] == ["5.0 MB of images there are nam", "log.sqlite there cannot be rea"]


def test_a_folder_that_another_log_takes_meanwhile_is_left_alone(
    station: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "_FIRST", 0.05)
    station.store.put_image(LOST, IMAGES[1].read_bytes())
    (station.settings.data / "station.json").write_text('{"log": "another", "where": "there"}')
    os.utime(station.store.image_path(LOST), (5, 5))
    with Upkeep(station):
        deadline = time.monotonic() + 30
        while "pruning failed" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert "its images belong to another log (there)" in caplog.text
    assert [file.sha256 for file in ImageStore(station.settings.data).files()] == [LOST]


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Any]:
    """A station that may keep next to nothing."""
    folder = make_inspector(tmp_path / "inspector")
    settings = StationSettings(data=tmp_path / "data", keep_gb=1e-9)
    with Station.open(folder, settings, device="cpu", threads=1) as opened:
        opened.submit(Incoming("a.jpg", IMAGES[0].read_bytes(), "watch")).result(30)
        yield opened


def test_a_short_life_prunes_at_its_end_and_removes_what_its_log_has_stored_alone(limited: Any) -> None:
    limited.store.put_image(LOST, IMAGES[1].read_bytes())
    os.utime(limited.store.image_path(LOST), (5, 5))
    with Upkeep(limited) as at_work:
        at_work.finish()
    assert list(limited.store.files()) == []
    assert limited.store.aside.read_image(LOST) == IMAGES[1].read_bytes()


@pytest.mark.parametrize("ends_by", ["a signal", "an error"])
def test_a_life_that_has_to_end_soon_prunes_nothing(limited: Any, ends_by: str) -> None:
    try:
        with Upkeep(limited):
            if ends_by == "an error":
                raise UserError("results cannot be kept")
    except UserError:
        pass
    assert len(list(limited.store.files()))


def test_a_life_that_has_pruned_does_so_no_more_at_its_end(limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_FIRST", 0.01)
    with Upkeep(limited) as at_work:
        deadline = time.monotonic() + 30
        while list(limited.store.files()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        limited.submit(Incoming("b.jpg", IMAGES[1].read_bytes(), "watch")).result(30)
        at_work.finish()
    assert len(list(limited.store.files()))


def test_a_station_without_limits_looks_at_no_file_at_its_end(tmp_path: Path) -> None:
    folder, settings = make_inspector(tmp_path / "inspector"), StationSettings(data=tmp_path / "data", keep_gb=inf)
    with Station.open(folder, settings, device="cpu", threads=1) as station, Upkeep(station) as at_work:
        station.store.put_image(LOST, IMAGES[1].read_bytes())
        os.utime(station.store.image_path(LOST), (5, 5))
        at_work.finish()
        assert [file.sha256 for file in station.store.files()] == [LOST]


def test_a_last_pruning_that_fails_is_told_and_one_that_hangs_is_not_waited_for(
    limited: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "steelsight.station")
    (limited.settings.data / "station.json").write_text('{"log": "another", "where": "there"}')
    with Upkeep(limited) as at_work:
        at_work.finish()
    assert "pruning failed, and is tried again at the next start" in caplog.text
    assert len(list(limited.store.files()))
    monkeypatch.setattr(upkeep, "_LONGEST", 0.05)
    monkeypatch.setattr(upkeep, "_LAST", 0.05)
    over = threading.Event()
    monkeypatch.setattr(upkeep, "prune", lambda *_: over.wait(30) and Pruned(0, 0, 0))
    try:
        with Upkeep(limited) as at_work:
            at_work.finish()
        assert "pruning was not over after" in caplog.text
    finally:
        over.set()
