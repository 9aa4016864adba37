"""Connections that ask for nothing are ended; those that do are not."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Client

from steelsight.station.http import connection

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


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
    answer = b""
    while not answer.endswith(b"}"):  # head and body may come apart
        more = connected.recv(10_000)
        assert more, "it was ended in the middle of its answer"
        answer += more
    assert answer.startswith(b"HTTP/1.1 200")
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
