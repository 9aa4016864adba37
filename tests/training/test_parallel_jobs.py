"""Jobs side by side as a user starts them: the same bits as in turn, and nothing goes on or is lost, whoever is killed."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import run_cli, start_cli
from helpers.training_samples import SMALL, few_images, sets

from steelsight.imaging.read import read_image
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.job_layout import Arrangement
from steelsight.training.job_memory import job_memory
from steelsight.training.job_order import JobRoom
from steelsight.training.slots import Slot

TINY = (
    *(change for change in SMALL if ".weights=" not in change),
    "members.segment-lite0.weights=random",
    "members.*.keep.last=1",
    "members.segment-lite0.decoder_channels=[32,32]",
)
JOBS = [f"{name}/fold{fold}" for name in ("segment-lite0", "classify-lite0") for fold in (0, 1)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
    pytest.mark.timeout(900),
]


def command(data: Path, run: Path, *more: str) -> list[str | Path]:
    return ["train", data, "--recipe", "demo", "--out", run, "--device", "cpu", *sets(*TINY), *more]


@pytest.mark.parametrize(
    ("slots", "ranks", "devices"),
    [(((0,), (1,)), 1, 1), (((0,), (0,)), 1, 0.5), (((0,), (1,), (0,)), 1, 2 / 3), (((0, 1), (2, 3)), 2, 2)],
)
def test_a_job_takes_its_share_of_a_device(slots: tuple[Slot, ...], ranks: int, devices: float) -> None:
    """`--plan` counted the hours of a GPU once for each job that shares it."""
    place = JobRoom(len(slots))
    assert Arrangement("cuda", slots, ranks, None, 0, 0, place, None, ()).devices == pytest.approx(devices)


def children(of: int) -> list[int]:
    """Processes that another one has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == of and state != "Z":
            found.append(int(stat.parent.name))
    return found


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def two_at_work(run: Path, data: Path) -> Iterator[tuple[object, list[int]]]:
    """A training of both segmenters, each past its first epoch and long from its end; its process and its workers."""
    long = sets("members.segment-lite0.phases.1.epochs=4000")
    training = start_cli(*command(data, run, "--parallel", "2", "--only", "segment-lite0", *long))
    try:
        checkpoints = [run / f"jobs/segment-lite0/fold{fold}/checkpoint.pt" for fold in (0, 1)]
        wait_for(lambda: all(path.is_file() for path in checkpoints) or training.poll() is not None)
        workers = children(training.pid)
        assert len(workers) == 2
        yield training, workers
    finally:
        training.kill()
        training.wait()


def evidence_of(run: Path) -> dict[str, bytes]:
    """The files of a run's maps and probabilities."""
    folder = run / "evidence"
    files = [*folder.glob("*/fold*/**/*"), *folder.glob("*/fold*.parquet")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


def test_side_by_side_as_in_turn_to_the_last_bit(tmp_path: Path) -> None:
    data = few_images(tmp_path / "data")
    for number in ("1", "2"):
        done = run_cli(*command(data, tmp_path / number, "--parallel", number, "--json"), timeout=600)
        assert done.returncode == 0, done.stderr
        assert all(f"{job} epoch 1/1" in done.stderr for job in JOBS)
    for job in JOBS:
        weights = f"jobs/{job}/weights.safetensors"
        assert (tmp_path / "1" / weights).read_bytes() == (tmp_path / "2" / weights).read_bytes()
    made = evidence_of(tmp_path / "1")
    assert len(made) >= 4
    assert evidence_of(tmp_path / "2") == made
    evidence = OutOfFoldPredictions.of(Run(tmp_path / "2"))
    for job in JOBS:
        summary = json.loads((tmp_path / "2/jobs" / job / "done.json").read_text())
        assert summary["threads"] == 1
        expected = job_memory(evidence.recipe.member(job.partition("/")[0]), 4, evidence.record.samples, 2**30)
        assert 0.2e9 < summary["memory"] < expected + 0.5e9  # of which processes share some 0.4 GB
    assert json.loads((tmp_path / "2/machine.json").read_text()) == {"threads": 1}


def test_what_lies_outside_of_the_region_of_interest_has_no_effect(tmp_path: Path) -> None:
    """The same bits whatever is there, in turn with loader processes and side by side without."""
    roi = tmp_path / "roi.json"
    roi.write_text('{"outside": [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]}')
    runs = {"grey": ("--parallel", "1", "--workers", "2"), "noise": ("--parallel", "2", "--workers", "0")}
    for name, how in runs.items():
        data = few_images(tmp_path / "data" / name)
        for number, file in enumerate(sorted((data / "train_images").iterdir())):
            image = read_image(file, grey=True).copy()
            left = image[:, : image.shape[1] // 2]  # whole blocks of 8 x 8 pixels, which JPEG keeps apart
            left[:] = 128 if name == "grey" else np.random.default_rng(number).integers(0, 256, left.shape)
            assert cv2.imwrite(str(file), image)
        trained = run_cli(
            *command(data, tmp_path / name, "--only", "segment-lite0", "--roi", str(roi), *how), timeout=600
        )
        assert trained.returncode == 0, trained.stderr
    for fold in (0, 1):
        one, other = (tmp_path / name / f"jobs/segment-lite0/fold{fold}/weights.safetensors" for name in runs)
        assert one.read_bytes() == other.read_bytes()
    made = evidence_of(tmp_path / "grey")
    assert len(made) >= 2
    assert evidence_of(tmp_path / "noise") == made


def test_a_failed_job_is_one_sentence_and_takes_only_its_followers(tmp_path: Path) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run"
    folder = run / "jobs/segment-lite0/fold0"
    assert run_cli(*command(data, run, "--only", "segment-lite0:1"), timeout=600).returncode == 0
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"no checkpoint")
    failed = run_cli(*command(data, run, "--resume", "--parallel", "2"), timeout=600)
    assert failed.returncode == 2, failed.stderr
    last = failed.stderr.strip().splitlines()[-1]
    assert "segment-lite0/fold0: " in last
    assert "checkpoint.pt" in last
    assert last.endswith("not done either: classify-lite0/fold0")
    assert "Traceback" not in failed.stderr
    assert (run / "jobs/classify-lite0/fold1/done.json").is_file()
    assert not (run / "jobs/classify-lite0/fold0").exists()


def test_a_worker_that_is_killed_leaves_the_others_at_work_and_ctrl_c_ends_them(tmp_path: Path) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run"
    with two_at_work(run, data) as (training, workers):
        os.kill(workers[0], signal.SIGKILL)
        logs = [run / f"jobs/segment-lite0/fold{fold}/log.jsonl" for fold in (0, 1)]
        wait_for(lambda: not is_alive(workers[0]))
        before = [path.read_bytes().count(b"\n") for path in logs]

        def grown() -> list[Path]:
            return [path for path, lines in zip(logs, before, strict=True) if path.read_bytes().count(b"\n") > lines]

        wait_for(grown)
        [other] = grown()
        assert training.poll() is None
        training.send_signal(signal.SIGINT)
        _, errors = training.communicate(timeout=120)
    assert training.returncode == 130, errors
    assert "its process was ended by SIGKILL, as the system does if memory runs out" in errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not any(map(is_alive, workers))
    assert not list(other.parent.glob(".*.part*"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_training(number: signal.Signals, tmp_path: Path) -> None:
    with two_at_work(tmp_path / "run", few_images(tmp_path / "data")) as (training, workers):
        training.send_signal(number)
        training.wait(60)
        wait_for(lambda: not any(map(is_alive, workers)), 60)
    assert not list((tmp_path / "run/jobs").glob("*/*/done.json"))
