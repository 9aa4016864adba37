"""A connection that is ended when its client does nothing: asks for nothing, sends half a head, or does not take its answer.

Uvicorn's own waits without end in each case. What comes in very small parts is taken apart a little at a time, so that others
have their turn. It is a private class of uvicorn's; the tests beside this file pin what is used.
"""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 30.0
"""Seconds in which a request's head must come, from the connection's beginning or the answer before."""
TAKE_SECONDS = 30.0
"""Seconds that a client may take for an answer, whatever its size; the time in which it is made does not count."""
SLOWEST = 50_000
"""Bytes per second at which an answer is taken at least, beyond `TAKE_SECONDS`."""
MOST_CONNECTIONS = 500
"""At a time; one more takes the place of the one that has been idle longest, or is refused when none is."""

_FEW_LINES, _TURN = 256, 1024
"""Ends of lines up to which what came is taken apart at once, and bytes at a time where there are more: a chunk of one byte
takes as long as one of many, and 250 kB of such chunks would hold up everybody for a quarter of a second."""

_SYSTEM_BUFFER = 1 << 18  # bytes of an answer that the system holds besides; it would hold some megabytes
_OWN_BUFFER = 1 << 16, 1 << 14  # at which writing pauses and goes on: asyncio's; uvloop's goes on when nothing is left
_SAID = b'{"detail":"the station has as many connections as it takes; ask again"}'
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 10\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_SAID), _SAID)
)


class Connection(H11Protocol):
    """Uvicorn's, with limits; those of bodies that come in are `BodyLimit`'s."""

    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _is_refused = False
    _left = b""  # of what came
    _paused_at = _idle_since = _waited = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first head, if there is a place."""
        known = transport.get_extra_info("socket")
        if known is not None:
            known.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER)
        transport.set_write_buffer_limits(*_OWN_BUFFER)
        self._counted = _Counted(transport)
        super().connection_made(self._counted)  # type: ignore[arg-type]
        self._await_head()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Hear a client that has a place."""
        if self._is_refused:
            return
        if self._left:
            self._left += data
        elif len(data) > self._body_left and data.count(b"\r\n") > _FEW_LINES:
            self._left = data
            self._hear_some()
        else:
            super().data_received(data)

    def _hear_some(self) -> None:
        """Take a part of what came, and the next one when others had their turn; nothing further comes in meanwhile."""
        if self.transport.is_closing():
            return
        some, self._left = self._left[:_TURN], self._left[_TURN:]
        self._counted.hold(bool(self._left))
        try:
            super().data_received(some)
        except BaseException:  # as asyncio does where it calls
            self.transport.abort()
            raise
        if self._left:
            self.loop.call_soon(self._hear_some)
        elif not self.flow.read_paused:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The client is to take what was sent; until then nothing is added."""
        super().pause_writing()
        self._paused_at = self.loop.time()
        left = TAKE_SECONDS + self._counted.written / SLOWEST - self._waited
        self._stuck = self.loop.call_later(max(0.0, left), self.transport.abort)

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        self._stop(self._stuck)
        self._waited += self.loop.time() - self._paused_at

    def on_response_complete(self) -> None:
        """Await the next head."""
        super().on_response_complete()
        self._waited, self._counted.written = 0.0, 0
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing."""
        self._stop(self._late)
        self._stop(self._stuck)
        super().connection_lost(exc)

    @property
    def _body_left(self) -> int:
        """Bytes to come of a body that states its length: they are one part, whatever they are. h11 keeps that to itself;
        where it does not tell, all is looked through."""
        left = getattr(self.conn._reader, "_remaining", 0)
        return left if isinstance(left, int) else 0

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._idle_since = self.loop.time()
        self._stop(self._late)
        self._late = self.loop.call_later(HEAD_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._is_idle:
            self._end()

    def _end(self) -> None:
        """What the client did not take in all that time, it will not take: `close` alone would wait for that."""
        if self.transport.get_write_buffer_size() or self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    def _make_room(self) -> None:
        there = (one for one in self.connections if isinstance(one, Connection) and one is not self)
        others = [one for one in there if one._is_idle and not one.transport.is_closing()]
        if others:
            min(others, key=lambda one: one._idle_since)._end()
        else:
            self._is_refused = True
            self.transport.write(_BUSY)
            self.transport.close()

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


class _Counted:
    """A transport that counts what it is given, and lets it go where the client is gone; what comes in can be held up."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.written = 0
        self._transport = transport
        self._is_held = False

    def hold(self, is_held: bool) -> None:
        """Hold back what comes in, or stop holding it back."""
        self._is_held = is_held
        if is_held:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._is_held:
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
