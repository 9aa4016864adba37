"""Connections that ask for nothing are ended; those that do are not."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import LOOPS, served
from httpx import Client
from uvicorn.protocols.http.h11_impl import H11Protocol

from steelsight.station.http import connection

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module", params=LOOPS)
def client(
    inspector_folder: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Client]:
    with served(inspector_folder, tmp_path_factory.mktemp("station"), loop=request.param) as (_, made):
        yield made


@pytest.fixture
def connected(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=4) as made:
        yield made


@pytest.mark.parametrize("said", [b"", WHOLE[:20]])
def test_a_connection_without_a_request_is_ended(connected: Any, said: Any) -> None:
    connected.sendall(said)
    assert connected.recv(100) == b""


def test_half_a_head_after_an_answer_is_no_request_either(connected: Any) -> None:
    connected.sendall(WHOLE)
    assert _read_to(b"}", connected).startswith(b"HTTP/1.1 200")
    connected.sendall(WHOLE[:20])
    assert connected.recv(100) == b""


def test_a_request_whose_answer_takes_longer_is_answered(connected: Any) -> None:
    head = (
        b"POST /api/v1/inspections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
    )
    connected.sendall(head)
    for byte in b"abcd":
        time.sleep(0.2)
        connected.sendall(bytes([byte]))
    assert connected.recv(10_000).startswith(b"HTTP/1.1 415")


DENSE = (
    b"POST /api/v1/inspections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes are taken apart at a time."""
    found: list[int] = []
    own = H11Protocol.data_received

    def take(self: Any, data: bytes) -> None:
        found.append(len(data))
        own(self, data)

    monkeypatch.setattr(H11Protocol, "data_received", take)
    return found


def answer_of(client: Client, *parts: bytes) -> bytes:
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as made:
        for part in parts:
            made.sendall(part)
        answer = _read_to(b"}", made)
        made.sendall(WHOLE)  # it is still a connection
        return answer + _read_to(b"}", made)


def _read_to(end: bytes, made: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(end):
        more = made.recv(10_000)
        assert more, "it was ended in the middle of its answer"
        answer += more
    return answer


def test_what_comes_in_very_small_parts_lets_others_have_their_turn(client: Client, taken: list[int]) -> None:
    """Without that, a stranger's chunks of one byte, a megabyte a second, held up everybody for seconds."""
    body = b"1\r\nx\r\n" * 50_000
    answer = answer_of(client, DENSE, body, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 415")
    assert b'{"status":"alive"}' in answer
    assert sum(taken) == len(DENSE) + len(body) + 5 + len(WHOLE)
    assert max(taken) <= 2 * 1024


@pytest.mark.parametrize("part", [bytes(200_000), b"\r\n" * 100_000], ids=["zeros", "ends of lines"])
def test_what_comes_in_large_parts_is_taken_at_once(client: Client, taken: list[int], part: bytes) -> None:
    head = DENSE.replace(b"Transfer-Encoding: chunked", b"Content-Length: 2000000")
    assert answer_of(client, head, *[part] * 10).startswith(b"HTTP/1.1 415")
    assert sum(taken) == len(head) + 2_000_000 + len(WHOLE)
    assert max(taken) > 30_000


def test_what_follows_a_body_lets_others_have_their_turn(client: Client, taken: list[int]) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as made:
        made.sendall(DENSE.replace(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"\r\n")
        time.sleep(0.2)  # it is within the body now
        made.sendall(b"\r\n" + DENSE + b"1\r\nx\r\n" * 5_000 + b"0\r\n\r\n")
        came = b""
        while came.count(b"HTTP/1.1 415") < 2 or not came.endswith(b"}"):
            more = made.recv(10_000)
            assert more, came
            came += more
    assert max(taken) <= 2 * 1024
