"""`steelsight serve` as a user types it: its first line, what it refuses, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from helpers.data import ROOT, SAMPLE, run_cli
from helpers.serving import make_judging_inspector

from steelsight.cli.serve import serve
from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.station.http import server
from steelsight.station.http.connection import HEAD_SECONDS
from steelsight.station.http.server import address_of, listen
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query

IMAGES = list_images(SAMPLE / "train_images")


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")


def start(*args: Any, **environment: Any) -> Any:
    """Start the verb; its address, and the process."""
    serving = subprocess.Popen(
        [sys.executable, "-m", "steelsight.cli.main", "serve", *map(str, args), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"} | environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    first = serving.stdout.readline()
    assert first.startswith("open: http://"), serving.communicate()[1]
    return first.removeprefix("open: ").strip(), serving


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_when_it_is_stopped_it_finishes_what_it_accepted(
    inspector: Any, tmp_path: Path, sent: Any, status: Any
) -> None:
    url, serving = start(inspector, "--data", tmp_path, "--threads", "1")
    answers = []

    def ask(path: Any) -> None:
        files = [("files", (path.name, path.read_bytes()))] * 3
        answers.append(client.post("/api/v1/inspections", files=files))

    client = httpx.Client(base_url=url, timeout=60)
    assert client.get("/readyz").status_code == 200  # whoever asks early waits
    threads = [threading.Thread(target=ask, args=(path,)) for path in IMAGES[:6]]
    for thread in threads:
        thread.start()
    while 'method="POST"' not in client.get("/metrics").text:
        time.sleep(0.01)
    serving.send_signal(sent)
    for thread in threads:
        thread.join()
    _, errors = serving.communicate(timeout=60)
    assert serving.returncode == status, errors
    assert "Traceback" not in errors
    assert "every accepted image is in the log" in errors
    assert "--resume" not in errors  # which other verbs have
    logged = [answer for answer in answers if answer.status_code == 200]
    assert len(logged) + sum(answer.status_code == 503 for answer in answers) == 6
    with InspectionLog.open(f"sqlite:///{tmp_path / 'log.sqlite'}") as log:
        ids = {one.id for one in log.find(Query(limit=1000)).inspections}
    assert ids == {one["id"] for answer in logged for one in answer.json()["inspections"]}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "--host 0.0.0.0: a station that others can reach needs a token"),
        ({"host": "no such host"}, "`host=no such host`: no name or address that is known here"),
        ({"host": "192.0.2.1", "token_file": "good"}, "`host=192.0.2.1`: cannot be listened on"),
        ({"token_file": "short"}, "short: a token has at least 16 letters"),
        ({"token_file": "open"}, "open: every account of this machine may read it (mode 644)"),
        ({"token_file": "absent"}, "absent: cannot be read"),
        ({"token_file": "binary"}, "binary: cannot be read"),
        ({"samples": Path("samples")}, "--samples samples: no image there"),
        ({"name": "x" * 101}, "--name"),
        ({"keep_gb": 0.0}, "--keep-gb: 0.0 is refused"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    inspector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, words: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEELSIGHT_TOKEN", raising=False)
    Path("good").write_text("0123456789abcdef0123456789abcdef\n")
    Path("short").write_text("secret")
    Path("binary").write_bytes(b"\xff" * 40)
    Path("open").write_text("0123456789abcdef0123456789abcdef\n")
    for name, mode in (("good", 0o600), ("short", 0o640), ("binary", 0o600), ("open", 0o644)):
        Path(name).chmod(mode)
    if "token_file" in options:
        options = {**options, "token_file": Path(options["token_file"])}
    with pytest.raises(UserError) as raised:
        serve(inspector, **{"port": 0, **options})
    assert words in str(raised.value)
    assert not Path("station").exists()


def test_a_port_in_use_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_cli("serve", tmp_path / "no inspector", "--port", str(port))
    assert done.returncode == 2
    assert f"--port {port}: in use on 127.0.0.1 already" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_address_is_one_that_a_browser_can_open() -> None:
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", socket.gethostname())):
        try:
            bound = listen(host, 0)
        except UserError:
            assert host == "::1"  # a machine without IPv6
            continue
        with bound:
            assert address_of(bound) == f"http://{shown}:{bound.getsockname()[1]}/"


def test_an_idle_connection_lasts_as_long_as_the_documents_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uvicorn's own 5 s would close it under a program that asks each 5 s."""
    ran: list[Any] = []
    monkeypatch.setattr(server._Server, "run", lambda self, sockets: ran.append(self.config))
    with listen("127.0.0.1", 0) as bound:
        server.serve(FastAPI(), bound)
    assert ran[0].timeout_keep_alive == HEAD_SECONDS == 30


@pytest.mark.skipif(
    not Path("/proc/self/maps").is_file(), reason="looks at what a process has loaded, as Linux shows it"
)
@pytest.mark.parametrize("is_there", [True, False])
def test_it_runs_on_uvloop_where_that_is_installed(inspector: Any, tmp_path: Path, is_there: bool) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    if not is_there:
        (hidden / "uvloop.py").write_text("raise ImportError('not for this system')\n")
    path = os.pathsep.join([str(hidden), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    url, serving = start(inspector, "--data", tmp_path / "data", "--threads", "1", PYTHONPATH=path)
    try:
        files = [("files", (IMAGES[0].name, IMAGES[0].read_bytes()))]
        assert httpx.post(f"{url}api/v1/inspections", files=files, timeout=60).status_code == 200
        loaded = Path(f"/proc/{serving.pid}/maps").read_text()
    finally:
        serving.send_signal(signal.SIGTERM)
        errors = serving.communicate(timeout=60)[1]
    assert ("/uvloop/" in loaded) == (is_there and find_spec("uvloop") is not None)
    assert serving.returncode == 0, errors
