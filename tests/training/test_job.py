"""A job ends whole, or goes on from where it was, whatever stops it after its last epoch; no two processes train it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.training_samples import SMALL, few_images
from lightning.fabric import Fabric

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.networks.member import build_member
from steelsight.recipe import load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training import job as job_file
from steelsight.training.checkpoint import Checkpoint, average_in
from steelsight.training.epochs import Hooks, job_loader
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job, new_network, run_job, store_evidence
from steelsight.training.start import start_run

NAME = "segment-lite0"


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture
def evidence(tmp_path: Path) -> OutOfFoldPredictions:
    short = ("members.*.keep.last=1", "members.*.sampling.least_steps=1", "members.*.phases.*.epochs=2")
    recipe = load_recipe("lite", [*SMALL, *short])
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    return OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), data, recipe))


@pytest.fixture
def fabric(evidence: OutOfFoldPredictions) -> Fabric:
    return make_fabric("cpu", evidence.recipe)


@pytest.mark.parametrize("write", ["write_bytes", "store_evidence", "write_json"])
def test_a_kill_after_the_last_epoch_costs_no_epoch(
    write: str, evidence: OutOfFoldPredictions, fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the weights, before the evidence, before the mark that all is there."""
    one = evidence.recipe.member(NAME)
    trained: list[int] = []
    hooks = Hooks(lambda images: None, lambda line: trained.append(line["epoch"]))

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(job_file, write, kill)
        with pytest.raises(KilledError):
            run_job(make_job(evidence, one, 0), evidence, fabric, 0, hooks)
    assert not evidence.is_done(one, 0)
    halves = [
        evidence.run.path / place
        for place in (f"jobs/{NAME}/fold0/.checkpoint.7.part.pt", f"evidence/{NAME}/.fold0.7.part.zarr")
    ]
    other = evidence.run.path / f"evidence/{NAME}/.fold1.7.part.zarr"  # of another process, which is at it
    for half in (*halves, other):
        half.mkdir(parents=True)
    run_job(make_job(evidence, one, 0), evidence, fabric, 0, hooks)
    assert trained == [0, 1]
    assert evidence.is_done(one, 0)
    assert not (evidence.run.path / "jobs" / NAME / "fold0" / "checkpoint.pt").exists()
    assert [half.exists() for half in (*halves, other)] == [False, False, True]


def test_two_never_train_one_job(evidence: OutOfFoldPredictions, fabric: Fabric) -> None:
    """A second `train --resume` in another terminal, or on another machine that shares the folder."""
    one = evidence.recipe.member(NAME)
    said: list[str] = []

    def second(line: dict[str, Any]) -> None:
        try:
            run_job(make_job(evidence, one, 0), evidence, fabric, 0, Hooks(lambda images: None, lambda line: None))
        except UserError as error:
            said.append(str(error))

    run_job(make_job(evidence, one, 0), evidence, fabric, 0, Hooks(lambda images: None, second))
    log = (evidence.run.path / "jobs" / NAME / "fold0" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [0, 1]
    assert "another process trains it" in said[0]


def test_a_job_that_another_process_has_finished_meanwhile_is_kept(
    evidence: OutOfFoldPredictions, fabric: Fabric
) -> None:
    one = evidence.recipe.member(NAME)
    trained: list[int] = []
    hooks = Hooks(lambda images: None, lambda line: trained.append(line["epoch"]))
    for job in [make_job(evidence, one, 0)] * 2:
        run_job(job, evidence, fabric, 0, hooks)
    assert trained == [0, 1]


@pytest.mark.parametrize("answer", [math.nan, math.inf])
def test_a_network_that_gives_no_probability_leaves_no_evidence(
    answer: float, evidence: OutOfFoldPredictions, fabric: Fabric
) -> None:
    """The weights of a training that went wrong after its last loss; a resumed one says the same again."""
    one = evidence.recipe.member(NAME)
    job = make_job(evidence, one, 0)
    weights = new_network(job).state_dict()
    weights["network.segmentation_head.0.bias"] = torch.full_like(weights["network.segmentation_head.0.bias"], answer)
    weights["network.segmentation_head.0.weight"] *= -answer  # inf - inf
    job.folder.path.mkdir(parents=True)
    ended = Checkpoint(epoch=one.epochs, model={}, optimiser={}, kept=average_in(None, weights, 0))
    ended.save(job.folder.checkpoint)
    for _ in range(2):
        with pytest.raises(
            UserError, match=rf"{NAME}/fold0: the trained network answers with nan for \S+\.jpg, .*train anew"
        ):
            run_job(job, evidence, fabric, 0, Hooks(lambda images: None, lambda line: None))
    assert not evidence.has(one, 0)
    assert not evidence.is_done(one, 0)


def test_a_classifier_that_gives_no_probability_leaves_no_evidence(evidence: OutOfFoldPredictions) -> None:
    one = next(member for member in evidence.recipe.members if member.step == "classify")
    job = make_job(evidence, one, 0)
    network = build_member(one, len(job.classes))
    torch.nn.init.constant_(network.output_bias, math.nan)
    with (
        job_loader(job, torch.device("cpu"), 0) as loader,
        pytest.raises(UserError, match=r"fold0: the trained network answers with nan for \S+\.jpg"),
    ):
        store_evidence(job, network, evidence, torch.device("cpu"), loader)
    assert not evidence.has(one, 0)
