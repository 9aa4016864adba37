"""`steelsight data convert` as a user runs it."""

import json
from pathlib import Path

import numpy as np
from helpers.data import SAMPLE, run_cli
from helpers.labelled_scene import picture, pit
from helpers.layout_writers import write_csv

from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import encode_mask, format_runs


def test_strips_go_to_labelme_and_back(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "train_images" / "a.jpg")
    picture(tmp_path / "data" / "train_images" / "b.jpg")
    write_csv(
        tmp_path / "data" / "train.csv",
        [("ImageId", "ClassId", "EncodedPixels"), ("a.jpg", 3, format_runs(encode_mask(pit())))],
    )
    made = run_cli("data", "convert", tmp_path / "data", tmp_path / "labelme", "--to", "labelme")
    assert made.returncode == 0, made.stderr
    assert "2 images from severstal to labelme, classes 3" in made.stdout
    assert "next: steelsight data check" in made.stdout
    again = run_cli("data", "convert", tmp_path / "labelme", tmp_path / "back", "--to", "severstal", "--json")
    assert json.loads(again.stdout)["classes"] == ["3"]
    first, back = read_dataset(tmp_path / "data"), read_dataset(tmp_path / "back")
    for one, other in zip(first.samples, back.samples, strict=True):
        np.testing.assert_array_equal(one.mask(), other.mask())


def test_a_folder_that_is_there_and_faulty_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    refused = run_cli("data", "convert", SAMPLE, tmp_path / "out", "--to", "coco")
    assert refused.returncode == 2
    assert "is already there" in refused.stderr
    picture(tmp_path / "data" / "train_images" / "a.jpg")
    rows = [("ImageId", "ClassId", "EncodedPixels"), ("a.jpg", 1, "1 3"), ("gone.jpg", 1, "1 3")]
    write_csv(tmp_path / "data" / "train.csv", rows)
    faulty = run_cli("data", "convert", tmp_path / "data", tmp_path / "new", "--to", "coco")
    assert faulty.returncode == 2
    assert not (tmp_path / "new").exists()
    assert (
        run_cli("data", "convert", tmp_path / "data", tmp_path / "new", "--to", "coco", "--skip-faulty").returncode == 0
    )
