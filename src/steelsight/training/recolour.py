"""Brightness, contrast, hue and saturation of a batch of images, each by its own amount, on whatever device it is."""

import torch
from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)
"""ITU-R BT.601, as torchvision weighs red, green and blue."""


def recolour(pixels: Tensor, brightness: Tensor, contrast: Tensor, inside: Tensor | None = None) -> Tensor:
    """Brightness is added, contrast stretches about the mean of each channel, in place.

    Args:
        pixels: float32 (n, channels, height, width).
        brightness, contrast: (n,).
        inside: bool (n, 1, height, width), the pixels that the mean is of; None for all.

    Returns:
        (pixels - mean) contrast + mean + brightness, not clipped.
    """
    if inside is None:
        mean = pixels.mean((2, 3), keepdim=True)
    else:
        mean = (pixels * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True)
    contrast, brightness = contrast[:, None, None, None], brightness[:, None, None, None]
    return (pixels - mean).mul_(contrast).add_(mean + brightness)


def change_colour(pixels: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """Turn the hue, then blend with grey, as torchvision's `adjust_hue` and `adjust_saturation` do for one image.

    Args:
        pixels: float32 (n, 3, height, width) in [0, 1].
        hue: (n,), in turns; saturation: (n,), 0 is grey and 1 no change.
    """
    turned = turn_hue(pixels, hue)
    grey = sum(channel * weight for channel, weight in zip(torch.split(turned, 1, 1), _LUMA, strict=True))
    kept = saturation[:, None, None, None]
    return (turned * kept).add_(grey * (1 - kept)).clamp_(0, 1)


def turn_hue(pixels: Tensor, turns: Tensor) -> Tensor:
    """Add to the hue of HSV (Smith 1978), value and saturation kept.

    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> turn_hue(red, torch.tensor([1 / 3])).flatten().round(decimals=6).tolist()
    [0.0, 1.0, 0.0]
    """
    greatest, chroma = pixels.amax(1), pixels.amax(1) - pixels.amin(1)
    red, green, blue = pixels.unbind(1)
    divided = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sixths = torch.where(
        greatest == red,
        (green - blue) / divided,
        torch.where(greatest == green, 2 + (blue - red) / divided, 4 + (red - green) / divided),
    )
    sixths = sixths + 6 * turns[:, None, None]
    channels = []
    for shift in (5, 3, 1):
        distance = (sixths + shift).remainder(6)
        channels.append(greatest - chroma * torch.minimum(distance, 4 - distance).clamp(0, 1))
    return torch.stack(channels, 1)
