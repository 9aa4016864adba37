"""How networks combine: by the mean of probabilities or of log odds, or by votes; maps are of 8 bit before and after.

What is tuned on stored evidence (8-bit maps at the member's size) is thereby exactly what is deployed. One network alone
says the same by either way.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.preprocess import Preprocess

Combine = Literal["mean", "logits", "votes"]
"""`mean`: of the probabilities, as in the reference solution. `logits`: the probability whose logit is the mean of theirs:
a network that is sure counts for more than one that is not. `votes`: a pixel gets the value that enough networks reach (see
`needed`), so that it exceeds a threshold if and only if so many of them do: a threshold that was found on single networks
means the same for all together, however sure each is of itself; P(defect) is that of `logits`."""

CutAt = Literal["image", "working"]
"""Where a combined map becomes masks: at the `image`'s own size, to which it is brought bilinearly; or at the networks'
`working` size, which is the same as bringing it to the image's pixel by pixel, so that masks are cut in blocks."""

_SUREST = 1e-6
"""P(defect) nearer to 0 or 1 counts as this: no network alone decides for all."""

_NEAREST = 1.5 / 255
"""The same of a map's pixel: the outermost two levels of 8 bit count alike, since the step between them would move the log
odds by more than 1, and a rounding of one network would decide."""


def needed(networks: int) -> int:
    """How many of the networks must reach a value: two of five, and never fewer than two, unless there is one alone.

    >>> [needed(networks) for networks in (1, 2, 3, 5, 10, 15)]
    [1, 2, 2, 2, 4, 6]
    """
    return min(networks, max(2, round(0.4 * networks)))


