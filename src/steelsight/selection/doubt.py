"""Which labels are doubtful: images whose masks disagree most with what networks say that did not see them.

Three things speak against the masks of an image, each in [0, 1]:

- missing: pixels that no mask has and that a map is sure of. u = sum over the background of max(0, 2 p - 1) pixels, and
  missing = u / (u + a / 4), with a the median area of the class in an image: what is small beside a usual mask counts
  little. It is halved for an image without any mask, on which classifiers have the better word.
- denied: masks that a map does not see. m is the mean p over the mask, divided by what is usual for the class (the median
over its masks), t the mask's area, and denied = (1 - m) t / (t + a / 4): small defects segmenters miss often.
- unlikely: P(defect) of an image without a mask, 1 - P(defect) of one with masks.

Missing and denied are those of the class with the most. An image's doubt is the mean of the three; it ranks, and is no
probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.imaging.combine import combine_maps
from steelsight.rule.pixel_counts import Histograms
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.ensembles import Ensemble, EnsembleOutputs, Progress

_SURE = 128  # of 255: from here on a map marks a pixel, where it is drawn
_SMALL = 4  # a missing area counts half where it is this part of a usual mask
_LEAST_USUAL = 0.2  # mean p over masks of a class that networks have hardly learned
_WORTH_SAYING = 0.2


@dataclass(frozen=True)
class Doubt:
    """One image.

    Attributes:
        index: position in the record.
        score: in [0, 1], the greater the more its labels disagree.
        missing, denied: the class (index) with the most of either, and how much, in [0, 1].
        unlikely: how much the classifiers disagree, in [0, 1].
        p_defect: what the classifiers say.
        is_marked: whether it has a mask.
    """

    index: int
    score: float
    missing: tuple[int, float]
    denied: tuple[int, float]
    unlikely: float
    p_defect: float
    is_marked: bool

    def why(self, names: Sequence[str]) -> str:
        """What speaks against the masks, in words."""
        seen, unseen = names[self.missing[0]], names[self.denied[0]]
        is_missing, is_denied = self.missing[1] >= _WORTH_SAYING, self.denied[1] >= _WORTH_SAYING
        if is_missing and is_denied:
            if seen == unseen:
                return f"{seen}, but not where its mask is"
            return f"{seen} in or beside the mask of {unseen}"
        if is_missing:
            return f"{seen} where there is no mask"
        if is_denied:
            return f"nothing where the mask of {unseen} is"
        if self.unlikely >= _WORTH_SAYING:
            return "no defect" if self.is_marked else "a defect, though nothing is labelled"
        return "little"


@dataclass(frozen=True, eq=False)
class Doubts:
    """All images of a run, the most doubtful first.

    Attributes:
        evidence: of the run.
        team: the members that speak, all that are trained on every fold.
        ranked: one for each image.
    """

    evidence: OutOfFoldPredictions
    team: Ensemble
    ranked: tuple[Doubt, ...]

    def marked(self, index: int) -> NDArray[np.bool_]:
        """What the maps of an image are sure of, none of what is ignored: bool (K, H, W), at its own size."""
        sample = self.evidence.record.samples[index]
        members = self.team.segmenters[int(self.evidence.record.folds[index])]
        maps = combine_maps(
            [self.evidence.map(member, index) for member in members],
            [member.preprocess for member in members],
            sample.size,
            self.evidence.combine,
        )
        return np.asarray(sample.judged(maps) >= _SURE)


def rank_doubts(evidence: OutOfFoldPredictions, progress: Progress | None = None) -> Doubts:
    """Rank the images of a run by how much its networks doubt their labels.

    Args:
        progress: called with (what is being done, done, of).

    Raises:
        UserError: no segmenter is trained on every fold.
    """
    segmenters, classifiers = evidence.members("segment"), evidence.members("classify")
    if not segmenters:
        raise UserError(f"{evidence.run}: no segmenter is trained on every fold; finish the jobs with `resume=`")
    folds = range(evidence.recipe.folds)
    team = Ensemble(dict.fromkeys(folds, classifiers), dict.fromkeys(folds, segmenters))
    view = EnsembleOutputs(evidence, progress).of(team)
    missing, denied = disagreement(view.histograms)
    has_mask = np.array([sample.is_defective for sample in evidence.record.samples])
    if not classifiers:
        view.p_defect[:] = has_mask  # nobody disagrees
    unlikely = np.abs(has_mask - view.p_defect)
    score = (missing.max(axis=1) * np.where(has_mask, 1.0, 0.5) + denied.max(axis=1) + unlikely) / 3
    found = [
        Doubt(index, float(total), _most(most), _most(least), float(far), float(p), bool(mark))
        for index, (total, most, least, far, p, mark) in enumerate(
            zip(score, missing, denied, unlikely, view.p_defect, has_mask, strict=True)
        )
    ]
    return Doubts(evidence, team, tuple(sorted(found, key=lambda one: (-one.score, one.index))))


def disagreement(histograms: Histograms) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much is missing and how much is denied: float64 (N, K) each, in [0, 1].

    Args:
        histograms: uint32 (N, K, 2, 256), pixels of each value over background and over masks.
    """
    p = np.arange(256) / 255
    unexplained = histograms[:, :, 0] @ np.clip(2 * p - 1, 0, 1)
    areas = histograms[:, :, 1].sum(axis=-1, dtype=np.int64)
    confirmed = (histograms[:, :, 1] @ p) / np.maximum(areas, 1)
    drawn = areas > 0
    usual = np.maximum(_medians(confirmed, drawn, 1.0), _LEAST_USUAL)
    usual_area = _medians(areas, drawn, float(np.median(areas[drawn])) if drawn.any() else 1.0)
    small = np.maximum(usual_area, 1.0) / _SMALL
    return unexplained / (unexplained + small), np.clip(1 - confirmed / usual, 0, 1) * areas / (areas + small)


def _medians(values: NDArray[np.generic], of: NDArray[np.bool_], otherwise: float) -> NDArray[np.float64]:
    """The median of each column over some of its rows: float64 (K,)."""
    columns = zip(values.T, of.T, strict=True)
    return np.array([float(np.median(column[there])) if there.any() else otherwise for column, there in columns])


def _most(values: NDArray[np.float64]) -> tuple[int, float]:
    index = int(values.argmax())
    return index, float(values[index])
