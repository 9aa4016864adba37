"""How members combine: each map rounded to 8 bit, plain mean, brought to the image's size, rounded again.

What is tuned on stored evidence (8-bit maps at the member's size) is thereby exactly what is deployed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.preprocess import Preprocess


def to_8bit(probabilities: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round probabilities in [0, 1] to the 8-bit grid; same shape, uint8.

    >>> to_8bit(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 128, 255]
    """
    scaled = np.clip(probabilities, 0.0, 1.0).astype(np.float32) * np.float32(255)
    rounded: NDArray[np.uint8] = np.floor(scaled + np.float32(0.5)).astype(np.uint8)
    return rounded


def combine_probabilities(members: Sequence[float] | NDArray[np.floating]) -> float:
    """P(defect) of an image: the plain mean of its members' probabilities, in float64."""
    return float(np.mean(np.asarray(members, dtype=np.float64)))


def may_exceed(maps: Sequence[NDArray[np.uint8]], levels: Sequence[int]) -> NDArray[np.bool_]:
    """For each class, whether any pixel of the combined map can exceed its level: bool (classes,).

    Resizing only averages, so that no pixel exceeds the mean of the members' greatest values. A class that cannot exceed
    its upper threshold has no mask, and need not be brought to the image's size at all.

    Args:
        maps: as in `combine_maps`.
        levels: one per class, 0..255.

    >>> may_exceed([np.array([[[9, 1]], [[7, 0]]], np.uint8)], [8, 8]).tolist()
    [True, False]
    """
    greatest = np.mean([map_.max(axis=(1, 2)) for map_ in maps], axis=0)
    # a pixel is rounded to the nearest level; the margin covers float32 in the resize
    return np.asarray(greatest > np.asarray(levels) + (0.5 - 0.01))


def combine_maps(
    maps: Sequence[NDArray[np.uint8]], preprocesses: Sequence[Preprocess], image_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Mean probability map of an image at its own size.

    Members that share a `Preprocess` are averaged at the working size and brought back once; the resize is linear, so
    averaging first only saves work.

    Args:
        maps: one uint8 (classes, height, width) map per member, each at its member's working size.
        preprocesses: how the image reached each member.
        image_size: height and width of the image.

    Returns:
        uint8 (classes, image height, image width).
    """
    groups: dict[Preprocess, list[NDArray[np.uint8]]] = {}
    for map_, preprocess in zip(maps, preprocesses, strict=True):
        groups.setdefault(preprocess, []).append(map_)
    total: NDArray[np.float32] | None = None
    for preprocess, group in groups.items():
        mean = group[0].astype(np.float32)
        for other in group[1:]:
            mean += other
        mean /= np.float32(len(group))
        back = preprocess.map_to_image(mean, image_size) * np.float32(len(group) / len(maps))
        total = back if total is None else total + back
    if total is None:
        raise ValueError("combine_maps needs at least one map")
    rounded: NDArray[np.uint8] = np.clip(np.floor(total + np.float32(0.5)), 0, 255).astype(np.uint8)
    return rounded
