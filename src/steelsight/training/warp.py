"""The zooms of a batch that is at its working size, as two products of matrices an image: one for rows, one for columns.

They say what `training/augment.place` says by OpenCV: area means when shrinking, else bilinear. On a GPU a batch takes two
launches, however many images and planes it has.
"""

import torch
from torch import Tensor

_LEAST = 1e-3  # of a source pixel: OpenCV leaves out what an area mean covers less of

PLACES = 10
"""Numbers that say how an image is warped: crop (top, left, height, width), place (the same four), flips (vertical,
horizontal)."""


def warp(planes: Tensor, places: Tensor) -> Tensor:
    """Crop, resize, lay on black and flip.

    Args:
        planes: float32 (n, planes, height, width).
        places: integers (n, PLACES).

    Returns:
        float32, same shape.
    """
    height, width = planes.shape[2:]
    at = places.to(torch.float64)
    top, left, tall, wide, to_top, to_left, to_tall, to_wide, vertical, horizontal = at.unbind(1)
    shrinks = (to_tall <= tall) & (to_wide <= wide)
    rows = _weights(height, top, tall, to_top, to_tall, vertical, shrinks)
    columns = _weights(width, left, wide, to_left, to_wide, horizontal, shrinks)
    return (rows[:, None] @ planes) @ columns[:, None].transpose(2, 3)


def _weights(
    size: int, start: Tensor, length: Tensor, to_start: Tensor, to_length: Tensor, flipped: Tensor, shrinks: Tensor
) -> Tensor:
    """How much of each source line is in each line of the result: float32 (n, size, size); rows beyond the place are 0."""
    start, length, to_start, to_length, flipped = (
        one[:, None, None] for one in (start, length, to_start, to_length, flipped)
    )
    lines = torch.arange(size, dtype=torch.float64, device=start.device)
    source = lines[None, None, :] - start
    target = lines[None, :, None]
    target = torch.where(flipped > 0, size - 1 - target, target) - to_start
    scale = length / to_length
    within = (source >= 0) & (source < length) & (target >= 0) & (target < to_length)
    # area: the share of the source line in the stretch that the target line covers
    first, last = target * scale, (target + 1) * scale
    covered = (torch.minimum(last, source + 1) - torch.maximum(first, source)).clamp(0, 1)
    covered = torch.where(covered > _LEAST, covered, torch.zeros_like(covered))
    area = covered / torch.minimum(scale, length - first)
    # bilinear: the two lines next to the middle of the target line, the outermost repeated
    middle = ((target + 0.5) * scale - 0.5).clamp(min=0).minimum(length - 1)
    linear = (1 - (source - middle).abs()).clamp(min=0)
    weights = torch.where(shrinks[:, None, None], area, linear)
    return torch.where(within, weights, torch.zeros_like(weights)).to(torch.float32)
