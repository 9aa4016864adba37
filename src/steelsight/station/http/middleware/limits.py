"""How much of a request is read: counted while it streams, refused beyond the limit, and the rest drained."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE = 30.0
"""Seconds that a body may take, whatever its size."""
SLOWEST = 50_000
"""Bytes per second that a body comes with at least, beyond `PATIENCE`: a slower sender holds a place for nothing."""

_DRAINED_SECONDS = 10.0
_OTHER_BODIES = 64_000_000  # of a review of the largest image, with masks that are hardly connected


class BodyLimit:
    """ASGI middleware: a body beyond its limit gets 413, one that does not come 408; what a refused request still sends is
    read and thrown away, since most programs read no answer before they have sent all.

    Args:
        limit_of: greatest body in bytes for a path.
    """

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], int]) -> None:
        self._app, self._limit_of = app, limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose body is counted as it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, Headers(scope=scope), self._limit_of(scope["path"]))

        async def send_drained(message: Message) -> None:
            if message["type"] == "http.response.start" and not await body.drain():
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, body.receive, send_drained)


class _Body:
    """A request's body as it comes in."""

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        length = headers.get("content-length", "0")
        self._receive, self._limit, self._read = receive, limit, 0
        self._declared = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
        self._whole = self._declared == 0 and "transfer-encoding" not in headers
        # a proxy may have read it by the other of the two, and what follows is then no request of its client's
        self._is_doubtful = {"content-length", "transfer-encoding"} <= {*headers.keys()}
        # such a client sends nothing before it is asked to, which the first reading does
        self._unasked = headers.get("expect", "").lower() == "100-continue"
        self._late = False
        self._start = time.monotonic()

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            HTTPException: 413 beyond the limit, 408 where it takes too long.
        """
        if self._declared > self._limit:
            raise self._too_large()
        left = self._start + PATIENCE + self._read / SLOWEST - time.monotonic()
        try:
            message = await self._next(left) if not self._whole else await self._receive()
        except TimeoutError:
            self._late = True
            raise HTTPException(408, "the request's body came too slowly; send it again") from None
        if self._read > self._limit:
            raise self._too_large()
        return message

    async def drain(self) -> bool:
        """Read and throw away what is left; False where it does not come soon or states its length in two ways, so that the
        connection must end."""
        if self._is_doubtful:
            return False
        if self._whole:
            return True
        if self._unasked or self._late:
            return False
        last = time.monotonic() + _DRAINED_SECONDS
        try:
            while not self._whole:
                await self._next(last - time.monotonic())
        except TimeoutError:
            return False
        return True

    async def _next(self, seconds: float) -> Message:
        self._unasked = False
        message = await _within(seconds, self._receive())
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the request is larger than {self._limit} bytes, the most that this station takes")


async def _within(seconds: float, what: Awaitable[Message]) -> Message:
    async with asyncio.timeout(max(0.0, seconds)):
        return await what


def body_limits(uploads: str, max_bytes: int, max_files: int) -> Callable[[str], int]:
    """Greatest body for a path: of the path of uploads, as many files as may be sent and what stands around them."""
    largest = max_files * (max_bytes + 10_000) + 10_000
    return lambda path: largest if path == uploads else _OTHER_BODIES
