"""Networks that answer with nan, behind the port: each request is answered, and a person finds the images in the queue."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.odd_answers import GOOD, ODD, make_odd_inspector
from helpers.serving import IMAGES, send, served
from helpers.tiny_inspector import is_bright


@pytest.fixture(params=["classify", "segment"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    start = time.monotonic()
    folder = make_odd_inspector(tmp_path / "inspector", request.param)
    with served(folder, tmp_path / "data") as (_, client):
        yield request.param, client
    assert time.monotonic() - start < 60  # the station's stop waits for answers that never come up to a minute


def check_odd(said: Any, step: Any) -> None:
    assert said["verdict"] == "review"
    assert said["reason"].startswith("the networks gave no probability for this image, so a person must look: in step ")
    assert said["reason"].endswith(f" {step}-0:0 answered nan")
    assert said["error"] == f"{said['name']}: {said['reason']}"
    assert (said["height"], said["width"]) == (256, 1600)
    assert (said["p_defect"] is None) == (said["probability"] is None) == (step == "classify")
    assert (said["doubt"], said["has_image"], said["has_maps"], said["regions"]) == (1.0, True, False, [])
    assert said["classes"] == {}  # and not 0 pixels of each


def test_each_image_is_answered_alone_and_among_others(running: Any) -> None:
    step, client = running
    assert [is_bright(IMAGES[place]) for place in (*GOOD, *ODD)] == [False] * 4 + [True] * 4
    alone = send(client, IMAGES[ODD[0]], timeout=20)
    assert alone.status_code == 200, alone.text
    check_odd(alone.json()["inspections"][0], step)
    paths = [IMAGES[place] for place in (*GOOD, *ODD)]
    together = send(client, *paths, door="page", timeout=20)
    assert together.status_code == 200, together.text
    said = together.json()["inspections"]
    assert [one["name"] for one in said] == [path.name for path in paths]
    for one in said[:4]:
        assert one["error"] is None
        assert 0 <= one["p_defect"] <= 1
    for one in said[4:]:
        check_odd(one, step)


def test_it_is_counted_listed_as_review_and_can_be_drawn_on(running: Any) -> None:
    step, client = running
    assert send(client, *(IMAGES[place] for place in (*GOOD, *ODD)), timeout=20).status_code == 200
    metrics = client.get("/metrics").text
    assert 'steelsight_unjudged_images_total{door="http"} 4.0' in metrics
    listed = client.get("/api/v1/inspections", params={"verdict": "review", "order": "doubt"}).json()["inspections"]
    reviews = [line for line in metrics.splitlines() if 'steelsight_images_total{door="http",verdict="review"}' in line]
    assert float(reviews[0].split()[-1]) == len(listed) >= 4
    assert {one["name"] for one in listed[:4]} == {IMAGES[place].name for place in ODD}
    for one in listed[:4]:
        check_odd(one, step)
    totals = client.get("/api/v1/statistics").json()
    assert (totals["totals"]["unreadable"], totals["totals"]["review"]) == (0, len(listed))
    assert totals["waiting"] == len(listed)
    assert client.get("/api/v1/drift").status_code == 200
    url = f"/api/v1/inspections/{listed[0]['id']}"
    assert "networks gave none" in client.get(f"{url}/maps/1.png").json()["detail"]
    overlay = cv2.imdecode(np.frombuffer(client.get(f"{url}/overlay.png").content, np.uint8), cv2.IMREAD_COLOR)
    assert overlay.shape[1] == 1600
    table = client.get("/api/v1/log.csv").text
    assert ",nan," not in table.lower()
    body = {"after_version": 0, "agrees": False, "word": "reject", "runs": {"bright": "1 50"}}
    said = client.post(f"{url}/reviews", json=body)
    assert said.status_code == 200, said.text
    kept = client.get("/api/v1/corrections").json()
    assert (kept["images"], kept["classes"]["bright"]) == (1, 1)
