"""The competition's Dice over (image, class) pairs, the floor an empty answer reaches, and their companions."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class DiceFigures:
    """What a set of masks is worth; a mean over no pairs is nan.

    Attributes:
        dice: mean Dice over all pairs, in [0, 1]; `per_class` the same over the images of one class.
        floor: what an all-empty answer scores: the share of pairs without a defect; `floor_per_class` likewise.
        defective_dice: mean Dice of the pairs that have a defect; `defective_per_class` likewise.
        false_alarm_share: share of the empty pairs in which something is predicted; `false_alarm_per_class` likewise.
        mean_iou: intersection over union of the pixels of all images, mean over the defect classes that occur: the background
            is no class, and is not counted; `iou_per_class` of each, nan where it does not occur.
        images, pairs: how many were judged; pairs = images times classes.
        defective_pairs_per_class: pairs that have a defect.
        predicted_pairs_per_class: pairs in which something is predicted.
    """

    dice: float
    per_class: tuple[float, ...]
    floor: float
    floor_per_class: tuple[float, ...]
    defective_dice: float
    defective_per_class: tuple[float, ...]
    false_alarm_share: float
    false_alarm_per_class: tuple[float, ...]
    mean_iou: float
    iou_per_class: tuple[float, ...]
    images: int
    pairs: int
    defective_pairs_per_class: tuple[int, ...]
    predicted_pairs_per_class: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and lists for JSON, which knows no nan: None stands there instead."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def pair_dice(intersection: Counts, predicted: Counts, truth: Counts) -> NDArray[np.float64]:
    """Dice of every pair: 2 I / (P + T), and 1 where both masks are empty.

    Source: the evaluation page of the Kaggle competition "Severstal: Steel Defect Detection".

    Args:
        intersection, predicted, truth: pixel counts of one shape, usually (images, classes).

    Returns:
        float64 of the same shape, in [0, 1].

    >>> pair_dice(np.array([5, 0, 0]), np.array([10, 0, 3]), np.array([10, 0, 0])).tolist()
    [0.5, 1.0, 0.0]
    """
    both = np.asarray(predicted, np.int64) + np.asarray(truth, np.int64)
    dice = np.ones(both.shape, np.float64)
    np.divide(2 * np.asarray(intersection, np.int64), both, out=dice, where=both > 0)
    return dice


def dice_figures(intersection: Counts, predicted: Counts, truth: Counts) -> DiceFigures:
    """Sum up pixel counts of every pair.

    Args:
        intersection, predicted, truth: integers (images, classes), pixels at the image's own size.

    Raises:
        ValueError: the shapes differ, nothing is there, or an intersection exceeds a mask.

    >>> figures = dice_figures(np.array([[5, 0]]), np.array([[10, 0]]), np.array([[10, 0]]))
    >>> figures.dice, figures.floor, figures.defective_dice
    (0.75, 0.5, 0.5)
    """
    _check(intersection, predicted, truth)
    dice = pair_dice(intersection, predicted, truth)
    defective = np.asarray(truth) > 0
    marked = np.asarray(predicted) > 0
    iou = _iou(intersection, predicted, truth)
    return DiceFigures(
        dice=float(dice.mean()),
        per_class=_floats(dice.mean(axis=0)),
        floor=float((~defective).mean()),
        floor_per_class=_floats((~defective).mean(axis=0)),
        defective_dice=_ratio(dice[defective].sum(), defective.sum()),
        defective_per_class=_ratios((dice * defective).sum(axis=0), defective.sum(axis=0)),
        false_alarm_share=_ratio((marked & ~defective).sum(), (~defective).sum()),
        false_alarm_per_class=_ratios((marked & ~defective).sum(axis=0), (~defective).sum(axis=0)),
        mean_iou=_ratio(np.nansum(iou), (~np.isnan(iou)).sum()),
        iou_per_class=_floats(iou),
        images=int(dice.shape[0]),
        pairs=int(dice.size),
        defective_pairs_per_class=tuple(defective.sum(axis=0).tolist()),
        predicted_pairs_per_class=tuple(marked.sum(axis=0).tolist()),
    )


def _iou(intersection: Counts, predicted: Counts, truth: Counts) -> NDArray[np.float64]:
    """Of each class over all images, nan where it does not occur: float64 (classes,)."""
    inside, marked, true = (np.asarray(counts, np.int64).sum(axis=0) for counts in (intersection, predicted, truth))
    iou = np.full(true.shape, np.nan)
    np.divide(inside, marked + true - inside, out=iou, where=true > 0)
    return iou


def _check(intersection: Counts, predicted: Counts, truth: Counts) -> None:
    shapes = [np.shape(counts) for counts in (intersection, predicted, truth)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise ValueError(f"intersection, predicted and truth have shapes {shapes}; each must be (images, classes)")
    if (np.asarray(intersection) > np.minimum(predicted, truth)).any():
        raise ValueError("an intersection exceeds its mask; count all three at one size")


def _ratio(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else math.nan


def _ratios(parts: NDArray[Any], wholes: NDArray[Any]) -> tuple[float, ...]:
    return tuple(_ratio(part, whole) for part, whole in zip(parts, wholes, strict=True))


def _floats(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
