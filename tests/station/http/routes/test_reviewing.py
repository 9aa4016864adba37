"""Reviews over HTTP, and the dataset that they make."""

import asyncio
import io
import json
import zipfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.serving import IMAGES, send, served
from httpx import Client
from starlette.exceptions import HTTPException
from starlette.requests import Request

from steelsight.dataset.read import read_dataset
from steelsight.station.http.reviews import read_review

JSON = {"Content-Type": "application/json"}
SAID = {"after_version": 0, "agrees": True, "word": "pass", "reviewer": "Ada", "comment": "scale, no defect"}


def test_agree_correct_and_nobody_overwrites_anybody(inspector_folder: Path, tmp_path: Path) -> None:
    with served(inspector_folder, tmp_path / "data") as (_, client):
        assert client.get("/api/v1/corrections.zip").status_code == 404
        number = send(client, IMAGES[0], IMAGES[1]).json()["inspections"][0]["id"]
        url = f"/api/v1/inspections/{number}"
        said = client.post(f"{url}/reviews", json=SAID)
        assert said.status_code == 200, said.text
        assert (said.json()["version"], said.json()["reviewer"]) == (1, "Ada")
        assert said.json()["runs"] == client.get(url).json()["runs"]
        drawn = {**SAID, "agrees": False, "word": "reject", "runs": {"dark": "300 20 556 20"}}
        outdated = client.post(f"{url}/reviews", json=drawn)
        assert outdated.status_code == 409
        assert "version 1" in outdated.json()["detail"]
        again = client.post(f"{url}/reviews", json={**drawn, "after_version": 1})
        assert again.json()["runs"] == {"bright": "", "dark": "300 20 556 20"}
        assert [one["version"] for one in client.get(f"{url}/reviews").json()["reviews"]] == [1, 2]
        assert client.get(url).json()["review"]["version"] == 2
        mask = client.get(f"{url}/mask.png", params={"review": 2}).content
        assert (cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_UNCHANGED) == 2).sum() == 40
        assert client.get("/api/v1/inspections?reviewed=true").json()["inspections"][0]["id"] == number
        assert client.get("/api/v1/statistics").json()["reviewed"] == 1
        counted = client.get("/api/v1/corrections").json()
        assert (counted["images"], counted["defective"], counted["classes"]) == (1, 1, {"bright": 0, "dark": 1})
        archive = zipfile.ZipFile(io.BytesIO(client.get("/api/v1/corrections.zip").content))
        archive.extractall(tmp_path / "corrections")
    dataset = read_dataset(tmp_path / "corrections")
    assert [sample.image_id for sample in dataset.samples]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"runs": {"dark": "1 1"}}, "runs"),
        ({"agrees": False}, "runs"),
        ({"agrees": False, "runs": {"rust": "1 1"}}, "rust"),
        ({"agrees": False, "runs": {"dark": "1"}}, "dark"),
        ({"agrees": False, "runs": {"dark": "409600 2"}}, "beyond"),
        ({"agrees": False, "runs": {"dark": "5 5 3 1"}}, "overlap"),
        ({"agrees": False, "runs": {"dark": "\ud800"}}, "JSON"),
        ({"word": "review"}, "word"),
        ({"after_version": -1}, "after_version"),
        ({"after_version": 2**63}, "after_version"),
        ({"after_version": 1e400}, "after_version"),
        ({"reviewer": "a\x00"}, "reviewer"),
        ({"reviewer": "\ud800"}, "JSON"),
        ({"comment": "x" * 10_001}, "comment"),
        ({"more": 1}, "more"),
    ],
)
def test_what_fits_no_image_is_refused_with_a_sentence(client: Client, changes: Any, word: Any) -> None:
    content = json.dumps({**SAID, **changes})  # halves of characters escaped, Infinity as Python writes it
    answer = client.post("/api/v1/inspections/1/reviews", content=content, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]
    assert client.get("/api/v1/inspections/1/reviews").json()["reviews"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b'"a"', b"NaN"])
def test_a_body_that_is_no_review_is_refused(client: Client, content: Any) -> None:
    answer = client.post("/api/v1/inspections/1/reviews", content=content, headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()) == {"detail"}


def test_a_body_that_is_not_sent_as_json_is_refused(client: Client) -> None:
    answer = client.post(
        "/api/v1/inspections/1/reviews", content=json.dumps(SAID), headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


def test_a_body_of_very_many_parts_is_refused_before_it_is_taken_apart(client: Client) -> None:
    runs = ",".join(f'"{number}":1' for number in range(25_000))
    answer = client.post("/api/v1/inspections/1/reviews", content=f'{{"runs":{{{runs}}}}}', headers=JSON)
    assert (answer.status_code, answer.json()) == (
        422,
        {"detail": "the body has more than 20000 parts, and is no review"},
    )
    commas = {**SAID, "comment": 10_000 * ",", "after_version": 7}
    assert client.post("/api/v1/inspections/1/reviews", json=commas).status_code == 409


def test_of_large_reviews_only_some_are_read_at_a_time() -> Any:
    places = asyncio.Semaphore(1)

    async def read(size: Any, ended: Any, stack: Any) -> Any:
        """Of a body of `size` bytes, the last of which comes when `ended` is set."""
        parts = [
            {"type": "http.request", "body": bytes(size - 1), "more_body": True},
            {"type": "http.request", "body": b"x"},
        ]

        async def receive() -> Any:
            if len(parts) == 1:
                await ended.wait()
            return parts.pop(0)

        kind = (b"content-type", b"application/json")
        return len(await read_review(Request({"type": "http", "headers": [kind]}, receive), places, stack))

    async def try_all() -> None:
        ended = asyncio.Event()
        async with AsyncExitStack() as first, AsyncExitStack() as others:
            slow = asyncio.create_task(read(1_500_000, ended, first))
            await asyncio.sleep(0)
            ready = asyncio.Event()
            ready.set()
            with pytest.raises(HTTPException) as refused:
                await read(1_500_000, ready, others)
            assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "5"})
            assert await read(1_000_000, ready, others) == 1_000_000
            ended.set()
            assert await slow == 1_500_000
        async with AsyncExitStack() as others:
            assert await read(1_500_000, ready, others) == 1_500_000

    asyncio.run(try_all())


def test_there_is_no_review_of_nothing(client: Client) -> None:
    assert client.post("/api/v1/inspections/99999/reviews", json=SAID).status_code == 404
