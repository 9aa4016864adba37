"""What the page offers to try where nobody names a folder: strips that are drawn on the spot."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from helpers import serving
from helpers.serving import IMAGES, served

from steelsight.strips import draw_strip


@pytest.fixture
def client(inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(serving, "SAMPLES", None)
    with served(inspector_folder, tmp_path / "data") as (_, spoken):
        yield spoken


def test_without_a_folder_twelve_made_up_strips_are_offered_and_inspected(client: Any) -> None:
    names = client.get("/api/v1/inspector").json()["samples"]
    assert names == [f"made-up-{number:02}.jpg" for number in range(1, 13)]
    answers = [client.get(f"/api/v1/samples/{name}") for name in names]
    assert {answer.headers["content-type"] for answer in answers} == {"image/jpeg"}
    strips = [cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED) for answer in answers]
    assert {strip.shape for strip in strips} == {(256, 1600)}
    assert len({answer.content for answer in answers}) == 12
    files = {"files": (names[1], answers[1].content)}
    (said,) = client.post("/api/v1/inspections", files=files, timeout=120).json()["inspections"]
    assert (said["name"], said["error"]) == (names[1], None)


def test_a_drawn_strip_is_the_same_each_time_and_that_of_its_seed(client: Any) -> None:
    first, again = (client.get("/api/v1/samples/made-up-02.jpg").content for _ in range(2))
    assert first == again
    drawn = draw_strip(41, 1, defective=0.6, strips_per_coil=1)
    seen = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.abs(seen.astype(int) - drawn.image).mean() < 4  # a JPEG of it, and of no other
    assert np.abs(seen.astype(int) - draw_strip(41, 2, defective=0.6, strips_per_coil=1).image).mean() > 20


@pytest.mark.parametrize("name", ["made-up-00.jpg", "made-up-13.jpg", "fresh01.jpg"])
def test_no_other_strip_is_drawn(client: Any, name: str) -> None:
    assert client.get(f"/api/v1/samples/{name}").status_code == 404


def test_the_strips_to_try_show_good_steel_and_every_class_but_the_rare_one() -> None:
    shown = [set(np.unique(draw_strip(41, i, defective=0.6, strips_per_coil=1).truth)) - {0} for i in range(12)]
    assert set().union(*shown) == {1, 3, 4}
    assert sum(not classes for classes in shown) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
def test_a_name_that_is_not_utf_8_is_offered_as_the_log_writes_it(
    inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    content = IMAGES[0].read_bytes()
    (folder / os.fsdecode(b"M\xfchle.jpg")).write_bytes(content)
    (folder / "a.jpg").write_bytes(content)
    monkeypatch.setattr(serving, "SAMPLES", folder)
    with served(inspector_folder, tmp_path / "data") as (_, client):
        names = client.get("/api/v1/inspector").json()["samples"]
        assert sorted(names) == [r"M\udcfchle.jpg", "a.jpg"]
        for name in names:
            assert client.get("/api/v1/samples/" + quote(name)).content == content
