"""The history and its pictures over HTTP."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.found import found
from helpers.serving import IMAGES, make_judging_inspector, send, served
from httpx import Client

from steelsight.imaging.rle import parse_runs
from steelsight.imaging.roi import Polygons, Roi
from steelsight.inspector.artifact import write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector
from steelsight.station.http.routes import viewing
from steelsight.station.station import Station


def test_pages_follow_one_another_and_hold_each_once(client: Client) -> None:
    every = found(client, limit=1000)
    whole = [one["id"] for one in every]
    seen, cursor = [], {}
    while True:
        answer = client.get("/api/v1/inspections", params={"limit": 5, **cursor}).json()
        seen += [one["id"] for one in answer["inspections"]]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert seen == whole
    assert len(set(seen)) == len(seen)
    times = [one["at"] for one in every]
    assert times == sorted(times, reverse=True)


def test_filters_and_orders(client: Client) -> None:
    every = found(client, limit=1000)
    assert {one["id"] for one in found(client, verdict=["pass", "reject"], limit=1000)} == {
        one["id"] for one in every if one["verdict"] != "review"
    }
    assert {one["name"] for one in found(client, name=IMAGES[3].name[:9])} == {IMAGES[3].name}
    assert all(one["classes"]["dark"] for one in found(client, **{"class": "dark"}))
    doubts = [one["doubt"] for one in found(client, order="doubt")]
    assert doubts == sorted(doubts, reverse=True)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert found(client, since=later) == []
    assert len(found(client, until=later, limit=1000)) == len(every)
    assert found(client, inspector="f" * 64) == found(client, reviewed=True, flagged=True) == []
    assert "polygons" not in str(every)
    assert "runs" not in every[0]


def test_times_are_utc_with_or_without_a_zone(client: Client) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert found(client, since=(now + hour).replace(tzinfo=None).isoformat()) == []
    assert found(client, since=(now - hour).replace(tzinfo=None).isoformat())
    assert found(client, since=(now - hour).isoformat().replace("+00:00", "Z"))
    east = timedelta(hours=5)
    assert found(client, since=(now - hour + east).replace(tzinfo=None).isoformat() + "+05:00")


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", "9" * 5000, "1.5", "NaN", "%00", "x"])
def test_numbers_that_no_inspection_has(client: Client, number: Any) -> None:
    for rest in ("", "/image", "/mask.png", "/overlay.png", "/maps/1.png", "/reviews"):
        assert client.get(f"/api/v1/inspections/{number}{rest}").status_code == 422
    assert client.get(f"/api/v1/inspections/1/maps/{number}.png").status_code == 422


def test_numbers_that_no_inspection_has_yet(client: Client) -> None:
    for path in ("9223372036854775807", "99999/image", "1/maps/3.png", "1/mask.png?review=7"):
        answer = client.get(f"/api/v1/inspections/{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"]


def test_of_pictures_and_regions_two_are_made_at_a_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for, that of a very large image takes half a gigabyte."""
    at_work, most, lock = 0, 0, threading.Lock()

    def make(*_: Any) -> Any:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.05)
        with lock:
            at_work -= 1
        return b"picture"

    monkeypatch.setattr(viewing, "overlay_png", make)
    monkeypatch.setattr(viewing, "mask_png", make)
    monkeypatch.setattr(Station, "region_of", lambda *_: make() and None)
    paths = [f"/api/v1/inspections/{number}/{name}.png" for number in (1, 2, 3, 4) for name in ("overlay", "mask")]
    regions = [f"/api/v1/inspections/{number}/region" for number in (1, 2, 3, 4)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(client.get, [*regions, *paths]))
    assert [one.status_code for one in answers[:4]] == [404] * 4
    assert {(one.status_code, one.content) for one in answers[4:]} == {(200, b"picture")}
    assert most == 2


def test_a_region_of_interest_is_told_drawn_and_holds_in_the_maps(tmp_path: Path) -> None:
    folder = make_judging_inspector(tmp_path / "inspector")
    card = Inspector.open(folder).card
    left = Roi(polygons=Polygons(inside=(((0, 0), (0.4, 0), (0.4, 1), (0, 1)),)))
    write_card(folder, card.with_roi(left).with_policy(card.policy))
    write_checksums(folder)
    with served(folder, tmp_path / "station") as (_, client):
        said = send(client, *IMAGES[:6]).json()["inspections"]
        assert client.get("/api/v1/inspector").json()["roi"] == left.text
        searched = 0
        for one in said:
            edge = round(0.4 * one["width"])
            region = parse_runs(client.get(f"/api/v1/inspections/{one['id']}/region").json()["runs"], None)
            assert region.area == edge * one["height"]
            assert all(not runs or int(runs.split()[-2]) <= edge * one["height"] for runs in one["runs"].values())
            assert all(area["left"] + area["width"] <= edge for area in (*one["regions"], *one["suspected"]))
            overlay = cv2.imdecode(
                np.frombuffer(client.get(f"/api/v1/inspections/{one['id']}/overlay.png").content, np.uint8), 1
            )
            border = overlay[10 : one["height"] - 10, edge - 1]
            assert ((border == 190).all(axis=1)).mean() > 0.3  # but where a defect is outlined on it
            if one["has_maps"]:
                content = client.get(f"/api/v1/inspections/{one['id']}/maps/1.png").content
                map_ = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
                assert not map_[:, edge:].any()
                searched += 1
        assert searched


def test_without_a_region_there_is_none_to_tell(client: Client) -> None:
    assert client.get("/api/v1/inspector").json()["roi"] is None
    answer = client.get(f"/api/v1/inspections/{found(client)[0]['id']}/region")
    assert answer.status_code == 404
    assert "no region of interest" in answer.json()["detail"]
