"""`steelsight demo`: a page with results, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from helpers.data import ROOT, run_cli


@contextmanager
def started(folder: Path, command: list[str], **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that a verb prints, and the process; its temporary folders lie in `folder`."""
    (folder / "temporary").mkdir()
    environment = {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | environment | {"TMPDIR": str(folder / "temporary")} | more,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout is not None
    try:
        yield running.stdout.readline().removeprefix("open: ").strip(), running
    finally:
        running.kill()
        running.communicate()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "steelsight.cli.main", "demo", "--no-open", "--port", "0"]
    with started(tmp_path, command) as both:
        yield both


def inspect_a_strip(address: str) -> None:
    with httpx.Client(base_url=address.split("#")[0], timeout=60) as client:
        name = client.get("/api/v1/inspector").json()["samples"][0]
        strip = client.get(f"/api/v1/samples/{name}").content
        assert client.post("/api/v1/inspections", files={"files": (name, strip)}).status_code == 200


def test_its_strips_come_into_no_log_that_a_variable_names(tmp_path: Path) -> None:
    """As docs/station.md has it exported for the mill's own stations."""
    mill = tmp_path / "mill.sqlite"
    command = [sys.executable, "-m", "steelsight.cli.main", "serve", "--demo", "--port", "0"]
    with started(tmp_path, command, STEELSIGHT_DATABASE=f"sqlite:///{mill}") as (address, running):
        inspect_a_strip(address)
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)[1]
    assert "STEELSIGHT_DATABASE is not used" in said
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_images_of_a_log_that_lasts_last_as_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    command = [sys.executable, "-m", "steelsight.cli.main", "serve", "--demo", "--port", "0", "--database", url]
    with started(tmp_path, command) as (address, running):
        inspect_a_strip(address)
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)[1]
    assert "inspections are stored in station" in said
    assert len(list((tmp_path / "station" / "images").rglob("*.*"))) == 1


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
