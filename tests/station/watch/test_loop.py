"""A watched folder while things happen to it: with a real station, real images and a real disk."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.station.log.query import Query
from steelsight.station.settings import StationSettings
from steelsight.station.station import Station
from steelsight.station.watch import loop as follow
from steelsight.station.watch.content import ReadFault
from steelsight.station.watch.loop import Follow
from steelsight.station.watch.results import ResultTables
from steelsight.station.watch.scan import scan
from steelsight.station.watch.settings import Watched
from steelsight.station.watch.waiting_files import WaitingFiles
from steelsight.station.writers import own_names

IMAGES = list_images(SAMPLE / "train_images")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = tmp_path_factory.mktemp("made")
    settings = StationSettings(data=made / "data", name="line", max_pixels=10_000_000)
    with Station.open(make_inspector(made / "inspector"), settings, device="cpu", threads=1) as opened:
        yield opened


class Line:
    """A watched folder `folder`, what was said about it, and what the log has of it."""

    def __init__(self, station: Any, tmp_path: Path, with_tables: Any) -> None:
        self.station, self.folder, self.out = station, tmp_path / "line", tmp_path / "out"
        self.folder.mkdir(exist_ok=True)
        self.said = []
        self.follow = None
        self._with_tables = with_tables

    @contextmanager
    def watched(self, **options: Any) -> Iterator[Any]:
        watched = Watched(self.folder, **{"settle": 0.15, "patience": 0.6, "poll": 0.05, **options})
        station = self.station
        own = own_names(station.log, station.settings)
        tables = ResultTables(self.out, station.inspector.classes, station.log, str(self.folder), own)
        with tables:
            self.follow = Follow(self.station, watched, tables if self._with_tables else None, self.said.append)
            thread = threading.Thread(target=self.follow.run, args=(lambda: None,))
            thread.start()
            try:
                yield
            finally:
                self.follow.stop()
                thread.join(20)
                assert not thread.is_alive()

    def results(self) -> Any:
        found = self.station.log.find(Query(door="watch", order="oldest", limit=200)).inspections
        return [one.result for one in found if one.result.arrival.folder == str(self.folder)]

    def names(self) -> Any:
        return [one.name for one in self.results()]

    def wait_for(self, count: Any) -> None:
        until(lambda: len(self.results()) >= count)

    def has_said(self, words: Any) -> Any:
        return [sentence for sentence in self.said if words in sentence]


@pytest.fixture
def line(station: Any, tmp_path: Path) -> Any:
    return Line(station, tmp_path, with_tables=True)


def until(holds: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def put(path: Any, source: Any = IMAGES[0]) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source.read_bytes())
    return path


def test_a_camera_writes_slowly_and_under_a_temporary_name(line: Any) -> None:
    content = IMAGES[0].read_bytes()
    with line.watched():
        slow = line.folder / "slow.jpg"
        with slow.open("wb") as stream:
            for part in range(4):
                stream.write(content[part * len(content) // 4 : (part + 1) * len(content) // 4])
                stream.flush()
                time.sleep(0.2)  # longer than it takes to settle, so that half an image is tried in vain
        part = put(line.folder / "other.jpg.part", IMAGES[1])
        line.wait_for(1)
        part.rename(line.folder / "other.jpg")
        line.wait_for(2)
    assert [(one.name, one.sha256, one.error) for one in line.results()] == [
        ("slow.jpg", sha256(content).hexdigest(), None),
        ("other.jpg", sha256(IMAGES[1].read_bytes()).hexdigest(), None),
    ]


def test_order_of_arrival_is_kept(line: Any) -> None:
    for name in ("strip10.jpg", "strip9.jpg", "late.jpg", "strip100.jpg"):
        put(line.folder / name)
        os.utime(line.folder / name, (2 if name == "late.jpg" else 1,) * 2)
    with line.watched(settle=0.3):
        until(lambda: line.follow.waiting.count == 4)
        put(line.folder / "a.jpg")
        os.utime(line.folder / "a.jpg", (0, 0))
        line.wait_for(5)
    arrived = sorted(line.results(), key=lambda one: one.at)
    assert [one.name for one in arrived] == ["strip9.jpg", "strip10.jpg", "strip100.jpg", "late.jpg", "a.jpg"]


def test_large_files_are_not_all_read_at_once(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = max(path.stat().st_size for path in IMAGES[:6])
    monkeypatch.setattr(follow, "_HELD", largest + 1)
    take, held = WaitingFiles.take, []

    def take_noted(waiting: Any, now: Any) -> Any:
        taken = take(waiting, now)
        held.append(waiting.bytes_in_work)
        return taken

    monkeypatch.setattr(WaitingFiles, "take", take_noted)
    for path in IMAGES[:6]:
        put(line.folder / path.name, path)
    with line.watched():
        line.wait_for(6)
    assert 0 < max(held) <= 2 * largest


def test_what_cannot_be_read_is_logged_when_patience_is_over_and_not_tried_again(line: Any) -> None:
    (line.folder / "broken.jpg").write_bytes(IMAGES[0].read_bytes()[:5000])
    (line.folder / "huge.png").write_bytes(b"")
    os.truncate(line.folder / "huge.png", 80_000_000)
    (line.folder / "text.png").write_text("no image")
    start = time.monotonic()
    with line.watched():
        line.wait_for(3)
        assert time.monotonic() - start > 0.6
        put(line.folder / "good.jpg")
        line.wait_for(4)
        time.sleep(0.3)
    errors = {one.name: one.error for one in line.results()}
    assert "Premature end of JPEG file (5000 bytes)" in errors["broken.jpg"]
    assert "max_pixels" in errors["huge.png"]
    assert "not an image but text" in errors["text.png"]
    assert errors["good.jpg"] is None
    assert len(line.results()) == 4
    assert (
        len(line.has_said("broken.jpg: the decoder says: Premature end")) == 2
    )  # when it began, and when it was logged


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="whoever may do anything is locked out of nothing")
def test_a_locked_file_is_taken_when_it_is_let_go(line: Any) -> None:
    locked = put(line.folder / "locked.jpg")
    locked.chmod(0)
    with line.watched(patience=20.0):
        until(lambda: line.has_said("locked.jpg: cannot be read"))
        locked.chmod(0o600)
        line.wait_for(1)
    assert line.results()[0].error is None


def test_a_file_with_new_content_is_a_new_image_and_a_restart_knows_both(line: Any) -> None:
    with line.watched():
        put(line.folder / "a.jpg", IMAGES[0])
        line.wait_for(1)
        put(line.folder / "a.jpg", IMAGES[1])
        line.wait_for(2)
    with line.watched():
        time.sleep(0.4)
    assert line.names() == ["a.jpg", "a.jpg"]
    assert len((line.out / "images.csv").read_text().splitlines()) == 3


def test_files_that_vanish_and_change_their_names(line: Any) -> None:
    with line.watched(settle=0.4):
        put(line.folder / "gone.jpg")
        put(line.folder / "old.jpg")
        until(lambda: line.follow.waiting.count == 2)
        (line.folder / "gone.jpg").unlink()
        (line.folder / "old.jpg").rename(line.folder / "new.jpg")
        line.wait_for(1)
    assert line.names() == ["new.jpg"]
    assert line.has_said("old.jpg: is now new.jpg")
    assert line.has_said("gone.jpg: gone before the inspection")


def test_a_folder_that_goes_away_for_a_while(line: Any) -> None:
    with line.watched():
        put(line.folder / "a.jpg")
        line.wait_for(1)
        away = line.folder.rename(line.folder.with_name("unmounted"))
        until(lambda: line.has_said("cannot be read (No such file or directory)"))
        time.sleep(0.3)
        put(away / "b.jpg", IMAGES[1])
        away.rename(line.folder)
        line.wait_for(2)
    assert line.names() == ["a.jpg", "b.jpg"]
    assert len(line.has_said("cannot be read")) == 1
    assert len(line.has_said("can be read again")) == 1


def test_a_store_that_takes_nothing_holds_images_back_and_loses_none(
    line: Any, station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelsight.station.watch.loop._PAUSE", 0.2)
    images = station.settings.data / "images"
    away = images.rename(images.with_name("away")) if images.exists() else None
    images.write_text("a file where the store should be")
    with line.watched():
        put(line.folder / "a.jpg", IMAGES[5])
        until(lambda: line.follow.troubles.count)
        time.sleep(0.5)
        assert line.results() == []
        assert len(line.said) == 1
        images.unlink()
        if away is not None:
            away.rename(images)
        line.wait_for(1)
    assert line.has_said("results are kept again")


@pytest.mark.skipif(os.name != "posix", reason="Windows has other links")
def test_what_could_not_be_looked_at_is_no_trouble_once_it_can(line: Any) -> None:
    (line.folder / "a.jpg").symlink_to("a.jpg")
    with line.watched():
        until(lambda: line.has_said("a.jpg: cannot be looked at"))
        assert line.follow.troubles.count == 1
        (line.folder / "a.jpg").unlink()
        until(lambda: line.follow.troubles.count == 0, seconds=3)


def test_a_log_that_could_not_be_asked_is_no_trouble_once_it_can(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although no image has come since: a single run would end as one that left something undone."""
    put(line.folder / "a.jpg", IMAGES[6])
    with line.watched():
        line.wait_for(1)
    ask, refused = follow.known_files, []

    def ask_again(*args: Any) -> Any:
        if not refused:
            refused.append(args)
            raise UserError("the log is held")
        return ask(*args)

    monkeypatch.setattr(follow, "known_files", ask_again)
    with line.watched():
        until(lambda: line.has_said("the log is held"))
        until(lambda: line.has_said("the log answers again"), seconds=3)
        assert line.follow.troubles.sentences == []


