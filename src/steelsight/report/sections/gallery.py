"""Section Gallery: truth against prediction, the best, the median, the worst, and some at random."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.read import ImageError, read_image
from steelsight.metrics.dice import pair_dice
from steelsight.plots.outlines import PREDICTION, TRUTH, Outline, jpeg, outlined, page_width
from steelsight.plots.style import class_names
from steelsight.rule.pixel_counts import PixelCounts

PredictedMasks = Callable[[int], NDArray[np.bool_]]
"""Position of an image -> its out-of-fold masks, bool (classes, H, W), at the image's own size."""


@dataclass(frozen=True)
class Picture:
    """One image of the gallery and its figures."""

    source: Markup
    width: int
    image_id: str
    fold: int
    p_defect: float
    dice: float
    pairs: tuple[str, ...]


@dataclass(frozen=True)
class Shelf:
    """Images of one kind; `total` of them are in the data."""

    title: str
    text: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class GalleryView:
    """What the template of this section reads."""

    shelves: tuple[Shelf, ...]
    unreadable: int


@dataclass(frozen=True, eq=False)
class GalleryChoice:
    """Positions of the images of each shelf."""

    best: tuple[int, ...]
    median: tuple[int, ...]
    worst: tuple[int, ...]
    random: tuple[int, ...]
    false_alarms: tuple[int, ...]


def image_dice(counts: PixelCounts) -> NDArray[np.float64]:
    """Dice of each image with its classes pooled: float64 (N,), 1 where truth and prediction are both empty."""
    return pair_dice(counts.intersection.sum(axis=1), counts.predicted.sum(axis=1), counts.truth.sum(axis=1))


def choose(counts: PixelCounts, each: int = 4) -> GalleryChoice:
    """Pick the images to show.

    Best, median and worst are of the images with a defect, by Dice with classes pooled; of several missed alike, the
    largest defect comes first. Random ones are drawn from all others with a defect or a mask, the same each time. False
    alarms are the defect-free images with the largest marked areas. No image stands on two shelves.
    """
    dice = image_dice(counts)
    truth, predicted = counts.truth.sum(axis=1), counts.predicted.sum(axis=1)
    defective = np.flatnonzero(truth > 0)
    order = defective[np.lexsort((-truth[defective], dice[defective]))].tolist()
    each = min(each, -(-len(order) // 3))
    worst, rest = order[:each], order[each:]
    best, rest = (rest[::-1][:each], rest[: max(0, len(rest) - each)])
    middle = np.searchsorted(dice[rest], np.median(dice[defective])) if rest else 0
    start = int(np.clip(middle - each // 2, 0, max(0, len(rest) - each)))
    clean = np.flatnonzero((truth == 0) & (predicted > 0))
    alarms = clean[np.argsort(-predicted[clean], kind="stable")][:each].tolist()
    median = rest[start : start + each]
    others = np.setdiff1d(np.flatnonzero(truth + predicted > 0), [*best, *median, *worst, *alarms]).tolist()
    drawn = np.random.default_rng(0).permutation(others)[:each].astype(int).tolist()
    return GalleryChoice(tuple(best), tuple(median), tuple(worst), tuple(drawn), tuple(alarms))


def gallery_view(
    samples: Sequence[Sample],
    folds: NDArray[np.int64],
    p_defect: NDArray[np.float64],
    counts: PixelCounts,
    classes: Sequence[str],
    predicted: PredictedMasks,
) -> GalleryView:
    """Draw truth and out-of-fold prediction of the chosen images."""
    chosen = choose(counts)
    dice = image_dice(counts)
    pair = pair_dice(counts.intersection, counts.predicted, counts.truth)
    names = class_names(classes)
    unreadable = 0

    def drawn(at: int) -> Picture | None:
        nonlocal unreadable
        sample = samples[at]
        try:
            image = read_image(sample.path)
        except ImageError:
            unreadable += 1
            return None
        outlines = [Outline(sample.mask(), TRUTH), Outline(predicted(at), PREDICTION, "dashed")]
        picture = outlined(image, outlines, classes)
        return Picture(
            source=jpeg(picture),
            width=page_width(picture),
            image_id=sample.image_id,
            fold=int(folds[at]),
            p_defect=float(p_defect[at]),
            dice=float(dice[at]),
            pairs=tuple(
                _pair(names[index], pair[at, index], counts.truth[at, index], counts.predicted[at, index])
                for index in range(len(classes))
                if counts.truth[at, index] or counts.predicted[at, index]
            ),
        )

    def shelf(title: str, text: str, positions: Sequence[int]) -> Shelf:
        return Shelf(title, text, tuple(picture for at in positions if (picture := drawn(at)) is not None))

    missed = int(((counts.predicted.sum(axis=1) == 0) & (counts.truth.sum(axis=1) > 0)).sum())
    alarms = int(((counts.predicted.sum(axis=1) > 0) & (counts.truth.sum(axis=1) == 0)).sum())
    clean = int((counts.truth.sum(axis=1) == 0).sum())
    defective = len(samples) - clean
    shelves = (
        shelf("Best", "", chosen.best),
        shelf("Median", "", chosen.median),
        shelf("Worst", f"In {missed} of {defective} images with a defect, nothing is marked at all.", chosen.worst),
        shelf("Random", "Drawn from all other images with a defect or a mask.", chosen.random),
        shelf(
            "False alarms",
            f"In {alarms} of {clean} images without a defect, something is marked; the largest areas first.",
            chosen.false_alarms,
        ),
    )
    return GalleryView(shelves, unreadable)


def _pair(name: str, dice: float, truth: int, predicted: int) -> str:
    return f"{name}: Dice {dice:.3f} (true {truth:,} px, marked {predicted:,} px)"
