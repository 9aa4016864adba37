"""Memory that runs out ends one job in one sentence, and no training; what we did wrong keeps its own error."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import torch
from helpers.training_samples import SMALL, few_images

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training import epochs, experiment, timing
from steelsight.training.device_config import DeviceConfig
from steelsight.training.epochs import Hooks
from steelsight.training.experiment import run_jobs
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job, run_job
from steelsight.training.losses import weighted_loss
from steelsight.training.memory_errors import is_out_of_memory
from steelsight.training.start import start_run

NAME = "segment-lite0"


@pytest.fixture
def evidence(tmp_path: Path) -> OutOfFoldPredictions:
    recipe = load_recipe("lite", [*SMALL, "members.*.keep.last=1", "members.*.sampling.least_steps=1"])
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    return OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), data, recipe))


def take_all(*_: object) -> None:
    torch.empty(2**60, dtype=torch.uint8)


def take_all_of_a_gpu(_: object = None) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB")


@pytest.mark.parametrize("happens", [take_all, take_all_of_a_gpu])
def test_a_job_whose_memory_runs_out_leaves_the_others_to_be_trained(
    happens: object, evidence: OutOfFoldPredictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended all of them in a traceback."""
    one = evidence.recipe.member(NAME)
    seen: list[object] = []

    def first_runs_out(*arguments: object) -> torch.Tensor:
        seen.append(arguments)
        if len(seen) == 1:
            happens()  # type: ignore[operator]
        return weighted_loss(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(epochs, "weighted_loss", first_runs_out)
    monkeypatch.setattr(experiment, "draw_examples", lambda _: None)
    with pytest.raises(
        UserError, match=rf"^{NAME}/fold0: memory ran out; .* smaller sampling\.device_batch \(it is 2\)"
    ):
        run_jobs(evidence, [(one, 0), (one, 1)], DeviceConfig(device="cpu", parallel=1))
    assert [evidence.is_done(one, fold) for fold in (0, 1)] == [False, True]


def test_where_steps_are_only_timed_no_run_is_spoken_of(
    evidence: OutOfFoldPredictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`train --plan` has made none."""
    monkeypatch.setattr(timing, "weighted_loss", take_all)
    job = make_job(evidence, evidence.recipe.member(NAME), 0)
    wanted = r"^memory ran out; use a smaller sampling\.device_batch \(it is 2\) or a smaller input$"
    with pytest.raises(UserError, match=wanted):
        timing.time_steps(job, make_fabric("cpu", evidence.recipe))


def test_an_error_of_ours_keeps_its_traceback(evidence: OutOfFoldPredictions, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> torch.Tensor:
        return torch.zeros(2) + torch.zeros(3)

    monkeypatch.setattr(epochs, "weighted_loss", wrong)
    monkeypatch.setattr(experiment, "draw_examples", lambda _: None)
    with pytest.raises(RuntimeError, match="must match the size"):
        run_jobs(evidence, [(evidence.recipe.member(NAME), 0)], DeviceConfig(device="cpu", parallel=1))


@pytest.mark.slow  # alone, as what test_batches.py says of its processes
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGBUS])
def test_a_loader_process_that_is_killed_ends_its_job_in_one_sentence(
    number: signal.Signals, evidence: OutOfFoldPredictions
) -> None:
    def kill(_: int) -> None:
        for child in multiprocessing.active_children():
            os.kill(int(child.pid or 0), number)

    one = evidence.recipe.member(NAME)
    with pytest.raises(UserError, match=r"^a loader process was ended, .* fewer `workers=`, or .*device_batch"):
        run_job(make_job(evidence, one, 0), evidence, make_fabric("cpu", evidence.recipe), 1, Hooks(kill, print))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError("Unable to allocate 9 GiB for an array"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("Caught _ArrayMemoryError in DataLoader worker process 0.\nOriginal Traceback ..."), True),
        (OSError(12, "Cannot allocate memory"), True),
        (OSError(28, "No space left on device"), False),
        (ValueError("out of memory"), False),
        (RuntimeError("The size of tensor a (2) must match the size of tensor b (3)"), False),
    ],
)
def test_what_counts_as_memory_that_ran_out(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
