"""The time left is told often, and worked out seldom."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.training_samples import SMALL, few_images

from steelsight.dataset.read import read_dataset
from steelsight.recipe import choose_jobs, load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.job import make_job
from steelsight.training.progress import TrainingProgress
from steelsight.training.start import start_run


def test_time_left_follows_the_clock_between_two_estimates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    evidence = OutOfFoldPredictions.of(
        start_run(Run(tmp_path / "run"), data, load_recipe("demo", (*SMALL, "members.*.keep.last=1")))
    )
    jobs = [make_job(evidence, member, fold) for member, fold in choose_jobs(evidence.recipe, [])]
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    estimates = 0
    shown = TrainingProgress(jobs, done=0, visible=False)
    estimate = shown._estimate

    def counted() -> float | None:
        nonlocal estimates
        estimates += 1
        return estimate()

    monkeypatch.setattr(shown, "_estimate", counted)
    with shown:
        shown.begin(jobs[0])
        assert shown.seconds_left() is None
        now += 10
        shown.step(jobs[0], 4)
        first = shown.seconds_left()
        assert first is not None
        assert first > 0
        made = estimates
        for _ in range(3):  # each is told of, none costs an estimate
            now += 0.125
            shown.step(jobs[0], 4)
        left = shown.seconds_left()
        assert left == pytest.approx(max(0.0, first - 0.375))
        assert estimates == made
        now += 0.25
        later = shown.seconds_left()
        assert estimates == made + 1
        assert later is not None
        assert later < first


def test_a_fold_that_cannot_tell_the_best_epoch_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    two, best = "members.*.phases.*.epochs=2", ("members.*.keep={weights: best}", "members.*.validate_every=1")
    recipe = load_recipe("demo", (*SMALL, two, *best))
    evidence = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), data, recipe))
    jobs = [make_job(evidence, member, fold) for member, fold in choose_jobs(evidence.recipe, [])]
    for job in jobs:
        clean = replace(job, validation=[sample for sample in job.validation if not sample.is_defective])
        for one in (job, clean):
            with TrainingProgress([one], done=0, visible=True) as shown:
                shown.begin(one)
                for epoch in range(2):
                    shown.epoch(one, {"epoch": epoch, "train_loss": 0.5, "images_per_second": 1.0})
            said = capsys.readouterr().err.count("so no epoch can be the best; the last one is kept")
            assert said == (one is clean and one.member.step == "segment")