def test_a_full_disk_for_the_tables_holds_back_nothing_else(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steelsight.station.watch.loop._PAUSE", 0.2)
    with line.watched():
        table = line.out / "images.csv"
        until(table.exists)
        table.unlink()
        table.symlink_to("/dev/full")
        put(line.folder / "a.jpg", IMAGES[0])
        until(lambda: line.has_said("the disk is full"))
        put(line.folder / "b.jpg", IMAGES[1])
        line.wait_for(2)
        table.unlink()
        until(lambda: line.has_said("the tables are complete again"))
    assert len(table.read_text().splitlines()) == 3


def put_bitmap(path: Path, seed: int) -> str:
    """An image of one size and time, whatever it shows; gives its SHA-256."""
    pixels = np.random.default_rng(seed).integers(20, 200, (64, 96), dtype=np.uint8)
    content = bytes(cv2.imencode(".bmp", pixels)[1])
    path.write_bytes(content)
    os.utime(path, (10**9, 10**9))
    return sha256(content).hexdigest()


@pytest.mark.parametrize("moves", [False, True], ids=["leave", "move"])
def test_the_same_path_on_another_machine_is_told_from_this_one_by_content(
    line: Any, tmp_path: Path, moves: bool
) -> None:
    """Two lines write the same names, in one size, at the same second, and share a log; one image is the same on both, as on
    a share."""
    inspector = line.station.inspector.checksums.folder
    database = f"sqlite:///{tmp_path}/shared.sqlite"
    with (
        Station.open(
            inspector, StationSettings(data=tmp_path / "a", database=database, name="line A"), device="cpu", threads=1
        ) as first,
        Station.open(
            inspector, StationSettings(data=tmp_path / "b", database=database, name="line B"), device="cpu", threads=1
        ) as second,
    ):
        one, other = (Line(station, tmp_path, with_tables=True) for station in (first, second))
        other.out = tmp_path / "other"
        both = put_bitmap(one.folder / "both.bmp", 0)
        here = put_bitmap(one.folder / "strip.bmp", 1)
        with one.watched():
            one.wait_for(2)
        assert not one.has_said("another data folder")
        there = put_bitmap(one.folder / "strip.bmp", 2)
        with other.watched(move=tmp_path / "done" if moves else None):
            other.wait_for(3)
            until(lambda: not other.follow.waiting.count)
            if moves:
                until(lambda: not list(other.folder.iterdir()))
        assert sorted((one.station, one.sha256) for one in other.results()) == sorted(
            [("line A", both), ("line A", here), ("line B", there)]
        )
        assert len(other.has_said("station line A, which has another data folder")) == 1
        with other.watched():
            pass
        rows = (other.out / "images.csv").read_text().splitlines()[1:]
        assert len(rows) == 1
        assert "strip.bmp" in rows[0]
        with one.watched():  # by now a second content has the name, size and time of a file that was inspected here
            until(lambda: not one.follow.waiting.count)
        assert len(one.results()) == 3


def test_before_a_file_is_moved_as_done_its_content_decides(line: Any, tmp_path: Path) -> None:
    first = put_bitmap(line.folder / "a.bmp", 1)
    with line.watched():
        line.wait_for(1)
    second = put_bitmap(line.folder / "a.bmp", 2)
    with line.watched(move=tmp_path / "done"):
        until(lambda: not list(line.folder.iterdir()))
    assert [one.sha256 for one in line.results()] == [first, second]
    assert sha256((tmp_path / "done" / "a.bmp").read_bytes()).hexdigest() == second


def test_what_was_inspected_and_cannot_be_read_any_more_waits_to_be_moved(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_PAUSE", 0.1)
    put(line.folder / "a.jpg")
    with line.watched():
        line.wait_for(1)
    read = follow.read_whole
    monkeypatch.setattr(follow, "read_whole", lambda *_, **__: ReadFault("cannot be read (held)"))
    with line.watched(move=tmp_path / "done", patience=0.0):
        until(lambda: line.has_said("a.jpg: cannot be read (held); it was inspected before, and is moved when it can"))
        monkeypatch.setattr(follow, "read_whole", read)
        until(lambda: not list(line.folder.iterdir()))
        assert line.follow.troubles.count == 0
    assert line.names() == ["a.jpg"]


def test_inspected_files_are_moved_and_those_of_before_too(line: Any, tmp_path: Path) -> None:
    target = tmp_path / "done"
    put(target / "1" / "b.jpg", IMAGES[9])
    put(line.folder / "a.jpg")
    with line.watched():
        line.wait_for(1)
    assert (line.folder / "a.jpg").exists()
    with line.watched(move=target, below=True):
        put(line.folder / "1" / "b.jpg", IMAGES[1])
        until(lambda: not any(path.is_file() for path in line.folder.rglob("*")))
    moved = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.jpg"))
    assert moved == ["1/b.2.jpg", "1/b.jpg", "a.jpg"]
    assert line.names() == ["a.jpg", "1/b.jpg"]


def test_a_target_that_cannot_be_written_leaves_the_files_and_is_tried_again(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelsight.station.watch.loop._PAUSE", 0.2)
    target = tmp_path / "done"
    target.write_text("a file")
    with line.watched(move=target):
        put(line.folder / "a.jpg")
        put(line.folder / "b.jpg", IMAGES[1])
        line.wait_for(2)
        until(lambda: line.has_said("cannot be moved"))
        target.unlink()
        until(lambda: len(list(target.glob("*.jpg"))) == 2)
    assert len(line.has_said("cannot be moved")) == 1


def test_a_share_that_does_not_answer_for_a_while_holds_back_no_result(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    answers.set()

    def slow_scan(*given: Any, **options: Any) -> Any:
        found = scan(*given, **options)
        answers.wait(10)
        return found

    monkeypatch.setattr("steelsight.station.watch.loop._SLOW", 0.3)
    monkeypatch.setattr("steelsight.station.watch.loop.scan", slow_scan)
    for index in range(3):
        put(line.folder / f"{index}.jpg", IMAGES[index])
    with line.watched(settle=0.4):
        until(lambda: line.follow.waiting.count == 3)
        answers.clear()
        until(lambda: line.has_said("has not answered"))
        line.wait_for(3)
        answers.set()
        until(lambda: line.has_said("answers again"))
    assert len(line.has_said("has not answered")) == 1
