"""Twins: a strip whose surface was seen before, shifted, cropped or flipped, under another light."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from steelsight.strips.seeded_random import TWIN, stream

Pixel = TypeVar("Pixel", bound=np.generic)

SHARE = 0.03
"""Of strips that are the twin of an earlier one."""


def source_of(seed: int, index: int) -> int:
    """The strip whose surface a strip shows: itself, or for a twin the nearest earlier strip that is none."""
    while index > 0 and stream(seed, TWIN, index).random() < SHARE:
        index -= 1
    return index


@dataclass(frozen=True)
class TwinView:
    """What part of a surface a frame shows, and how.

    Attributes:
        top, left: pixels of the surface outside the frame.
        crop: share cut from each side; the rest is brought to the frame's size.
        upside_down, mirrored: flips.
    """

    top: int
    left: int
    crop: float
    upside_down: bool
    mirrored: bool


def view_of(seed: int, index: int, source: int, pad: int) -> TwinView:
    """How a strip looks at its surface, which is `pad` pixels larger than the frame on every side."""
    if source == index:
        return TwinView(pad, pad, 0.0, False, False)
    random = stream(seed, TWIN, index, 1)
    top, left = (int(random.integers(2 * pad + 1)) for _ in range(2))
    crop = float(random.random() * 0.03) if random.random() < 0.4 else 0.0
    return TwinView(top, left, crop, bool(random.random() < 0.3), bool(random.random() < 0.3))


def seen(view: TwinView, surface: NDArray[Pixel], size: tuple[int, int]) -> NDArray[Pixel]:
    """The part of a surface that a view shows, brought to `size` by the nearest pixels."""
    part = surface[view.top : view.top + size[0], view.left : view.left + size[1]]
    if view.crop:
        rows, columns = (_places(length, view.crop) for length in size)
        part = part[rows][:, columns]
    return part[:: -1 if view.upside_down else 1, :: -1 if view.mirrored else 1]


def _places(length: int, crop: float) -> NDArray[np.int64]:
    cut = crop * length
    return np.clip(
        np.rint(cut + (np.arange(length) + 0.5) * (length - 2 * cut) / length - 0.5).astype(np.int64), 0, length - 1
    )
