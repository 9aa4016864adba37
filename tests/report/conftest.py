"""One decided RUN for all tests of the report: drawn strips, known evidence, logs as training writes them."""

import json
from pathlib import Path

import cv2
import pytest
from helpers.judged_run import make_run

from steelsight.imaging.read import read_image
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decide import decide

NOISE = {"ca": 0.2, "cb": 0.6, "sa": 0.3, "sb": 0.6}


@pytest.fixture(scope="session")
def decided_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RUN with two members of each step; a test that changes it copies it first."""
    run = tmp_path_factory.mktemp("report") / "strips"
    evidence = make_run(run, NOISE)
    write_jobs(evidence)
    augmented = run / "augmentations" / "00.png"
    augmented.parent.mkdir()
    cv2.imwrite(str(augmented), read_image(evidence.record.samples[0].path))
    decide(Run(run))
    return run


def write_jobs(evidence: OutOfFoldPredictions, epochs: int = 3) -> None:
    """Log and summary of every job, in the form that training writes."""
    for member in evidence.recipe.members:
        for fold in range(evidence.recipe.folds):
            folder = evidence.run.path / "jobs" / member.name / f"fold{fold}"
            folder.mkdir(parents=True)
            lines = [json.dumps(_epoch(member, epoch)) for epoch in range(epochs)]
            (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
            done = {
                "parameters": 1234567,
                "device": "cpu",
                "precision": "fp32",
                "threads": 1,
                "versions": {"torch": "2.9.0"},
            }
            (folder / "done.json").write_text(json.dumps(done))


def _epoch(member: Member, epoch: int) -> dict[str, object]:
    common = {"epoch": epoch, "phase": 0, "learning_rate": 1e-3, "seconds": 20.0, "images_per_second": 10.5}
    losses = {"train_loss": 0.8**epoch, "valid_loss": 0.9**epoch}
    if member.step == "classify":
        return common | losses | {"train_accuracy": 0.9, "valid_accuracy": 0.8, "train_auc": 0.95, "valid_auc": 0.85}
    dice = {"train_dice_batch": 0.5, "valid_dice_batch": 0.4, "valid_dice_image": 0.3, "valid_dice_pair": 0.7}
    return common | losses | dice | {"train_dice_per_class": [0.5, 0.0, 0.6, 0.4]}
