"""How much of answers is held: counted while they go out, refused when it is too much, and sent in pieces as they are taken.

A client that takes nothing holds its answer until `Connection` cuts it; all of them together hold no more than `MOST_SENT`.
Of what is sent in (images, reviews) the answers are counted apart, and it waits for room before it is taken: once it is in
the log, to refuse its answer would have it sent again. So who only looks keeps no image from being inspected.
"""

import asyncio
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelsight.core.memory import give_back
from steelsight.station.http.errors import fault

MOST_SENT = 256_000_000
"""Bytes of answers that are held while they are sent, and as many of those to what is sent in; when there are as many, a
further one waits, then gets 503."""
PIECE = 65_536
"""Bytes of an answer that are handed on at a time; a smaller answer does not count."""
_TURN = 16 * PIECE
_WAIT = 10.0  # seconds for which a picture waits for room before it is made, and a request before it is taken
_SENDING = "steelsight.sending"
_LARGE = 16_000_000  # bytes of requests and answers after which memory is given back
_IDLE = 2.0  # seconds that the station must have nothing to do before
_REFUSAL = "the station is sending as much as it can hold; ask again"
_LOOKING = frozenset({"GET", "HEAD"})  # may be refused when all is done: nothing has changed


class Sending:
    """Bytes of the answers that are on their way.

    Attributes:
        may_refuse: whether an answer that is ready may still be refused.
    """

    def __init__(self, may_refuse: bool) -> None:
        self.held, self.may_refuse = 0, may_refuse
        self._freed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """Whether a further large answer may begin."""
        return self.held < MOST_SENT

    async def room(self) -> None:
        """Wait until a further large answer may begin.

        Raises:
            HTTPException: 503, there was none in time.
        """
        try:
            async with asyncio.timeout(_WAIT):
                while not self.has_room:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            raise HTTPException(503, _REFUSAL, {"Retry-After": "10"}) from None

    def free(self, count: int) -> None:
        """Bytes are gone."""
        self.held -= count
        self._freed.set()


async def room(request: Request) -> None:
    """Wait until a further large answer to a request may begin, before it is made; see `Sending.room`."""
    await request.scope[_SENDING].room()


class AnswerLimit:
    """ASGI middleware: see the file.

    Args:
        is_idle: whether nothing is in work, so that memory may be given back.
    """

    def __init__(self, app: ASGIApp, is_idle: Callable[[], bool]) -> None:
        self._app = app
        self._looking, self._taking = Sending(True), Sending(False)
        self._memory = _Memory(lambda: is_idle() and not self._looking.held and not self._taking.held)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose answer goes out in pieces."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = self._looking if scope["method"] in _LOOKING else self._taking
        answer = _Answer(sending, send, scope, receive)
        came = 0
        if not sending.may_refuse:
            try:
                await sending.room()
            except HTTPException as error:
                await fault(error.status_code, error.detail, error.headers)(scope, receive, send)
                return

        async def receive_counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            return message

        try:
            scope[_SENDING] = sending
            await self._app(scope, receive_counted, answer.send)
        finally:
            self._memory.note(came + answer.bytes)


class _Answer:
    """One answer. Its head waits for the first of its body, which tells how large it is.

    Attributes:
        bytes: of it.
    """

    def __init__(self, sending: Sending, send: Send, scope: Scope, receive: Receive) -> None:
        self.bytes = 0
        self._sending, self._send, self._scope, self._receive = sending, send, scope, receive
        self._head: Message | None = None
        self._is_refused = False

    async def send(self, message: Message) -> None:
        """Pass on a part."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        body = message.get("body", b"")
        self.bytes += len(body)
        if self._is_refused:
            return
        if len(body) <= PIECE:
            await self._begin()
            await self._send(message)
        elif self._sending.may_refuse and not self._sending.has_room and self._head is not None:
            self._is_refused = True
            await fault(503, _REFUSAL, {"Retry-After": "10"})(self._scope, self._receive, self._send)
        else:
            await self._send_pieces(body, message.get("more_body", False))

    async def _begin(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            await self._send(head)

    async def _send_pieces(self, body: bytes, goes_on: bool) -> None:
        self._sending.held += len(body)
        try:
            await self._begin()
            view = memoryview(body)
            for at in range(0, len(body), PIECE):
                is_last = at + PIECE >= len(body)
                piece = bytes(view[at : at + PIECE])
                await self._send({"type": "http.response.body", "body": piece, "more_body": goes_on or not is_last})
                if (at + PIECE) % _TURN == 0:
                    await asyncio.sleep(0)  # a fast client's answer lets others have their turn, and hears of its end
        finally:
            self._sending.free(len(body))


class _Memory:
    """Gives freed memory back to the system when much was moved and nothing is in work: the allocator would keep it."""

    def __init__(self, is_idle: Callable[[], bool]) -> None:
        self._is_idle = is_idle
        self._moved = 0
        self._task: asyncio.Task[None] | None = None
        self._last = 0.0

    def note(self, count: int) -> None:
        """So many bytes were moved."""
        self._moved += count
        self._last = time.monotonic()
        if self._moved >= _LARGE and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self._give_back())

    async def _give_back(self) -> None:
        while not self._is_idle() or time.monotonic() - self._last < _IDLE:
            await asyncio.sleep(_IDLE)
        self._moved = 0
        await run_in_threadpool(give_back)
