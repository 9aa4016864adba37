"""Several trainings of one RUN: each takes what is free, all end when all is done, and the bits are those of one alone."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.data import run_cli, start_cli
from helpers.ray_cluster import TINY, made
from helpers.training_samples import few_images, sets
from helpers.warm_start import WarmProcess

from steelsight.core.lock import Lock

_PATIENCE = 1200.0  # seconds: machines of tests are busy
JOBS = [f"{name}/fold{fold}" for name in ("segment-lite0", "classify-lite0") for fold in (0, 1)]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return few_images(tmp_path_factory.mktemp("few") / "data")


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RUN as one training makes it, with a limit of its own."""
    run = tmp_path_factory.mktemp("one") / "run"
    done = run_cli(*command(data, run, "--parallel", "1", "--max-escape", "0.3"), timeout=_PATIENCE)
    assert done.returncode == 0, done.stderr
    return run


def command(data: Path, run: Path, *more: str) -> list[str | Path]:
    changes = sets(*TINY, "members.*.sampling.least_steps=1")
    return ["train", data, "--recipe", "demo", "--out", run, "--device", "cpu", *changes, *more]


def wait_for(what: Callable[[], object], seconds: float = _PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def trained(errors: str) -> set[str]:
    """Jobs whose last epoch a training tells."""
    return set(re.findall(r"^(\S+/fold\d) epoch 3/3", errors, re.MULTILINE))


@pytest.fixture
def stopped(data: Path, tmp_path: Path) -> Iterator[WarmProcess]:
    """A training in tmp_path/run with a limit, which is at its first job and goes no further until it is let to."""
    first = start_cli(*command(data, tmp_path / "run", "--parallel", "1", "--max-escape", "0.3"))
    assert isinstance(first, WarmProcess)
    wait_for(lambda: (tmp_path / "run/jobs/segment-lite0/fold0/.lock").is_file() or first.poll() is not None)
    first.send_signal(signal.SIGSTOP)
    yield first
    first.kill()
    first.communicate()


def joined_by(data: Path, run: Path, *more: str) -> WarmProcess:
    """A second training, when it has done all that it can while the first is at its job."""
    second = start_cli(*command(data, run, "--resume", *more))
    assert isinstance(second, WarmProcess)
    others = [run / "jobs" / job / "done.json" for job in ("segment-lite0/fold1", "classify-lite0/fold1")]
    wait_for(lambda: all(path.is_file() for path in others) or second.poll() is not None)
    time.sleep(2)
    assert second.poll() is None
    return second


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_a_second_training_takes_what_is_free_and_both_end_when_all_is_done(
    parallel: str, stopped: WarmProcess, data: Path, alone: Path, tmp_path: Path
) -> None:
    """In turn and side by side; the limits of the first are kept, though the second was given none."""
    run = tmp_path / "run"
    second = joined_by(data, run, "--parallel", parallel)
    stopped.send_signal(signal.SIGCONT)
    _, of_first = stopped.communicate(timeout=_PATIENCE)
    _, of_second = second.communicate(timeout=_PATIENCE)
    assert (stopped.returncode, second.returncode) == (0, 0), of_first + of_second
    said = "another process trains jobs of this run, such as segment-lite0/fold0: this one takes those that are free"
    assert said in of_second
    assert "segment-lite0/fold0" in trained(of_first)
    assert {"segment-lite0/fold1", "classify-lite0/fold1"} <= trained(of_second)
    assert not trained(of_first) & trained(of_second)
    assert trained(of_first) | trained(of_second) == set(JOBS)
    assert made(run) == made(alone)
    assert (run / "decision.json").read_bytes() == (alone / "decision.json").read_bytes()


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_what_a_killed_training_was_at_goes_on_in_the_other(
    parallel: str, stopped: WarmProcess, data: Path, alone: Path, tmp_path: Path
) -> None:
    second = joined_by(data, tmp_path / "run", "--parallel", parallel)
    stopped.kill()
    _, errors = second.communicate(timeout=_PATIENCE)
    assert second.returncode == 0, errors
    assert trained(errors) == set(JOBS)
    assert made(tmp_path / "run") == made(alone)


def test_of_two_that_decide_the_second_waits(data: Path, alone: Path, tmp_path: Path) -> None:
    lock = Lock(alone / ".lock", "held")
    lock.take()
    try:
        deciding = start_cli("decide", alone)
        time.sleep(8)
        assert deciding.poll() is None
    finally:
        lock.release()
    _, errors = deciding.communicate(timeout=_PATIENCE)
    assert deciding.returncode == 0, errors
