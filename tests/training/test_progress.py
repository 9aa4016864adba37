"""The time left is told often, and worked out seldom."""

import time
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
