"""What a network is given to learn from: the truth of a window is what the window shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training_samples import finished, member, severstal
from torch.nn import functional as F

from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.networks.cells import CELL
from steelsight.training.augment import draw
from steelsight.training.loading import PlainImages, TrainingImages, gather, plain_target, raw_image
from steelsight.training.to_input import ToInput

SIZE = "members.*.input={height: 128, width: 800, colour: grey}"
PLAIN = "members.*.augment.paste=null"
SAME = "members.*.augment.crop.on_defect=0.7"


def items(count: int) -> list[tuple[int, int, int]]:
    return [(place % 66, place // 66, place) for place in range(count)]


def test_a_window_is_defective_when_it_shows_a_defect() -> None:
    samples = severstal().samples
    members = [member(name, SIZE, SAME, PLAIN) for name in ("segment-lite0", "classify-lite0")]
    segment, classify = (TrainingImages(of, samples, 0, "job") for of in members)
    seen = set()
    for item in items(66):
        pixels, mask = finished(members[0], segment[item])
        same, (defective, cells) = finished(members[1], classify[item])
        assert isinstance(mask, torch.Tensor)
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
    assert [float(cells[item]["label"]) for item in items(30)] == [float(pooled[item]["label"]) for item in items(30)]
    assert "mask" not in pooled[0, 0, 0]


def test_a_whole_image_keeps_its_label_however_small_its_defect() -> None:
    samples = severstal().samples
    whole = ["members.classify-lite0.augment.crop=null", "members.*.input={height: 32, width: 64}", PLAIN]
    images = TrainingImages(member("classify-lite0", *whole), samples, 0, "job")
    assert [float(images[item]["label"]) for item in items(66)] == [float(sample.is_defective) for sample in samples]


def test_validation_sees_whole_images_at_the_working_size() -> None:
    for name in ("segment-lite0", "classify-lite0"):
        of = member(name, SIZE)
        pixels, target = finished(of, PlainImages(of, severstal().samples)[0])
        assert pixels.shape == (1, 128, 800)
        expected = of.preprocess.to_input(read_image(severstal().samples[0].path))
        assert np.array_equal(pixels.numpy(), expected)  # to the last bit: evidence is what inference says
        if name == "segment-lite0":
            assert isinstance(target, torch.Tensor)
            assert np.array_equal(target.numpy(), plain_target(of, severstal().samples[0]))


@pytest.mark.parametrize(("recipe", "name"), [("lite", "segment-lite0"), ("paper", "segment-b0-strategy-1")])
def test_images_of_which_all_counts_share_a_batch_with_others(recipe: str, name: str) -> None:
    """Each as it is alone, wherever it is warped."""
    of = member(name, SIZE, *(["rule=null"] if recipe == "paper" else []), recipe=recipe)
    every = severstal().samples[:12]
    corner = np.zeros(every[0].size, np.bool_)
    corner[:100, :700] = True
    without = [replace(one, runs=tuple(encode_mask(mask & ~corner) for mask in one.mask())) for one in every]
    samples = [replace(one, ignored=encode_mask(corner)) if place % 2 else one for place, one in enumerate(without)]
    chances = [draw(of, sample, np.random.default_rng(place)) for place, sample in enumerate(samples)]
    made = []
    for later in (False, True):
        raws = [
            raw_image(of, sample, read_image(sample.path), chance, later)
            for sample, chance in zip(samples, chances, strict=True)
        ]
        _, together = ToInput.of(of)(gather(raws))
        assert isinstance(together, torch.Tensor)
        for raw, target in zip(raws, together, strict=True):
            alone = finished(of, raw)[1]
            assert isinstance(alone, torch.Tensor)
            torch.testing.assert_close(target, alone, atol=1e-6, rtol=0)
        partly = (together < 0).flatten(1).any(1)
        assert not partly[::2].any()
        assert partly[1::2].any()
        made.append(together)
    torch.testing.assert_close(made[0], made[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_grey_images_are_sent_as_one_channel_of_8_bit(colour: str) -> None:
    of = member("segment-lite0", SIZE.replace("grey", colour))
    for images, item in (
        (TrainingImages(of, severstal().samples, 0, "job"), (0, 0, 0)),
        (PlainImages(of, severstal().samples), 0),
    ):
        batch = gather([images[item]])
        assert batch["pixels"].dtype == batch["mask"].dtype == torch.uint8
        assert batch["pixels"].shape[1] == 1
        assert ToInput.of(of)(batch)[0].shape[1] == (1 if colour == "grey" else 3)


def test_images_of_all_kinds_share_a_batch() -> None:
    """Grey and colour, 8 and 16 bit: each as it is alone."""
    rng = np.random.default_rng(0)
    of = member("segment-lite0", SIZE.replace("grey", "rgb"), "members.*.augment.crop=null")
    kinds = [((64, 96), np.uint8), ((64, 96, 3), np.uint8), ((64, 96), np.uint16), ((64, 96, 3), np.uint16)]
    images = [rng.integers(0, np.iinfo(kind).max, shape).astype(kind) for shape, kind in kinds]
    sample = Sample("a", Path("a"), (64, 96), (Runs.empty(),) * 4)
    chances = [draw(of, sample, np.random.default_rng(seed)) for seed in range(4)]
    raws = [raw_image(of, sample, image, chance) for image, chance in zip(images, chances, strict=True)]
    together = ToInput.of(of)(gather(raws))[0]
    for raw, pixels in zip(raws, together, strict=True):
        assert torch.allclose(finished(of, raw)[0], pixels, atol=1e-6)


def test_what_is_ignored_moves_with_the_image_and_is_not_learned_from() -> None:
    """Half of each image is ignored: that half of every window, however it was cut, turned and scaled."""
    half = []
    for sample in severstal().samples:
        ignored = np.zeros(sample.size, np.bool_)
        ignored[:, sample.size[1] // 2 :] = True
        runs = tuple(encode_mask(mask & ~ignored) for mask in sample.mask())
        half.append(replace(sample, runs=runs, ignored=encode_mask(ignored)))
    segmenter, classifier = (member(name, SIZE, SAME) for name in ("segment-lite0", "classify-lite0"))
    images, cells = TrainingImages(segmenter, half, 0, "job"), TrainingImages(classifier, half, 0, "job")
    whole = TrainingImages(segmenter, severstal().samples, 0, "job")
    partly = 0
    for item in items(66):
        pixels, mask = finished(segmenter, images[item])
        assert isinstance(mask, torch.Tensor)
        ignored = mask[0] < 0
        assert all(torch.equal(plane < 0, ignored) for plane in mask)
        columns = ignored.any(dim=0)
        assert torch.equal(ignored, columns.expand_as(ignored))  # whole columns, on one side of the window
        assert (columns[1:] != columns[:-1]).sum() <= 1
        partly += bool(columns.any() and not columns.all())
        same_pixels, same = finished(segmenter, whole[item])
        assert isinstance(same, torch.Tensor)
        if torch.equal(pixels, same_pixels):  # the same window was drawn
            torch.testing.assert_close(mask[:, ~ignored], same[:, ~ignored], atol=0.02, rtol=0)
        _, (defective, pooled) = finished(classifier, cells[item])
        assert float(defective) == float(mask.max() >= 0.5)
        touched = F.max_pool2d(ignored[None].float(), CELL)[0] > 0
        assert torch.equal(pooled < 0, touched & (F.max_pool2d(mask, CELL) < 0.5))
    assert partly > 5
    plain = plain_target(segmenter, half[0])
    assert np.array_equal(finished(segmenter, PlainImages(segmenter, half)[0])[1], plain)
    assert (plain[:, :, 400:] == -1).all()
    assert (plain[:, :, :400] >= 0).all()
