"""What a network is given to learn from: the truth of a window is what the window shows."""

from dataclasses import replace

import numpy as np
import torch
from helpers.training_samples import member, severstal
from torch.nn import functional as F

from steelsight.imaging.rle import encode_mask
from steelsight.networks.cells import CELL
from steelsight.training.loading import PlainImages, TrainingImages, plain_target

SIZE = "members.*.input={height: 128, width: 800, colour: grey}"
SAME = "members.*.augment.crop.on_defect=0.7"


def items(count: int) -> list[tuple[int, int, int]]:
    return [(place % 66, place // 66, place) for place in range(count)]


def test_a_window_is_defective_when_it_shows_a_defect() -> None:
    samples = severstal().samples
    segment, classify = (
        TrainingImages(member(name, SIZE, SAME), samples, 0, "job") for name in ("segment-lite0", "classify-lite0")
    )
    seen = set()
    for item in items(66):
        pixels, mask = segment[item]
        same, (defective, cells) = classify[item]
        assert torch.equal(pixels, same)
        assert float(defective) == float(mask.max() >= 0.5)
        assert torch.equal(cells, F.max_pool2d(mask, CELL))
        seen.add((samples[item[0]].is_defective, bool(defective)))
    assert seen == {(True, True), (True, False), (False, False)}


def test_the_pooled_head_is_told_the_same_without_cells() -> None:
    samples = severstal().samples
    told = [
        f"members.classify-lite0.{change}" for change in ("head=pooled", "weights=imagenet", "phases.1.loss.cells=0")
    ]
    cells, pooled = (
        TrainingImages(member("classify-lite0", SIZE, *changes), samples, 0, "job") for changes in ([], told)
    )
    assert [float(cells[item][1][0]) for item in items(30)] == [float(pooled[item][1]) for item in items(30)]


def test_a_whole_image_keeps_its_label_however_small_its_defect() -> None:
    samples = severstal().samples
    whole = ["members.classify-lite0.augment.crop=null", "members.*.input={height: 32, width: 64}"]
    images = TrainingImages(member("classify-lite0", *whole), samples, 0, "job")
    assert [float(images[item][1][0]) for item in items(66)] == [float(sample.is_defective) for sample in samples]


def test_validation_sees_whole_images_at_the_working_size() -> None:
    for name in ("segment-lite0", "classify-lite0"):
        pixels, _ = PlainImages(member(name, SIZE), severstal().samples)[0]
        assert pixels.shape == (1, 128, 800)


def test_what_is_ignored_moves_with_the_image_and_is_not_learned_from() -> None:
    """Half of each image is ignored: that half of every window, however it was cut, turned and scaled."""
    half = []
    for sample in severstal().samples:
        ignored = np.zeros(sample.size, np.bool_)
        ignored[:, sample.size[1] // 2 :] = True
        runs = tuple(encode_mask(mask & ~ignored) for mask in sample.mask())
        half.append(replace(sample, runs=runs, ignored=encode_mask(ignored)))
    images = TrainingImages(member("segment-lite0", SIZE, SAME), half, 0, "job")
    cells = TrainingImages(member("classify-lite0", SIZE, SAME), half, 0, "job")
    whole = TrainingImages(member("segment-lite0", SIZE, SAME), severstal().samples, 0, "job")
    partly = 0
    for item in items(66):
        pixels, mask = images[item]
        ignored = mask[0] < 0
        assert all(torch.equal(plane < 0, ignored) for plane in mask)
        columns = ignored.any(dim=0)
        assert torch.equal(ignored, columns.expand_as(ignored))  # whole columns, on one side of the window
        assert (columns[1:] != columns[:-1]).sum() <= 1
        partly += bool(columns.any() and not columns.all())
        same_pixels, same = whole[item]
        if torch.equal(pixels, same_pixels):  # the same window was drawn
            torch.testing.assert_close(mask[:, ~ignored], same[:, ~ignored], atol=0.02, rtol=0)
        _, (defective, pooled) = cells[item]
        assert float(defective) == float(mask.max() >= 0.5)
        touched = F.max_pool2d(ignored[None].float(), CELL)[0] > 0
        assert torch.equal(pooled < 0, touched & (F.max_pool2d(mask, CELL) < 0.5))
    assert partly > 5
    plain = plain_target(member("segment-lite0", SIZE), half[0])
    assert (plain[:, :, 400:] == -1).all()
    assert (plain[:, :, :400] >= 0).all()
