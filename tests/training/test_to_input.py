"""A batch on the device against numpy, image by image: brightness and colour, borders, zooms, normalisation."""

from typing import Any

import numpy as np
import pytest
import torch
from helpers.training_samples import apply, apply_to_mask, member, severstal
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as colour

from steelsight.imaging.preprocess import Preprocess, resize
from steelsight.imaging.read import read_image
from steelsight.recipe import Member
from steelsight.training.augment import AugmentParams, draw

ROUNDING = 4e-6
"""Of some ten operations in float32 on values up to 2, and of OpenCV's coefficients in the zooms."""

OURS = ("members.*.augment.zoom_at=image", "members.*.augment.recolour=image")
MEMBERS = {
    "windows": member(
        "segment-lite0", "members.*.input={height: 64, width: 192, colour: rgb, mean: 0.4, deviation: 0.3}"
    ),
    "ours": member("segment-b0-strategy-1", *OURS, recipe="paper"),
    "padded": member(
        "segment-b0-strategy-1",
        *OURS,
        "members.*.input.fit=pad",
        "members.*.input.width=256",
        "rule=null",
        recipe="paper",
    ),
    "reference": member("segment-b0-strategy-1", recipe="paper"),
}


def recoloured(pixels: NDArray[np.float32], chance: AugmentParams) -> NDArray[np.float32]:
    """One image, (height, width) or (height, width, 3), by numpy and torchvision."""
    if pixels.ndim == 3:
        tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        tensor = colour.adjust_saturation(colour.adjust_hue(tensor, chance.hue), chance.saturation)
        pixels = np.ascontiguousarray(tensor.numpy().transpose(1, 2, 0))
    mean = pixels.mean((0, 1), dtype=np.float64).astype(np.float32)  # numpy's own in float32 is 1e-5 off
    changed = (pixels - mean) * np.float32(chance.contrast) + (mean + np.float32(chance.brightness))
    return changed if chance.whole_input else np.clip(changed, 0, 1)


def placed(pixels: NDArray[Any], preprocess: Preprocess, chance: AugmentParams, change: Any) -> NDArray[np.float32]:
    """Crop, resize, change, lay on black, flip: one image after another, as it was done before batches."""
    top, left, height, width = chance.crop
    frame = preprocess.frame((height, width))
    if chance.at_working:
        pixels = preprocess.place(pixels).astype(np.float32)
        frame = (0, 0, preprocess.height, preprocess.width)
    part = np.ascontiguousarray(pixels[top : top + height, left : left + width])
    inner = (max(1, round(frame[2] * chance.shrink)), max(1, round(frame[3] * chance.shrink)))
    small = change(resize(part, inner).astype(np.float32) * np.float32(1 / 255))
    canvas = np.zeros((preprocess.height, preprocess.width, *pixels.shape[2:]), np.float32)
    y = frame[0] + round((frame[2] - inner[0]) * chance.place[0])
    x = frame[1] + round((frame[3] - inner[1]) * chance.place[1])
    canvas[y : y + inner[0], x : x + inner[1]] = small
    return canvas[:: -1 if chance.flip_vertical else 1, :: -1 if chance.flip_horizontal else 1]


def expected(image: Any, preprocess: Preprocess, chance: AugmentParams) -> NDArray[np.float32]:
    if chance.whole_input:
        return preprocess.normalise(recoloured(placed(image, preprocess, chance, lambda part: part), chance))
    return preprocess.normalise(placed(image, preprocess, chance, lambda part: recoloured(part, chance)))


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("coloured", [False, True])
def test_a_batch_is_what_numpy_makes_of_each_image(name: str, coloured: bool, later: bool) -> None:
    of: Member = MEMBERS[name]
    for seed, sample in enumerate(severstal().samples[:24]):
        image = read_image(sample.path)
        if coloured:
            shades = np.random.default_rng(seed).random(3)
            image = np.stack([(image * shade).astype(np.uint8) for shade in shades], -1)
        chance = draw(of, sample, np.random.default_rng(seed))
        preprocess = of.training_preprocess
        found = apply(image, preprocess, chance, later=later and chance.at_working)
        assert found.dtype == np.float32
        assert np.abs(found - expected(image, preprocess, chance)).max() < ROUNDING / of.input.deviation
        mask = sample.mask()
        truth = apply_to_mask(mask, preprocess, chance, later=later and chance.at_working)
        for plane, one in zip(mask, truth, strict=True):
            grey = plane.view(np.uint8) * np.uint8(255)
            assert np.abs(one - placed(grey, preprocess, chance, lambda part: part)).max() < ROUNDING
