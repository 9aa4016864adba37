"""A region of interest in labelled data and in a run: what lies outside is ignored, and networks see black there."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.layout_writers import write_index_png

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.dataset.within_roi import say_outside, within
from steelsight.imaging.roi import Polygons, Roi

SIZE = (64, 96)
LEFT = (((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)
COUNTED = np.arange(SIZE[1])[None, :].repeat(SIZE[0], axis=0) < SIZE[1] // 2


def _data(root: Path, count: int = 6) -> Path:
    """Images that all differ; a defect in the left half of every second one, and one in the right half of every third."""
    for number in range(count):
        mask = np.zeros(SIZE, np.uint8)
        if number % 2 == 0:
            mask[10:20, 40:60] = 1  # across the border
        if number % 3 == 1:
            mask[30:40, 70:80] = 1
        mask[50:, :5] = 255
        write_index_png(root, f"{number}.png", mask)
        pixels = np.random.default_rng(number).integers(40, 200, SIZE, np.uint8)
        cv2.imwrite(str(root / "images" / f"{number}.png"), cv2.GaussianBlur(pixels, (0, 0), 1 + number / 3))
    (root / "classes.txt").write_text("pit\n")
    return root


def test_outside_is_ignored_and_has_no_mask(tmp_path: Path) -> None:
    before = read_dataset(_data(tmp_path)).samples
    roi = Roi(polygons=Polygons(inside=LEFT))
    after = within(before, roi, grey=True)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(other.ignored_mask(), one.ignored_mask() | ~COUNTED)
        np.testing.assert_array_equal(other.mask()[0], one.mask()[0] & COUNTED)
    assert [one.is_defective for one in before] == [True, True, True, False, True, False]
    assert [one.is_defective for one in after] == [True, False, True, False, True, False]
    (said,) = say_outside(before, after, roi)
    assert "1 images had their defects outside of it alone and count as good" in said
    assert within(before, None, grey=True) == before
    assert say_outside(before, before, None) == ()


def test_an_image_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    samples = read_dataset(_data(tmp_path, 2)).samples
    roi = Roi(polygons=Polygons(inside=(((0, 0), (90, 0), (90, 64)),), width=97, height=64))
    with pytest.raises(
        UserError, match=r"0\.png: .* for images of 97 x 64 pixels .* this one has 96 x 64; draw it for"
    ):
        within(samples, roi, grey=True)


def test_a_run_keeps_its_region_and_its_networks_see_black_outside(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from steelsight.recipe import load_recipe
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.training.job import make_job
    from steelsight.training.loading import PlainImages
    from steelsight.training.start import start_run

    dataset = read_dataset(_data(tmp_path / "data"))
    file = tmp_path / "left.json"
    file.write_text(json.dumps({"inside": LEFT}))
    changes = ["folds=2", "members.*.weights=random", "members.*.input={height: 64, width: 96}"]
    prints = []
    for name, more in (("whole", []), ("left", [f"roi={file}"])):
        run = start_run(Run(tmp_path / name), dataset, load_recipe("lite", [*changes, *more]))
        evidence = OutOfFoldPredictions.of(run)
        prints.append(evidence.record.fingerprint)
        job = make_job(evidence, evidence.recipe.member("segment-lite0"), 0)
        assert (evidence.record.roi is not None) == bool(more)
        for sample in (*job.training, *job.validation):
            image = np.asarray(job.read(sample.path))
            assert image[COUNTED].any()
            assert image[~COUNTED].any() != bool(more)
        (pixels, target), *_ = (PlainImages(job.member, job.validation, job.read)[at] for at in range(1))
        assert pixels.shape[1:] == SIZE
        assert bool((target[:, ~COUNTED] < 0).all()) == bool(more)
    assert prints[0] != prints[1]
    file.unlink()  # the run has its own
    assert Run(tmp_path / "left").record.roi == Roi(polygons=Polygons(inside=LEFT))
    far = tmp_path / "far.json"
    far.write_text(json.dumps({"inside": [[[0.9, 0.9], [1, 0.9], [1, 1]]]}))
    with pytest.raises(UserError, match=r"no image shows a defect in the region of interest"):
        start_run(Run(tmp_path / "far"), dataset, load_recipe("lite", [*changes, f"roi={far}"]))
