"""Requests that a proxy and the station could cut at different places: a stranger's bytes must not pass for another's."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import served
from httpx import Client

NEXT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def client(inspector_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with served(inspector_folder, tmp_path_factory.mktemp("station")) as (_, client):
        yield client


ENDED = {
    "both lengths": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405),
    "two lengths": (b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400),
    "a length with a sign": (b"Content-Length: +4\r\n\r\nabcd", 400),
    "a coding that is not known": (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "two codings": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    "a chunk that does not end": (b"Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n", 400),
    "a name with a space": (b"Content-Length : 4\r\n\r\nabcd", 400),
}


@pytest.mark.parametrize("what", ENDED)
def test_no_second_request_is_heard_behind_a_doubtful_one(client: Client, what: str) -> None:
    rest, status = ENDED[what]
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=15) as made:
        made.sendall(HEAD + rest + NEXT)
        answer = b""
        while part := made.recv(10_000):
            answer += part
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [str(status).encode()]
