"""Trainings on Ray's own cluster of several nodes: the bits of one machine, whoever is killed and whenever."""

import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.data import run_cli, start_cli
from helpers.ray_cluster import EPOCHS, TINY, Nodes, made
from helpers.training_samples import few_images, sets

from steelsight.cluster.connect import connected
from steelsight.cluster.lay_out import ClusterConfig
from steelsight.cluster.train import train_on_cluster
from steelsight.core.errors import UserError
from steelsight.recipe import choose_jobs
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.device_config import DeviceConfig

JOBS = [f"{name}/fold{fold}" for name in ("segment-lite0", "classify-lite0") for fold in (0, 1)]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return few_images(tmp_path_factory.mktemp("few") / "data")


@pytest.fixture(scope="module")
def one_machine(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RUN as jobs in turn make it."""
    run = tmp_path_factory.mktemp("one") / "run"
    done = run_cli(*command(data, run, "--parallel", "1"), timeout=600)
    assert done.returncode == 0, done.stderr
    return run


def command(data: Path, run: Path, *more: str) -> list[str | Path]:
    return ["train", data, "--recipe", "demo", "--out", run, "--device", "cpu", *sets(*TINY), *more]


def wait_for(what: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def started(one_machine: Path, run: Path) -> OutOfFoldPredictions:
    """A RUN of the same recipe, images and folds, without any job done."""
    run.mkdir()
    for name in ("recipe.yaml", "dataset.json", "samples.csv", "truth.csv", "machine.json"):
        (run / name).write_bytes((one_machine / name).read_bytes())
    return OutOfFoldPredictions.of(Run(run))


@pytest.mark.parametrize("more", [[], ["--ship-data"]])
def test_nodes_make_what_one_machine_makes(
    more: list[str], one_machine: Path, nodes: Nodes, data: Path, tmp_path: Path
) -> None:
    done = run_cli(*command(data, tmp_path / "run", "--cluster", nodes.address, "--json", *more), timeout=600)
    assert done.returncode == 0, done.stderr
    assert made(tmp_path / "run") == made(one_machine)
    assert len(made(one_machine)) >= 2 * len(JOBS)
    assert all(f"{job} epoch {EPOCHS}/{EPOCHS}" in done.stderr for job in JOBS)
    assert json.loads(done.stdout)["decision"] == json.loads((one_machine / "decision.json").read_text())
    assert not [path for path in (tmp_path / "run").rglob(".*") if path.name != ".lock"]


def test_a_node_killed_at_any_moment_costs_what_its_last_checkpoint_has_not(
    one_machine: Path, nodes: Nodes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    evidence = started(one_machine, tmp_path / "run")
    jobs = choose_jobs(evidence.recipe, [])
    chance = random.Random(7)

    def kill() -> None:
        wait_for(lambda: list(tmp_path.glob("run/jobs/*/*/checkpoint.pt")))
        time.sleep(chance.uniform(0, 3))
        nodes.kill()

    killing = threading.Thread(target=kill)
    killing.start()
    with connected(nodes.address) as ray:
        config = ClusterConfig(retries=5, checkpoint_every=0)
        train_on_cluster(ray, evidence, jobs, DeviceConfig("cpu"), config)
    killing.join()
    nodes.add()
    assert made(tmp_path / "run") == made(one_machine)
    assert all(evidence.is_done(member, fold) for member, fold in jobs)
    said = capfd.readouterr().err
    for job in JOBS:
        next_one = 1
        for line in (line.removeprefix(job) for line in said.splitlines() if line.startswith(job)):
            if line.startswith(": its worker"):
                next_one = 1
            elif begun := re.match(r": going on from epoch (\d+)", line):
                next_one = int(begun[1])
            elif ended := re.match(r" epoch (\d+)/", line):
                assert int(ended[1]) == next_one
                next_one += 1
        assert next_one == EPOCHS + 1


def test_a_job_that_is_lost_too_often_fails_alone(one_machine: Path, nodes: Nodes, tmp_path: Path) -> None:
    evidence = started(one_machine, tmp_path / "run")
    jobs = choose_jobs(evidence.recipe, ["segment-lite0"])
    address = nodes.address

    def kill() -> None:
        wait_for(lambda: list(tmp_path.glob("run/jobs/*/*/.lock")))
        nodes.kill()

    killing, reasons = threading.Thread(target=kill), list[str]()
    with connected(address) as ray:
        killing.start()
        try:
            train_on_cluster(ray, evidence, jobs, DeviceConfig("cpu"), ClusterConfig(retries=0))
        except UserError as error:  # none where the node was killed before it had a job
            reasons.append(str(error))
        killing.join()
    nodes.add()
    for reason in reasons:
        assert re.search(r"^segment-lite0/fold\d: its worker.* was lost, the 1st worker of this job: ", reason)
        assert "not done either" not in reason
    assert sum(evidence.is_done(member, fold) for member, fold in jobs) == 2 - len(reasons)


@pytest.mark.parametrize("lacks", ["steelsight", "weights", "folder"])
def test_a_node_that_joins_and_cannot_train_takes_no_job_with_it(
    lacks: str, nodes: Nodes, data: Path, tmp_path: Path
) -> None:
    """One of a broken installation, of weights that were damaged, and of temporary files that are somebody else's."""
    changes = ("members.segment-lite0.weights=imagenet",) if lacks == "weights" else ()
    broken = tmp_path / "broken"
    (broken / "weights").mkdir(parents=True)
    (broken / "weights" / "lite0.safetensors").write_bytes(b"damaged")
    (broken / "steelsight").mkdir()
    (broken / "steelsight" / "__init__.py").write_text("raise ImportError('half installed')")
    (broken / f"steelsight-workers-{os.getuid()}").symlink_to(tmp_path)
    variable = {"steelsight": "PYTHONPATH", "weights": "STEELSIGHT_HOME", "folder": "TMPDIR"}[lacks]
    nodes.kill()
    training = start_cli(*command(data, tmp_path / "run", *sets(*changes), "--cluster", nodes.address))
    wait_for(lambda: len(list(tmp_path.glob("run/jobs/*/*/.lock"))) == 2 or training.poll() is not None)
    nodes.add(env_vars={variable: str(broken)})  # where the second job waits for room
    _, errors = training.communicate(timeout=600)
    nodes.kill(1)
    nodes.add()
    assert training.returncode == 0, errors
    assert ("it is tried once more, on another node" if lacks == "weights" else "The node is left out") in errors
    assert "Traceback" not in errors


def test_a_driver_that_is_killed_is_gone_on_with_and_a_second_one_joins_in(
    one_machine: Path, nodes: Nodes, data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    first = start_cli(*command(data, run, "--cluster", nodes.address))
    wait_for(lambda: list(run.glob("jobs/*/*/.lock")) or first.poll() is not None)
    first.send_signal(signal.SIGKILL)
    first.wait()
    again = start_cli(*command(data, run, "--cluster", nodes.address, "--resume"))
    joined = run_cli(*command(data, run, "--cluster", nodes.address, "--resume"), timeout=600)
    _, errors = again.communicate(timeout=600)
    assert (again.returncode, joined.returncode) == (0, 0), errors + joined.stderr
    assert made(run) == made(one_machine)
    assert (run / "decision.json").read_bytes() == (one_machine / "decision.json").read_bytes()
