"""`decide` on Ray's own cluster of several nodes: the bytes of one machine, also where a node is killed."""

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run
from helpers.ray_cluster import Nodes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RUN whose jobs are done."""
    run = tmp_path_factory.mktemp("made") / "run"
    make_run(run, {"c-a": 0.1, "s-a": 0.2, "s-b": 0.4, "s-c": 0.5}, every=1)
    return run


@pytest.fixture(scope="module")
def one_machine(undecided: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What one machine makes of it."""
    run = Path(shutil.copytree(undecided, tmp_path_factory.mktemp("one") / "run"))
    done = run_cli("decide", run, timeout=600)
    assert done.returncode == 0, done.stderr
    return made(run)


def made(run: Path) -> Mapping[str, bytes]:
    paths = [*run.glob("evidence/histograms/*"), run / "decision.json"]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("killed", [False, True])
def test_nodes_count_what_one_machine_counts(
    killed: bool, undecided: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(undecided, tmp_path / "run"))

    def kill() -> None:
        while not list(run.glob("evidence/histograms/*.npz")):
            time.sleep(0.01)
        nodes.kill()

    if killed:
        threading.Thread(target=kill, daemon=True).start()
    done = run_cli("decide", run, "--cluster", nodes.address, "--retries", "5", timeout=600)
    if killed:
        nodes.add()
    assert done.returncode == 0, done.stderr
    assert len(one_machine) > 3
    assert made(run) == one_machine


def test_an_inspector_needs_no_cluster(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "inspector.json").write_text("{}")
    refused = run_cli("decide", tmp_path, "--cluster", nodes.address)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"steelsight: --cluster {nodes.address}: {tmp_path} is an inspector")
