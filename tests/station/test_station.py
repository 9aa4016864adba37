"""What the doors share: every accepted image is answered, with what a stream would say, and stands in the log."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, make_inspector

from steelsight.core.errors import UserError
from steelsight.imaging.read import ImageError, TooManyPixels, list_images
from steelsight.imaging.rle import format_runs
from steelsight.inspector.decide_policy import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.ready import ready_inspector
from steelsight.station.inspection import Arrival
from steelsight.station.log.query import Query
from steelsight.station.settings import StationSettings
from steelsight.station.station import Closed, Incoming, NotStored, QueueFull, Station
from steelsight.station.store import NetworkMaps
from steelsight.verdicts.policy import Limits

IMAGES = list_images(SAMPLE / "train_images")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    rule = RULE.model_copy(update={"gate": 0.05})
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector", rule=rule, policy=make_policy(0.2, 0.95))


@pytest.fixture
def open_station(folder: Any, tmp_path: Path) -> Iterator[Any]:
    stations = []

    def opened(**changes: Any) -> Any:
        settings = StationSettings.model_validate({"data": tmp_path / "data", "name": "line 2", **changes})
        stations.append(Station.open(folder, settings, device="cpu", threads=2))
        return stations[-1]

    yield opened
    for station in stations:
        station.close()


def test_many_images_at_once_say_what_a_stream_says_to_the_last_bit(folder: Any, open_station: Any) -> None:
    station = open_station(queue=len(IMAGES))
    images = IMAGES[:20]
    futures = [station.submit(Incoming(path.name, path.read_bytes(), "http")) for path in images]
    inspections = [future.result(30) for future in futures]
    answers = set()
    for one, judged in zip(
        inspections, Inspector.open(folder, device="cpu").stream(images, keep_maps=True), strict=True
    ):
        result = one.result
        assert (result.name, result.size, result.p_defect) == (judged.source.path.name, judged.size, judged.p_defect)
        assert (result.probability, result.regions, result.flags) == (judged.probability, judged.regions, judged.flags)
        assert (result.verdict, result.reason) == (judged.verdict.answer, judged.verdict.reason)
        assert result.runs == tuple(map(format_runs, judged.runs))
        assert station.image_of(one) == judged.source.path.read_bytes()
        answers.add((result.verdict, result.has_maps))
        for index in range(2):
            if judged.maps is None:
                with pytest.raises(NotStored, match="no network searched it"):
                    station.map_of(one, index)
            else:
                np.testing.assert_array_equal(station.map_of(one, index), judged.maps[index])
        assert station.log.get(one.id) == one
    assert {("pass", False), ("review", True), ("reject", True)} <= answers


def test_an_image_that_is_alone_says_the_same_and_is_stored_once(folder: Any, open_station: Any) -> None:
    station = open_station()
    again = [station.submit(Incoming("a.jpg", IMAGES[0].read_bytes(), "page")).result(30) for _ in range(2)]
    judged = Inspector.open(folder, device="cpu", threads=2)(IMAGES[0])
    for one in again:
        assert (one.result.p_defect, one.result.regions) == (judged.p_defect, judged.regions)
        np.testing.assert_array_equal(station.map_of(one, 1), judged.maps[1])
    assert again[0].id != again[1].id
    assert len(list(station.store.files())) == 2  # the image and its maps


def test_what_another_station_stores_is_told_from_what_is_gone(folder: Any, open_station: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    first = open_station(data=tmp_path / "first", database=url, name="line 1")
    second = open_station(data=tmp_path / "second", database=url, name="line 2")
    one = first.submit(Incoming("a.jpg", IMAGES[0].read_bytes(), "http")).result(30)
    elsewhere = "a.jpg: {} not stored by this station; line 1 inspected it"
    with pytest.raises(NotStored, match=elsewhere.format("its image is")):
        second.image_of(one)
    with pytest.raises(NotStored, match=elsewhere.format("its probability maps are")):
        second.map_of(one, 0)
    gone = replace(one, result=replace(one.result, has_image=False, has_maps=False))
    for ask in (first.image_of, lambda inspection: first.map_of(inspection, 0)):
        with pytest.raises(NotStored, match=r"any more\)$"):
            ask(gone)


def test_a_station_keeps_the_limits_that_it_was_started_with(tmp_path: Path) -> None:
    """docs/tutorials/first-week.md, day 4: an inspector that is decided again is another one from the next start on."""
    folder = shutil.copytree(ready_inspector(), tmp_path / "inspector")
    settings = StationSettings(data=tmp_path / "data")
    incoming = Incoming("a.jpg", IMAGES[1].read_bytes(), "watch")
    with Station.open(folder, settings, device="cpu", threads=1) as station:
        before = station.submit(incoming).result(30).result
        decide_inspector(folder, Limits(max_escape=0.5, confidence=0.7), None)
        meanwhile = station.submit(incoming).result(30).result
    with Station.open(folder, settings, device="cpu", threads=1) as station:
        after = station.submit(incoming).result(30).result
    assert (before.verdict, before.reason) == (meanwhile.verdict, meanwhile.reason)
    assert (before.verdict, after.verdict) == ("review", "pass")
    assert before.inspector == meanwhile.inspector != after.inspector


def test_an_image_larger_than_the_limit_is_refused_by_name(open_station: Any) -> None:
    station = open_station(max_pixels=256 * 1600 - 1)
    future = station.submit(Incoming("large.jpg", IMAGES[0].read_bytes(), "http"))
    with pytest.raises(TooManyPixels, match=r"large\.jpg: 256 x 1600 pixels exceed the 409599"):
        future.result(30)


def test_what_is_no_image_is_refused_at_the_port_and_logged_from_the_folder(open_station: Any) -> None:
    station = open_station()
    content = IMAGES[0].read_bytes()[:5000]
    with pytest.raises(ImageError, match=r"cut\.jpg: the decoder says: Premature end"):
        station.submit(Incoming("cut.jpg", content, "http")).result(30)
    assert station.log.find(Query()).inspections == ()
    arrival = Arrival("/line2", "cut.jpg", len(content), 5, "ab" * 32)
    logged = station.submit(Incoming("cut.jpg", content, "watch", arrival)).result(30)
    assert (logged.result.verdict, logged.result.doubt, logged.result.size) == ("review", 1.0, None)
    assert "Premature end" in logged.result.error
    assert station.submit(Incoming("cut.jpg", content, "watch", arrival)).result(30).id == logged.id
    assert station.log.find(Query()).inspections == (logged,)
    with pytest.raises(NotStored):
        station.image_of(logged)


def test_beyond_the_queue_images_are_refused_until_there_is_room(open_station: Any) -> None:
    station = open_station(queue=4)
    content = IMAGES[0].read_bytes()
    with station.admit(3) as admission:
        kept = admission.submit(Incoming("a.jpg", content, "http"))
        with pytest.raises(QueueFull, match="4 images are waiting") as refused:
            station.admit(2)
        assert 1 <= refused.value.retry_after <= 60
        assert kept.result(30)
        with station.admit(2):
            assert station.accepted == 4
    assert station.accepted == 0
    station.admit(4).__exit__(None, None, None)


def test_closing_finishes_what_was_accepted_and_takes_nothing_further(open_station: Any) -> None:
    station = open_station()
    futures = [station.submit(Incoming(path.name, path.read_bytes(), "http")) for path in IMAGES[:12]]
    station.close()
    assert all(future.done() and future.result().id for future in futures)
    with pytest.raises(Closed, match="is stopping"):
        station.submit(Incoming("a.jpg", b"", "http"))


@pytest.mark.parametrize(("keep", "answers"), [("none", set()), ("doubtful", {"review", "reject"})])
def test_only_what_is_to_be_kept_is_stored(open_station: Any, keep: str, answers: Any) -> None:
    station = open_station(keep=keep)
    futures = [station.submit(Incoming(path.name, path.read_bytes(), "http")) for path in IMAGES[:24]]
    results = [future.result(30).result for future in futures]
    assert {"pass", "review", "reject"} == {result.verdict for result in results}
    for result in results:
        assert result.has_image == (station.store.image_path(result.sha256) is not None) == (result.verdict in answers)
        assert result.has_maps == result.has_image  # whatever does not pass is segmented, below the gate too
    stored = {one.sha256 for one in station.store.files()}
    assert stored == {result.sha256 for result in results if result.has_image}


def test_a_result_that_cannot_be_stored_is_refused_and_the_station_goes_on(open_station: Any) -> None:
    station = open_station()
    (station.settings.data / "images").write_bytes(b"")  # a file where the folder should be, as on a broken disk
    image = Incoming("a.jpg", IMAGES[0].read_bytes(), "http")
    with pytest.raises(UserError, match="cannot be written"):
        station.submit(image).result(30)
    assert "cannot be written" in station.trouble
    with pytest.raises(UserError, match="cannot be written"):
        station.check()
    assert station.log.find(Query()).inspections == ()
    (station.settings.data / "images").unlink()
    station.check()
    assert station.submit(image).result(30).result.has_image
    assert station.trouble is None


def test_where_memory_runs_out_amid_a_batch_its_images_are_judged_one_by_one(
    open_station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, packed = NetworkMaps.pack, []

    def pack_short_of_memory(maps: Any) -> Any:
        packed.append(maps)
        if len(packed) % 4 == 2:  # never twice in a row
            raise MemoryError
        return pack(maps)

    monkeypatch.setattr(NetworkMaps, "pack", pack_short_of_memory)
    station = open_station()
    with station.admit(12) as admission:
        futures = [admission.submit(Incoming(path.name, path.read_bytes(), "http")) for path in IMAGES[:12]]
    answered = [future for future in futures if future.exception(30) is None]
    assert len(answered) >= 9
    assert {future.result().id for future in answered} == {one.id for one in station.log.find(Query()).inspections}
    assert station.accepted == 0
