"""Clients that ask and take nothing, in numbers: cut, counted and refused, so that they hold neither memory nor disk."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.serving import LOOPS, served, wait_until
from httpx import Client

from steelsight.station.http import connection
from steelsight.station.http.middleware import answers

SIDE = 3600  # of noise, which no compression makes smaller: more than the system's own buffers hold
CUT = b"HTTP/1.1 503"


@pytest.fixture(scope="module", params=LOOPS)
def station(
    inspector_folder: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """A station with one large image, and its client."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()
    with served(inspector_folder, tmp_path_factory.mktemp("station"), loop=request.param) as (opened, client):
        assert client.post("/api/v1/inspections", files=[("files", ("a.png", content))]).status_code == 200
        yield opened, client


@pytest.fixture
def client(station: Any) -> Any:
    return station[1]


@pytest.fixture
def ask(client: Client) -> Iterator[Any]:
    """Gives a connection that has asked for something and takes nothing of the answer."""
    with ExitStack() as stack:

        def connect(path: str | None, buffer: int = 4096) -> socket.socket:
            made = stack.enter_context(socket.socket())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            made.settimeout(20)
            made.connect((client.base_url.host, client.base_url.port))
            if path is not None:
                made.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return made

        yield connect


def taken(made: socket.socket) -> bytes:
    """All that comes before the connection ends."""
    came = bytearray()
    try:
        while part := made.recv(1 << 20):
            came += part
    except ConnectionResetError:
        pass
    return bytes(came)


IMAGE = "/api/v1/inspections/1/image"


def test_who_takes_nothing_is_cut(client: Client, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKE_SECONDS", 0.5)
    monkeypatch.setattr(connection, "SLOWEST", 5_000_000)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 3.0)  # ends who has taken all
    slow = ask(IMAGE)
    time.sleep(2)
    assert 0 < len(taken(slow)) < SIDE * SIDE
    assert len(client.get(IMAGE).content) > SIDE * SIDE


def test_who_takes_slowly_but_steadily_gets_all(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKE_SECONDS", 1.0)
    slow, came, start = ask(IMAGE, 1 << 17), 0, time.monotonic()
    while came < SIDE * SIDE:
        part = slow.recv(1 << 16)
        assert part, f"cut after {came} bytes"
        came += len(part)
        time.sleep(0.02)
    assert time.monotonic() - start > 1.5


def test_what_is_sent_at_once_is_bounded(client: Client, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_SENT", 2 * SIDE * SIDE)
    monkeypatch.setattr(answers, "_WAIT", 0.5)
    slow = [ask(IMAGE) for _ in range(2)]
    for one in slow:
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    refused = client.get(IMAGE)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert "the station is sending as much as it can hold" in refused.json()["detail"]
    assert client.get("/api/v1/inspections").status_code == 200
    for one in slow:
        one.close()
    wait_until(lambda: client.get(IMAGE).status_code == 200)


def send_small(client: Client) -> Any:
    pixels = np.zeros((64, 64), np.uint8)
    return client.post("/api/v1/inspections", files=[("files", ("b.png", cv2.imencode(".png", pixels)[1].tobytes()))])


def test_what_is_in_the_log_is_not_refused(client: Client, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_SENT", 2 * SIDE * SIDE)
    slow = [ask(IMAGE) for _ in range(2)]
    for one in slow:
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    monkeypatch.setattr(answers, "PIECE", 64)  # above it an answer counts as large
    answer = send_small(client)
    assert answer.status_code == 200
    id = answer.json()["inspections"][0]["id"]
    review = {"after_version": 0, "agrees": True, "word": "pass", "reviewer": "Anna", "comment": ""}
    assert client.post(f"/api/v1/inspections/{id}/reviews", json=review).status_code == 200


def test_without_room_for_its_answer_nothing_is_taken(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = "/api/v1/inspections?limit=1"
    before = client.get(latest).json()["inspections"][0]["id"]
    monkeypatch.setattr(answers, "MOST_SENT", 0)
    monkeypatch.setattr(answers, "_WAIT", 0.1)
    refused = send_small(client)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert "the station is sending as much as it can hold" in refused.json()["detail"]
    assert client.get(latest).json()["inspections"][0]["id"] == before


def test_one_connection_too_many_takes_the_place_of_an_idle_one(
    client: Client, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/healthz")
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 8)
    idle = [ask(None) for _ in range(40)]
    assert taken(idle[0]) == b""
    assert ask("/healthz").recv(100).startswith(b"HTTP/1.1 200")


def test_where_none_is_idle_it_is_refused(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [ask(IMAGE) for _ in range(3)]
    for one in busy:
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 3)
    assert any(taken(ask(None)).startswith(CUT) for _ in range(2))  # an idle one of another test may go first


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at a process's open files, as Linux shows them")
def test_a_download_lies_nowhere_on_the_disk(station: Any, client: Client, ask: Any) -> None:
    review = {"after_version": 0, "agrees": True, "word": "pass", "reviewer": "", "comment": ""}
    assert client.post("/api/v1/inspections/1/reviews", json=review).status_code == 200
    slow = [ask("/api/v1/corrections.zip") for _ in range(3)]
    for one in slow:
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    data = str(station[0].settings.data)
    opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [name for name in opened if name.startswith(data) and name.endswith("(deleted)")]
    for one in slow:
        one.close()


def test_so_many_downloads_go_on_at_a_time(client: Client, ask: Any) -> None:
    slow: list[socket.socket] = []

    def begins() -> bool:  # those of another test may take a moment to end
        slow.append(ask("/api/v1/corrections.zip"))
        return slow[-1].recv(100).startswith(b"HTTP/1.1 200")

    for _ in range(8):
        wait_until(begins)
    refused = client.get("/api/v1/corrections.zip")
    assert (refused.status_code, refused.json()["detail"]) == (503, "8 files are being taken already; ask again")
    for one in slow:
        one.close()
    wait_until(lambda: client.get("/api/v1/log.csv").status_code == 200)


ASKED = ["/api/v1/corrections.zip", "/api/v1/inspections/1/overlay.png", "/api/v1/log.csv", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", ASKED)
def test_a_page_of_another_site_starts_no_work(client: Client, path: str) -> None:
    for site in ("cross-site", "same-site"):
        assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link to the page
