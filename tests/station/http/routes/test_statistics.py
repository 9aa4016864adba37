"""Counts over time, and drift or why it is not known, over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.found import found
from helpers.serving import make_judging_inspector, served
from helpers.station_results import make_result
from httpx import Client

from steelsight.inspector.checksums import write_checksums
from steelsight.station.http.samples import DRAWN
from steelsight.station.writers import note_writer
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import write_evaluation_set


def test_counts_over_time(client: Client) -> None:
    every = found(client, limit=1000)
    for per in ("hour", "day"):
        answer = client.get("/api/v1/statistics", params={"per": per}).json()
        assert answer["totals"]["pass"] == sum(one["verdict"] == "pass" for one in every)
        assert sum(one["review"] for one in answer["buckets"]) == answer["totals"]["review"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert client.get("/api/v1/statistics", params={"since": later}).json()["buckets"] == []


def test_of_several_stations_one_can_be_asked_for(tmp_path: Path) -> None:
    """In a folder's own log, and in one that several folders share."""
    inspector = make_judging_inspector(tmp_path / "inspector")
    for database in (None, f"sqlite:///{tmp_path / 'shared.sqlite'}"):
        data = tmp_path / ("shared" if database else "own")
        with served(inspector, data, database=database) as (station, client):
            assert client.get("/api/v1/statistics").json()["stations"] == ([] if database else ["line 2"])
            note_writer(data, "line 1")
            note_writer(data, "former")  # it has started here, and no image came
            assert client.get("/api/v1/statistics").json()["stations"] == ([] if database else ["line 2"])
            station.log.add(
                [make_result(n, inspector=station.fingerprint, station=f"line {1 + n % 2}") for n in range(5)]
            )
            for asked, images in ({"station": "line 1"}, 3), ({"station": "line"}, 0), ({}, 5):
                answer = client.get("/api/v1/statistics", params=asked).json()
                assert answer["stations"] == ["line 1", "line 2"]
                assert sum(answer["totals"][kind] for kind in ("pass", "review", "reject")) == images
                assert answer["waiting"] == images
                assert len(found(client, **asked)) == images
                assert len(client.get("/api/v1/log.csv", params=asked).text.splitlines()) == 1 + images


def test_drift_says_why_it_is_not_known(client: Client) -> None:
    answer = client.get("/api/v1/drift").json()
    assert answer["known"] is False
    assert "no test images" in answer["why"]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An inspector that was tested on 200 images, the defective half with scores above .5."""
    folder = make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")
    number = np.arange(200)
    tested = EvaluationSet(
        kind="calibrated",
        classes=("bright", "dark"),
        image_ids=tuple(map(str, number)),
        folds=0 * number,
        groups=number,
        sizes=np.ones((200, 2), np.int64),
        p_defect=number / 200,
        truth=np.stack([number >= 100, 0 * number], axis=1).astype(np.int64),
        regions=((),) * 200,
    )
    write_evaluation_set(folder, tested)
    write_checksums(folder)
    return folder


def test_drift_is_that_of_the_lines_of_this_folder(tested: Any, tmp_path: Path) -> None:
    """The station is `line 2`. All scores of a line that has drifted lie about the middle."""
    with served(tested, tmp_path / "data") as (station, client):

        def come(line: str, scores: Any, **more: Any) -> None:
            station.log.add(
                [make_result(station=line, inspector=station.fingerprint, p_defect=p, **more) for p in scores]
            )

        def drift() -> Any:
            return client.get("/api/v1/drift").json()

        shuffled = np.random.default_rng(0).permutation(100) / 100
        well, middle = shuffled, 0.45 + shuffled / 10
        assert (drift()["station"], drift()["images"]) == ("line 2", 0)
        come("line 2", [0.9] * 24, door="page", name=DRAWN[0])
        assert drift()["images"] == 0
        come("line 2", middle.tolist())
        assert drift()["alarm"]
        come("line 1", np.tile(well, 6).tolist())  # busier, well, in the same log, with a folder of its own
        assert (drift()["station"], drift()["images"], drift()["alarm"]) == ("line 2", 100, True)
        come("line 2", np.tile(well, 5).tolist())
        assert not drift()["alarm"]
        note_writer(station.settings.data, "camera")  # a watch with a name of its own on this very folder
        come("camera", middle.tolist())
        assert (drift()["station"], drift()["images"], drift()["alarm"]) == ("camera", 100, True)
        assert drift()["sentence"].startswith("camera: The scores of the last 100 images fit no share")
