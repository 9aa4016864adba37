"""A real station behind a real port, for as long as a test needs it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
import uvicorn
from helpers.data import SAMPLE
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, make_inspector
from httpx import Client

from steelsight.imaging.read import list_images
from steelsight.station.http.app import LOOPBACK, create_app
from steelsight.station.http.connection import Connection
from steelsight.station.http.server import listen
from steelsight.station.settings import StationSettings
from steelsight.station.station import Station

IMAGES = list_images(SAMPLE / "train_images")
SAMPLES = SAMPLE / "test_images"
LOOPS = ["asyncio", pytest.param("uvloop", marks=pytest.mark.skipif(not find_spec("uvloop"), reason="not for Windows"))]
"""The event loops that a station runs on, for fixtures of what must hold on each."""


def make_judging_inspector(folder: Any) -> Any:
    """A small inspector with a policy: of the sample, some images pass, some go to review, some are rejected."""
    rule = RULE.model_copy(update={"gate": 0.05})
    return make_inspector(folder, rule=rule, policy=make_policy(0.2, 0.95))


@contextmanager
def served(
    inspector: Any, data: Any, access: Any = LOOPBACK, trust: Any = (), loop: Any = "auto", **settings: Any
) -> Iterator[Any]:
    """A station at work, and a client that speaks to it over a socket."""
    given = StationSettings(data=data, name="line 2", **settings)
    with Station.open(inspector, given, threads=1, trust=trust) as station, listen("127.0.0.1", 0) as bound:
        app = create_app(station, access, SAMPLES)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", http=Connection, loop=loop))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=120) as client:
                yield station, client
        finally:
            server.should_exit = True
            thread.join()


def send(client: Client, *paths: Any, door: str = "http", **more: Any) -> Any:
    """Send images as a program does."""
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    return client.post("/api/v1/inspections", params={"door": door}, files=files, **more)


def wait_until(true: Any, seconds: float = 60.0) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
