"""The images of a run that goes on: moved, or no longer the same."""

import shutil
from pathlib import Path

import pytest
from helpers.training_samples import few_images

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.same_images import check_data, stay_at, with_images_at
from steelsight.training.start import start_run


def test_images_that_were_moved_are_those_of_the_run_and_others_are_not(tmp_path: Path) -> None:
    data, moved, run = few_images(tmp_path / "data"), tmp_path / "moved", tmp_path / "run"
    began = OutOfFoldPredictions.of(
        start_run(Run(run), read_dataset(data, decode=False), load_recipe("lite", ["folds=2"]))
    )
    shutil.copytree(data, moved)
    assert stay_at(with_images_at(began, moved)).record.root == moved
    assert OutOfFoldPredictions.of(Run(run)).record.root == data  # which is still there, perhaps for another machine
    shutil.rmtree(data)
    stay_at(with_images_at(began, moved))
    again = OutOfFoldPredictions.of(Run(run)).record
    assert again.root == moved
    assert [sample.path.parent for sample in again.samples] == [moved / "train_images"] * len(again.samples)
    again.samples[0].path.write_bytes(again.samples[1].path.read_bytes())
    with pytest.raises(UserError, match="not the images"):
        with_images_at(began, moved)
    again.samples[0].path.unlink()
    with pytest.raises(UserError, match="not the images"):
        with_images_at(began, moved)


def test_what_goes_on_with_moved_images_reads_them_where_they_are(tmp_path: Path) -> None:
    """The run was opened before its images were found elsewhere; what comes later must not look for those that are gone."""
    data, run = few_images(tmp_path / "data"), Run(tmp_path / "run")
    began = OutOfFoldPredictions.of(start_run(run, read_dataset(data, decode=False), load_recipe("lite", ["folds=2"])))
    assert began.run.record.root == data
    moved = shutil.move(data, tmp_path / "moved")
    assert stay_at(with_images_at(began, moved)).run.record.root == moved


def test_an_image_that_has_changed_is_noticed(tmp_path: Path) -> None:
    data = few_images(tmp_path / "data")
    began = OutOfFoldPredictions.of(
        start_run(Run(tmp_path / "run"), read_dataset(data, decode=False), load_recipe("lite", ["folds=2"]))
    )
    check_data(began)
    first, second, *_ = began.record.samples
    first.path.write_bytes(second.path.read_bytes())
    with pytest.raises(UserError, match="no longer those that the run"):
        check_data(began)
