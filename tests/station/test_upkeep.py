"""A station at work says what lies in its folder that its log does not name, and removes none of it."""

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.tiny_inspector import make_inspector

from steelsight.imaging.read import list_images
from steelsight.station import upkeep
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
