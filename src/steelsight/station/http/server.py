"""The server: bound before anything slow, stopped without losing what it accepted."""

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from steelsight.core.errors import UserError
from steelsight.core.memory import collect_seldom
from steelsight.station.http.connection import HEAD_SECONDS, Connection

LAST_ANSWERS = 60
"""Seconds that a stop waits for clients that still send or take an answer."""
LAST_WRITES = 20.0
"""Seconds that it then waits for images that were accepted and are not in the log."""


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Family and numeric address of a host of this machine.

    Raises:
        UserError: there is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"`host={host}`: no name or address that is known here; use 127.0.0.1, or 0.0.0.0 for all"
        ) from error
    family, _, _, _, address = found[0]
    return family, str(address[0])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, so that every client that connects from now on is answered as soon as the station is ready.

    Args:
        port: 0 for any that is free.

    Raises:
        UserError: the address is none of this machine's, or the port is taken or not allowed.
    """
    family, address = resolve(host, port)
    # asyncio switches Nagle's algorithm off where the protocol is named: it would hold a small answer back for 40 ms
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        match error.errno:
            case errno.EADDRINUSE:
                said = f"`port={port}`: in use on {address} already; choose another, or 0 for any that is free"
            case errno.EACCES:
                said = f"`port={port}`: may not be used here; choose one from 1024 on"
            case _:
                said = f"`host={host}`: cannot be listened on ({error.strerror}); use 127.0.0.1, or 0.0.0.0 for all"
        raise UserError(said) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """What to open in a browser of this machine, or, where the socket listens beyond, of others too."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(app: ASGIApp, bound: socket.socket) -> int:
    """Answer until a signal comes, and finish what was accepted.

    Returns:
        The signal's number; after a second Ctrl-C, or `LAST_ANSWERS`, connections are cut.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=LAST_ANSWERS, timeout_keep_alive=int(HEAD_SECONDS), http=Connection,
        loop="auto",  # uvloop where it is installed, which it is not on Windows
    )  # fmt: skip
    server = _Server(config)
    collect_seldom()
    server.run(sockets=[bound])
    return server.signal


class _Server(uvicorn.Server):
    """Uvicorn's, which would raise the signal again when it has stopped: SIGTERM would then end the station at once."""

    signal = 0

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Note the signals that ask for an end."""
        former = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit, self.signal = True, number
