"""`steelsight demo`: a page with results, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from helpers.data import ROOT, run_cli


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that it prints, and the process; its temporary folders lie in `tmp_path`."""
    (tmp_path / "temporary").mkdir()
    environment = {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(
        [sys.executable, "-m", "steelsight.cli.main", "demo", "--no-open", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | environment | {"TMPDIR": str(tmp_path / "temporary")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout is not None
    try:
        yield running.stdout.readline().removeprefix("open: ").strip(), running
    finally:
        running.kill()
        running.communicate()


def test_its_address_shows_results_and_it_leaves_nothing(
    demo: tuple[str, subprocess.Popen[str]], tmp_path: Path
) -> None:
    address, running = demo
    assert address.endswith("/#inspect/try")
    with httpx.Client(base_url=address.split("#")[0], timeout=60) as client:
        name = client.get("/api/v1/inspector").json()["samples"][0]
        strip = client.get(f"/api/v1/samples/{name}").content
        (answer,) = client.post("/api/v1/inspections", files={"files": (name, strip)}).json()["inspections"]
        assert answer["verdict"] in ("pass", "review", "reject")
        assert [path.name[:15] for path in (tmp_path / "temporary").iterdir()] == ["steelsight-demo"]
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "stopped" in said
    assert list((tmp_path / "temporary").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]


def test_serve_takes_one_inspector_or_the_ready_one(tmp_path: Path) -> None:
    for words, sentence in (
        (["serve"], "which inspector? name the folder"),
        (["serve", tmp_path, "--demo"], "leave one of the two out"),
    ):
        done = run_cli(*words)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
