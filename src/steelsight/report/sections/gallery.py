"""The twelve images that the report begins with: truth against prediction, the best, typical ones, some at
random, the worst, false alarms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.read import ImageError, read_image
from steelsight.metrics.defects import Defects
from steelsight.metrics.dice import pair_dice
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import PREDICTION, TRUTH, Outline, jpeg, outlined, page_width
from steelsight.rule.pixel_counts import PixelCounts

_SHOWN = 12
_OF_EACH = 2  # kinds; of what was missed and of false alarms there is one more
_HALF = 572  # pixels of a picture: two beside each other

PredictedMasks = Callable[[int], NDArray[np.bool_]]
"""Position of an image -> its out-of-fold masks, bool (classes, H, W), at the image's own size."""


@dataclass(frozen=True)
class Picture:
    """One image of the gallery: why it is shown, what was found in it, and its figures."""

    source: Markup
    width: int
    image_id: str
    kind: str
    said: str
    p_defect: float
    dice: float

    @property
    def is_strip(self) -> bool:
        """Whether it is shown as wide as half the page."""
        return self.width > _HALF // 2


@dataclass(frozen=True)
class GalleryView:
    """What the template of this section reads.

    Attributes:
        missed: images with a defect in which nothing is marked; `false_alarms` those without one in which something is.
    """

    pictures: tuple[Picture, ...]
    unreadable: int
    missed: int
    defective: int
    false_alarms: int
    clean: int


@dataclass(frozen=True, eq=False)
class GalleryChoice:
    """Positions of the images of each kind."""

    best: tuple[int, ...]
    median: tuple[int, ...]
    worst: tuple[int, ...]
    random: tuple[int, ...]
    false_alarms: tuple[int, ...]


def image_dice(counts: PixelCounts) -> NDArray[np.float64]:
    """Dice of each image with its classes pooled: float64 (N,), 1 where truth and prediction are both empty."""
    return pair_dice(counts.intersection.sum(axis=1), counts.predicted.sum(axis=1), counts.truth.sum(axis=1))


def choose(counts: PixelCounts, each: int = 3) -> GalleryChoice:
    """Pick the images to show.

    Best, median and worst are of the images with a defect, by Dice with classes pooled; of several missed alike, the
    largest defect comes first. Random ones are drawn from all other images with a defect, the same each time. False alarms
    are the defect-free images with the largest marked areas. No image is of two kinds.
    """
    dice = image_dice(counts)
    truth, predicted = counts.truth.sum(axis=1), counts.predicted.sum(axis=1)
    defective = np.flatnonzero(truth > 0)
    order = defective[np.lexsort((-truth[defective], dice[defective]))].tolist()
    clean = np.flatnonzero((truth == 0) & (predicted > 0))
    alarms = clean[np.argsort(-predicted[clean], kind="stable")][:each].tolist()
    each = min(each, -(-len(order) // 3))
    worst, rest = order[:each], order[each:]
    best, rest = (rest[::-1][:each], rest[: max(0, len(rest) - each)])
    middle = np.searchsorted(dice[rest], np.median(dice[defective])) if rest else 0
    start = int(np.clip(middle - each // 2, 0, max(0, len(rest) - each)))
    median = rest[start : start + each]
    others = np.setdiff1d(defective, [*best, *median, *worst]).tolist()
    drawn = np.random.default_rng(0).permutation(others)[:each].astype(int).tolist()
    return GalleryChoice(tuple(best), tuple(median), tuple(worst), tuple(drawn), tuple(alarms))


def twelve(counts: PixelCounts) -> list[tuple[str, int]]:
    """Kind and position of the images to show: two or three of each kind, and where a kind has fewer, further defective ones,
    the worst first. An image of low Dice may have each defect found: it is not called missed."""
    chosen = choose(counts)
    marked = counts.intersection.sum(axis=1) > 0
    shown = [
        *(("found best" if marked[at] else "missed", at) for at in chosen.best[:_OF_EACH]),
        *(("typical", at) for at in chosen.median[:_OF_EACH]),
        *(("at random", at) for at in chosen.random[:_OF_EACH]),
        *(("lowest Dice" if marked[at] else "missed most", at) for at in chosen.worst),
    ]
    alarms = [("false alarm", at) for at in chosen.false_alarms]
    dice, truth = image_dice(counts), counts.truth.sum(axis=1)
    order = sorted(np.flatnonzero(truth > 0).tolist(), key=lambda at: (dice[at], -truth[at]))
    taken = {at for _, at in shown}
    more = [("low Dice" if marked[at] else "missed", at) for at in order if at not in taken]
    return [*shown, *more[: _SHOWN - len(shown) - len(alarms)], *alarms]


def gallery_view(
    samples: Sequence[Sample],
    p_defect: NDArray[np.float64],
    counts: PixelCounts,
    classes: Sequence[str],
    predicted: PredictedMasks,
    defects: Defects,
) -> GalleryView:
    """Draw truth and out-of-fold prediction of the chosen images.

    Args:
        defects: of the same images, by the same masks.
    """
    dice = image_dice(counts)
    truth, marked = counts.truth.sum(axis=1) > 0, counts.predicted.sum(axis=1) > 0

    def drawn(kind: str, at: int) -> Picture | None:
        sample = samples[at]
        try:
            image = read_image(sample.path)
        except ImageError:
            return None
        outlines = [Outline(sample.mask(), TRUTH), Outline(predicted(at), PREDICTION, "dashed")]
        picture = outlined(hatched(image, sample.ignored_mask()), outlines, classes, _HALF)
        width = page_width(picture)
        return Picture(
            jpeg(picture), width, sample.image_id, kind, _said(defects, at), float(p_defect[at]), float(dice[at])
        )

    chosen = twelve(counts)
    pictures = tuple(picture for kind, at in chosen if (picture := drawn(kind, at)) is not None)
    return GalleryView(
        pictures=pictures,
        unreadable=len(chosen) - len(pictures),
        missed=int((truth & ~marked).sum()),
        defective=int(truth.sum()),
        false_alarms=int((~truth & marked).sum()),
        clean=int((~truth).sum()),
    )


def _said(defects: Defects, at: int) -> str:
    """What was found in an image, and what was marked for nothing."""
    found = defects.found[defects.annotated[:, 0] == at]
    false = int(defects.false[defects.marked[:, 0] == at].sum())
    alarms = f"{false} false alarm{'' if false == 1 else 's'}" if false else ""
    if not found.size:
        return f"no defect; {alarms}" if alarms else "no defect"
    of = f"found {int(found.sum())} of {found.size} defect{'' if found.size == 1 else 's'}"
    return f"{of}; {alarms}" if alarms else of
