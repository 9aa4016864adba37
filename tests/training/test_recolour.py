"""Colour of a batch against torchvision's functions for one image."""

import torch
from torchvision.transforms.v2 import functional as colour

from steelsight.training.recolour import change_colour, recolour


def test_hue_and_saturation_are_torchvisions_of_each_image() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.rand(12, 3, 20, 30, generator=random)
    images[0] = images[0, :1]  # grey
    images[1, :, :5] = 0
    hue = torch.rand(12, generator=random) - 0.5
    saturation = torch.rand(12, generator=random) * 2
    for image, turn, share, found in zip(images, hue, saturation, change_colour(images, hue, saturation), strict=True):
        expected = colour.adjust_saturation(colour.adjust_hue(image, float(turn)), float(share))
        assert torch.allclose(found, expected, atol=2e-6)


def test_contrast_is_about_the_mean_of_what_is_no_border() -> None:
    images = torch.zeros(2, 1, 4, 8)
    images[:, :, :2] = torch.tensor([0.2, 0.6]).repeat(2, 1, 2, 4)
    inside = torch.zeros(2, 1, 4, 8, dtype=torch.bool)
    inside[:, :, :2] = True
    found = recolour(images, torch.tensor([0.0, 0.1]), torch.tensor([2.0, 1.0]), inside)
    assert torch.allclose(found[0, 0, 0, :2], torch.tensor([0.0, 0.8]), atol=1e-6)
    assert torch.allclose(found[1, 0, 0, :2], torch.tensor([0.3, 0.7]), atol=1e-6)
    assert images[0, 0, 0, 0] == 0.2  # what came in is as it was
