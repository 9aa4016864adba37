"""A client that costs next to nothing: HTTP/1.1 over plain asyncio streams, bodies made beforehand."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

_BOUNDARY = b"----steelsight-bench"
_IDLE = 2.0  # seconds after which a connection is not used again: the server would close it after five
_numbers = count()
REFUSED = 0
"""In place of a status: the station has as many connections as it takes, and ended this one."""


@dataclass(frozen=True)
class Answer:
    """Status, seconds from the first byte sent to the last one received, and the body."""

    status: int
    seconds: float
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection, kept open between requests."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def post_image(self, name: str, content: bytes) -> Answer:
        """Send an image made unlike every other by some bytes after its end, so that each is stored."""
        body = b"".join(
            (
                b"--" + _BOUNDARY + b'\r\nContent-Disposition: form-data; name="files"; filename="',
                name.encode() + b'"\r\nContent-Type: image/jpeg\r\n\r\n',
                content + next(_numbers).to_bytes(8) + b"\r\n--" + _BOUNDARY + b"--\r\n",
            )
        )
        kind = b"Content-Type: multipart/form-data; boundary=" + _BOUNDARY
        return await self._ask(b"POST /api/v1/inspections", b"%b\r\nContent-Length: %d\r\n" % (kind, len(body)), body)

    async def get(self, path: str) -> Answer:
        return await self._ask(b"GET " + path.encode(), b"", b"")

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, line: bytes, headers: bytes, body: bytes) -> Answer:
        if time.perf_counter() - self._used > _IDLE:
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        reader, writer = self._streams
        started = time.perf_counter()
        writer.write(b"%b HTTP/1.1\r\nHost: %b:%d\r\n%b\r\n" % (line, self._host.encode(), self._port, headers) + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        found = dict(line.lower().split(b": ", 1) for line in head[1:] if b": " in line)
        answer = await reader.readexactly(int(found[b"content-length"]))
        if found.get(b"connection") == b"close":
            self.close()
        self._used = time.perf_counter()
        return Answer(int(head[0].split()[1]), time.perf_counter() - started, answer)


async def closed_loop(
    address: tuple[str, int], images: Sequence[tuple[str, bytes]], clients: int, limit: int
) -> list[Answer]:
    """So many clients, each of which sends its next image when it has the answer to the last; `limit` requests in all."""
    answers: list[Answer] = []
    places = iter(range(limit))

    async def client() -> None:
        connection = Connection(*address)
        answers.extend([await connection.post_image(*images[place % len(images)]) for place in places])
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers


async def open_loop(
    address: tuple[str, int], images: Sequence[tuple[str, bytes]], rate: float, limit: int
) -> list[Answer]:
    """`limit` requests, one every 1/`rate` seconds, whether the earlier ones are answered or not."""
    idle: list[Connection] = []

    async def ask(place: int) -> Answer:
        connection = idle.pop() if idle else Connection(*address)
        begun = time.perf_counter()
        try:
            answer = await connection.post_image(*images[place % len(images)])
        except (ConnectionError, asyncio.IncompleteReadError):
            connection.close()
            return Answer(REFUSED, time.perf_counter() - begun, b"")
        idle.append(connection)
        return answer

    started, asked = time.perf_counter(), []
    for place in range(limit):
        await asyncio.sleep(max(0.0, started + place / rate - time.perf_counter()))
        asked.append(asyncio.create_task(ask(place)))
    answers = await asyncio.gather(*asked)
    for connection in idle:
        connection.close()
    return list(answers)
