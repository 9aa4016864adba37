"""Images of a group go to the store side by side; the log names none that is not there."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.queue.batcher import QueuedImage
from steelsight.station.queue.commit import Committer, JudgedImage
from steelsight.station.queue.request_group import RequestGroup
from steelsight.station.settings import StationSettings
from steelsight.station.station import Incoming, Station
from steelsight.station.store import ImageStore

IMAGES = list_images(SAMPLE / "train_images")[:4]


@dataclass(frozen=True)
class Meeting(ImageStore):
    """A store that keeps an image once three are to be kept at the same moment."""

    barrier: Barrier

    def put_image(self, sha256: str, content: bytes) -> None:
        self.barrier.wait(60)
        super().put_image(sha256, content)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    settings = StationSettings(data=tmp_path / "data")
    with Station.open(make_inspector(tmp_path / "inspector"), settings, device="cpu", threads=1) as opened:
        yield opened


def together(station: Station, paths: Any) -> list[JudgedImage]:
    """Judged images of one request, not yet written."""
    group = RequestGroup[Any](len(paths))
    judged = []
    for path in paths:
        incoming = Incoming(path.name, path.read_bytes(), "http")
        job = QueuedImage(incoming, group)
        job.future.set_running_or_notify_cancel()
        judged.append(JudgedImage(job, station.submit(incoming).result(60).result, None))
    return judged


def test_the_images_of_a_group_are_stored_side_by_side(station: Station, tmp_path: Path) -> None:
    judged, store = together(station, IMAGES[:3]), Meeting(tmp_path / "other", Barrier(3))
    committer = Committer(store, station.log)
    for one in judged:
        committer.put(one)
    for one in judged:
        inspection = one.job.future.result(120)
        assert station.log.get(inspection.id) == inspection
        assert store.read_image(inspection.result.sha256) == one.job.incoming.content
    committer.close()


def test_a_request_of_which_one_image_cannot_be_stored_is_refused_whole(station: Station, tmp_path: Path) -> None:
    judged, alone = together(station, IMAGES[:3]), together(station, IMAGES[3:])
    store = ImageStore(tmp_path / "other")
    before = len(station.log.find(Query()).inspections)
    (tmp_path / "other/images").mkdir(parents=True)
    (tmp_path / "other/images" / judged[1].result.sha256[:2]).write_text("a file in the place of a folder")
    committer = Committer(store, station.log)
    for one in (*judged, *alone):
        committer.put(one)
    for one in judged:
        with pytest.raises(UserError, match="cannot be written"):
            one.job.future.result(60)
    assert alone[0].job.future.result(60).id
    assert len(station.log.find(Query()).inspections) == before + 1
    committer.close()


def test_what_is_put_together_is_logged_in_one_transaction(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = [one for path in IMAGES[:3] for one in together(station, [path])]
    committer = Committer(ImageStore(tmp_path / "other"), station.log)
    added: list[int] = []
    own = station.log.add

    def count(results: Any) -> Any:
        added.append(len(results))
        return own(results)

    monkeypatch.setattr(station.log, "add", count)
    committer.put(*judged)
    assert len({one.job.future.result(60).id for one in judged}) == 3
    assert added == [3]
    committer.close()


@dataclass
class Forgetful:
    """A log that answers for fewer images than it was given, once."""

    log: InspectionLog
    is_forgetful: bool = True

    def add(self, results: Any) -> Any:
        added, forgets, self.is_forgetful = self.log.add(results), self.is_forgetful, False
        return added[:-1] if forgets else added


def test_a_fault_of_the_log_is_told_to_the_senders_and_does_not_end_the_station(
    station: Station, tmp_path: Path
) -> None:
    first, second = together(station, IMAGES[:2]), together(station, IMAGES[2:])
    committer = Committer(ImageStore(tmp_path / "other"), Forgetful(station.log))  # type: ignore[arg-type]
    for one in first:
        committer.put(one)
    with pytest.raises(UserError, match="the result cannot be kept"):
        first[-1].job.future.result(120)
    assert "the result cannot be kept" in committer.trouble
    for one in second:
        committer.put(one)
    for one in second:
        assert one.job.future.result(120).result.name == one.job.incoming.name
    assert committer.trouble is None
    committer.close()


HANGING = """
import threading
from steelsight.station.inspection import Result
from steelsight.station.queue.batcher import QueuedImage
from steelsight.station.queue.commit import Committer, JudgedImage
from steelsight.station.queue.incoming import Incoming
from steelsight.station.store import ImageStore

hangs = threading.Event()

class Hanging(ImageStore):
    def put_image(self, sha256, content):
        hangs.set()
        threading.Event().wait()

values = dict.fromkeys(Result.__dataclass_fields__) | {"has_image": True, "sha256": "a" * 64, "name": "a.jpg"}
committer = Committer(Hanging(None), None)
committer.put(JudgedImage(QueuedImage(Incoming("a.jpg", b"", "http")), Result(**values), None))
assert hangs.wait(30)
committer.close(0.0)
"""


def test_a_disk_that_hangs_does_not_keep_the_process_from_its_end() -> None:
    """A stop that has waited its time ends: Python would wait for a pool's threads."""
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=60)
