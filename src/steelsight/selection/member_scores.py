"""Which members make the ensemble: the best of each step by what they said of images that they did not see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from steelsight.core.cores import on_all_cores
from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Preprocess
from steelsight.recipe import Member, Step
from steelsight.run.cache import cached, key
from steelsight.run.predictions import OutOfFoldPredictions

_SMOOTH = 1.0


@dataclass(frozen=True, eq=False)
class Scores:
    """Out-of-fold scores of the members of a step.

    Attributes:
        members: in the recipe's order.
        values: float64 (members, N), per image, in [0, 1]; nan where an image does not count.
    """

    members: tuple[Member, ...]
    values: NDArray[np.float64]

    def mean(self, images: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mean score of each member over some images: float64 (members,), nan where none of them counts."""
        values = self.values[:, images]
        counted = ~np.isnan(values)
        number = counted.sum(axis=1)
        total = np.where(counted, values, 0.0).sum(axis=1)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)

    def best(self, count: int, images: NDArray[np.bool_], among: Sequence[Member] | None = None) -> tuple[Member, ...]:
        """The `count` best members over some images, in the recipe's order; of equal ones the first.

        Args:
            among: the members that may be chosen; None for all.
        """
        mean = np.nan_to_num(self.mean(images), nan=0.0)
        order = [place for place in np.argsort(-mean, kind="stable") if among is None or self.members[place] in among]
        return tuple(self.members[place] for place in sorted(order[:count]))


def score_members(
    evidence: OutOfFoldPredictions, step: Step, progress: Callable[[int, int], None] | None = None
) -> Scores:
    """Score the members of a step as the reference does.

    A classifier: whether P(defect) > .5 is right. A segmenter: soft Dice of an image with a defect, all classes pooled,
    (2 sum pt + 1) / (sum p + sum t + 1), unthresholded, at the member's working size, where truth has soft edges.

    Args:
        progress: called with (images done, images), over all members.
    """
    members = evidence.members(step)
    values = np.full((len(members), len(evidence.record.samples)), np.nan)
    defective = np.array([sample.is_defective for sample in evidence.record.samples])
    for row, member in enumerate(members):
        if step == "classify":
            values[row] = (evidence.probabilities(member) > 0.5) == defective
        else:
            values[row] = _soft_dice_of(evidence, member, row * defective.size, len(members) * defective.size, progress)
    return Scores(members, values)


def soft_dice(map_: NDArray[np.uint8], truth: NDArray[np.float32], share: NDArray[np.float32] | None = None) -> float:
    """(2 sum pt + 1) / (sum p + sum t + 1) over a map and a truth in [0, 1], both (K, height, width).

    Args:
        share: of each pixel of the map, how much of it counts: (height, width) in [0, 1]; None where all do.

    >>> round(soft_dice(np.full((1, 2, 2), 255, np.uint8), np.ones((1, 2, 2), np.float32)), 6)
    1.0
    """
    probability = map_.astype(np.float32) / np.float32(255)
    if share is not None:
        probability *= share
    overlap = float((probability * truth).sum(dtype=np.float64))
    both = float(probability.sum(dtype=np.float64)) + float(truth.sum(dtype=np.float64))
    return (2 * overlap + _SMOOTH) / (both + _SMOOTH)


def working_truth(sample: Sample, preprocess: Preprocess) -> NDArray[np.float32]:
    """Truth as the member sees it: float32 (K, height, width) in [0, 1], resized with the image."""
    planes = [preprocess.place(plane.astype(np.float32)) for plane in sample.mask()]
    return np.stack(planes).astype(np.float32, copy=False)


def working_share(sample: Sample, preprocess: Preprocess) -> NDArray[np.float32] | None:
    """How much of each pixel counts as the member sees it: float32 (height, width) in [0, 1]; None where all does."""
    if not sample.ignored.area:
        return None
    return np.asarray(1 - preprocess.place(sample.ignored_mask().astype(np.float32)), np.float32)


def _soft_dice_of(
    evidence: OutOfFoldPredictions, member: Member, before: int, total: int, progress: Callable[[int, int], None] | None
) -> NDArray[np.float64]:
    values = np.full(len(evidence.record.samples), np.nan)
    for fold in range(evidence.recipe.folds):
        indices = evidence.indices(fold)
        path = evidence.run.scores_file(member.name, fold, key(evidence, [member], fold))

        def make(indices: NDArray[np.int64] = indices) -> NDArray[np.float64]:
            of_image = partial(_soft_dice, evidence, member)
            return np.fromiter(on_all_cores(of_image, indices.tolist()), np.float64, len(indices))

        values[indices] = cached(path, (len(indices),), np.float64, make)
        before += len(indices)
        if progress:
            progress(before, total)
    return values


def _soft_dice(evidence: OutOfFoldPredictions, member: Member, index: int) -> float:
    sample = evidence.record.samples[index]
    if not sample.is_defective:
        return float("nan")
    truth, share = working_truth(sample, member.preprocess), working_share(sample, member.preprocess)
    return soft_dice(evidence.map(member, index), truth, share)


def names(members: Sequence[Member]) -> tuple[str, ...]:
    """Their names."""
    return tuple(member.name for member in members)