def to_8bit(probabilities: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round probabilities in [0, 1] to the 8-bit grid; same shape, uint8.

    >>> to_8bit(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 128, 255]
    """
    return round_levels(probabilities.astype(np.float32, copy=False) * np.float32(255))


def round_levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """To the nearest level of 8 bit, halves up; `values` are used up, since arrays of an image's size cost more than sums.

    >>> round_levels(np.array([-1.0, 0.49, 0.5, 254.6, 300.0], np.float32)).tolist()
    [0, 0, 1, 255, 255]
    """
    values += np.float32(0.5)
    rounded: NDArray[np.uint8] = np.clip(values, 0, 255, out=values).astype(np.uint8)
    return rounded


def combine_probabilities(members: Sequence[float] | NDArray[np.floating], combine: Combine = "mean") -> float:
    """P(defect) of an image from its networks' probabilities, in float64.

    >>> round(combine_probabilities([0.5, 0.9], "logits"), 12)  # odds of 1 and 9: 3 is half-way between
    0.75
    """
    said = np.asarray(members, dtype=np.float64)
    if combine == "mean" or said.size == 1:
        return float(np.mean(said))
    logit = float(np.mean(_logit(said, _SUREST)))
    return float(1 / (1 + np.exp(-logit)))


def may_exceed(
    maps: Sequence[NDArray[np.uint8]], levels: Sequence[int], combine: Combine = "mean", *, more: int = 0
) -> NDArray[np.bool_]:
    """For each class, whether any pixel of the combined map can exceed its level: bool (classes,).

    Resizing only averages, so that no pixel exceeds what the members' greatest values combine to. A class that cannot
    exceed its upper threshold has no mask, and need not be brought to the image's size at all.

    Args:
        maps: as in `combine_maps`.
        levels: one per class, 0..255.
        more: maps that are not known yet, which may be anything.

    >>> may_exceed([np.array([[[9, 1]], [[7, 0]]], np.uint8)], [8, 8]).tolist()
    [True, False]
    >>> may_exceed([np.array([[[9, 1]], [[7, 0]]], np.uint8)] * 2, [91, 90], more=1).tolist()  # (7 + 7 + 255) / 3
    [False, False]
    """
    return greatest_levels(maps, combine, more=more) > np.asarray(levels)


def greatest_levels(
    maps: Sequence[NDArray[np.uint8]], combine: Combine = "mean", *, more: int = 0
) -> NDArray[np.int64]:
    """For each class, a level that no pixel of the combined map exceeds: int64 (classes,).

    Args:
        maps: as in `combine_maps`.
        more: maps that are not known yet, which may be anything.

    >>> greatest_levels([np.array([[[9, 1]], [[7, 0]]], np.uint8), np.array([[[0, 6]], [[7, 0]]], np.uint8)]).tolist()
    [8, 7]
    """
    known = [map_.max(axis=(1, 2)) for map_ in maps]
    greatest = _combined([*known, *[np.full_like(known[0], 255)] * more], combine)
    # a pixel is rounded to the nearest level; the margin covers float32 in the resize and in the logits
    limits: NDArray[np.int64] = np.floor(greatest + (0.5 + 0.01)).astype(np.int64)
    return limits


def combine_maps(
    maps: Sequence[NDArray[np.uint8]],
    preprocesses: Sequence[Preprocess],
    image_size: tuple[int, int],
    combine: Combine = "mean",
    at: CutAt = "image",
) -> NDArray[np.uint8]:
    """The combined probability map of an image at its own size.

    Networks that share a `Preprocess` are combined at the working size and brought back once; those of other sizes are
    combined with them at the image's.

    Args:
        maps: one uint8 (classes, height, width) map per network, each at its working size.
        preprocesses: how the image reached each network.
        image_size: height and width of the image.
        combine: probabilities or logits.
        at: where masks are cut; at `working` the networks must share their `Preprocess`.

    Returns:
        uint8 (classes, image height, image width), probability times 255.
    """
    return round_levels(combined_levels(maps, preprocesses, image_size, combine, at))


def combined_levels(
    maps: Sequence[NDArray[np.uint8]],
    preprocesses: Sequence[Preprocess],
    image_size: tuple[int, int],
    combine: Combine = "mean",
    at: CutAt = "image",
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """What `combine_maps` rounds: float32 (classes, image height, image width), in [0, 255].

    Args:
        out: where the result may be put, of its shape; only what is returned counts.
    """
    groups: dict[Preprocess, list[NDArray[np.uint8]]] = {}
    for map_, preprocess in zip(maps, preprocesses, strict=True):
        groups.setdefault(preprocess, []).append(map_)
    if not groups:
        raise ValueError("combine_maps needs at least one map")
    if at == "working":
        if len({preprocess.frame(image_size) for preprocess in groups}) > 1:
            raise ValueError("masks are to be cut at the working size, and the networks have several")
        return next(iter(groups)).map_to_image(_combined(maps, combine), image_size, in_blocks=True, out=out)
    if combine == "votes" and len(groups) > 1:
        said = [
            preprocess.map_to_image(map_.astype(np.float32), image_size)
            for map_, preprocess in zip(maps, preprocesses, strict=True)
        ]
        return _reached(said)
    if len(groups) == 1:
        return next(iter(groups)).map_to_image(_combined(maps, combine), image_size, out=out)
    total = np.zeros((len(maps[0]), *image_size), np.float32)
    for preprocess, group in groups.items():
        back = preprocess.map_to_image(_combined(group, combine), image_size, out=out)
        if combine == "logits":
            back = np.asarray(_logit(back / np.float32(255), _NEAREST), np.float32)
        total += back * np.float32(len(group) / len(maps))
    if combine == "logits":
        total = _probability(total) * np.float32(255)
    return total


def _reached(maps: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The value that as many of the maps reach as are needed, at each place."""
    greatest: list[NDArray[Any]] = []  # of the maps so far, the first being that of all
    for map_ in maps:
        left = map_
        for place, least in enumerate(greatest):
            greatest[place], left = np.maximum(least, left), np.minimum(least, left)
        if len(greatest) < needed(len(maps)):
            greatest.append(left)
    return greatest[-1]


def _combined(maps: Sequence[NDArray[np.uint8]], combine: Combine) -> NDArray[np.float32]:
    """Combined values of 8-bit maps of one shape: float32 in [0, 255], not rounded."""
    if combine == "votes":
        return _reached(maps).astype(np.float32)
    if len(maps) == 1:
        return maps[0].astype(np.float32)
    if combine == "mean":
        mean = maps[0].astype(np.float32)
        for other in maps[1:]:
            mean += other
        return mean / np.float32(len(maps))
    total = _LOGITS[maps[0]]
    for other in maps[1:]:
        total += _LOGITS[other]
    return _probability(total / np.float32(len(maps))) * np.float32(255)


def _logit(probabilities: NDArray[np.floating], surest: float) -> NDArray[np.floating]:
    inside = np.clip(probabilities, surest, 1 - surest)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _probability(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


_LOGITS = np.asarray(_logit(np.arange(256) / 255, _NEAREST), np.float32)
