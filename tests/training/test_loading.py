"""What a network is given to learn from: the truth of a window is what the window shows."""

import torch
from helpers.training_samples import member, severstal
from torch.nn import functional as F

from steelsight.networks.cells import CELL
from steelsight.training.loading import PlainImages, TrainingImages

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
