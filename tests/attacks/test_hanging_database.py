"""A database that does not answer: uploads, /readyz and the stop end in seconds, and nothing that was answered is lost."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.postgres import BINARIES, running_server
from helpers.serving import IMAGES

from steelsight.core.errors import UserError
from steelsight.station.log.log import InspectionLog

SECONDS = 25.0
"""For each answer: two waits of the database, and a busy machine."""


@pytest.fixture
def server() -> Iterator[str]:
    if BINARIES is None:
        pytest.skip("no PostgreSQL server is installed here (initdb and postgres)")
    with running_server() as url:
        yield url
        signalled(url, signal.SIGCONT)


def signalled(url: str, number: signal.Signals) -> None:
    """Stop all processes of the server, or let them go on."""
    folder = url.rpartition("host=")[2]
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str((process / "cwd").readlink()).startswith(folder):
                    os.kill(int(process.name), number)
            except OSError:  # another's, or gone
                continue


def test_a_statement_that_is_not_answered_is_given_up(server: str) -> None:
    with InspectionLog.open(server) as log:
        assert log.reviews(1) == []
        signalled(server, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(UserError, match="the database refuses or is silent"):
            log.reviews(1)
        with pytest.raises(UserError, match="the database refuses or is silent"), log.writing():
            pass
        assert time.monotonic() - start < SECONDS
        signalled(server, signal.SIGCONT)
        assert log.reviews(1) == []


def test_a_hang_within_a_transaction_is_given_up(server: str) -> None:
    with InspectionLog.open(server) as log:
        start = time.monotonic()
        with pytest.raises(UserError, match=r"no answer for 2 s; see whether the server runs"):
            hang(log, server)
        assert time.monotonic() - start < SECONDS
        signalled(server, signal.SIGCONT)
        assert log.reviews(1) == []


def hang(log: InspectionLog, server: str) -> None:
    with log.writing(2.0) as connection:
        connection.exec_driver_sql("SELECT 1")
        signalled(server, signal.SIGSTOP)
        connection.exec_driver_sql("SELECT 1")


def test_a_station_answers_in_seconds_and_stops_and_says_what_was_not_written(
    server: str, inspector_folder: Any, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "steelsight.cli.main", "serve", str(inspector_folder), "--port", "0"]
    command += ["--data", str(tmp_path / "data"), "--threads", "1"]
    environment = {**os.environ, "STEELSIGHT_DATABASE": server}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            found = re.search(r"http://[\w.]+:\d+", process.stdout.readline())
            with httpx.Client(base_url=found[0], timeout=120) as client:
                assert client.get("/readyz").status_code == 200
                assert sent(client, "kept.jpg").status_code == 200
                signalled(server, signal.SIGSTOP)
                for ask in (lambda: sent(client, "lost.jpg"), lambda: client.get("/readyz")):
                    start = time.monotonic()
                    assert ask().status_code == 503
                    assert time.monotonic() - start < SECONDS
                assert client.get("/healthz").status_code == 200
            start = time.monotonic()
            process.terminate()
            said = process.stderr.read()
            assert process.wait(60) == 3
            assert time.monotonic() - start < SECONDS
        finally:
            process.kill()
    assert "1 image (lost.jpg) that the station took: not in the log" in " ".join(said.split())
    signalled(server, signal.SIGCONT)
    with InspectionLog.open(server) as log:
        assert log.get(1).result.name == "kept.jpg"


def sent(client: httpx.Client, name: str) -> httpx.Response:
    return client.post("/api/v1/inspections", files=[("files", (name, IMAGES[0].read_bytes()))])
