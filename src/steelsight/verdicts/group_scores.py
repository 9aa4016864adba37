"""What a threshold on P(defect) loses, image by image and twin group by twin group."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.severity import Severity, judge_severity

ErrorKind = Literal["escape", "overkill"]

BEYOND, NEVER = 2.0, -1.0
"""Scores that no threshold on P(defect) reaches, and that none leaves behind."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Where each image gets its answer.

    P(defect), or 2.0 for images that can never pass: those with a mask, and those a severity rule rejects. What was found in
    a defective image counts only if the evidence is `calibrated`, judged by a rule that was fixed beforehand; otherwise a
    threshold must keep its bounds by P(defect) alone. An unusual image goes to a person: it may be lost by its P(defect) all
    the same, so that no threshold rests on its being unusual, and never counts as one that comes through.

    Attributes:
        passes: float64 (N,); it passes where this is at most the pass threshold.
        rejects: float64 (N,); it is rejected where this exceeds the reject threshold.
    """

    passes: Floats
    rejects: Floats


@dataclass(frozen=True, eq=False)
class GroupScores:
    """Where each twin group is lost, and where it comes through as it should; nan where it has no such image.

    Attributes:
        classes: defect class names.
        escape: float64 (G,), lost where at most the pass threshold: the lowest score of its defective images.
        escape_of: float64 (G, K), the same of its images with each class; where it has one of these, its defective images of
            unknown class count too, since nobody can say that they do not show it.
        overkill: float64 (G,), lost where it exceeds the reject threshold: the highest score of its good images.
        passes: float64 (G,), its good images all pass where this is at most the pass threshold.
        rejects: float64 (G,), its defective images are all rejected where this exceeds the reject threshold.
    """

    classes: tuple[str, ...]
    escape: Floats
    escape_of: Floats
    overkill: Floats
    passes: Floats
    rejects: Floats


def score_images(tested: EvaluationSet, severity: Severity | None) -> ImageScores:
    """Scores of tested images.

    Raises:
        UserError: a P(defect) is not a number from 0 to 1.
    """
    p = tested.p_defect.astype(np.float64)
    wrong = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if wrong.size:
        first = int(wrong[0])
        raise UserError(
            f"image {tested.image_ids[first]!r}: P(defect) is {p[first]}, not a number from 0 to 1; judge the image again"
        )
    held, taken = tested.found, np.zeros(p.size, np.bool_)
    if severity is not None:
        for index in np.flatnonzero(held):  # a rule holds of what was found, or not at all
            height, width = tested.sizes[index].tolist()
            counted = None if tested.counted is None else int(tested.counted[index])
            fires = judge_severity(severity, tested.classes, tested.regions[index], (height, width), counted)
            taken[index] = fires is not None and fires.answer == "reject"
    counts = ~tested.defective | (tested.kind == "calibrated")
    passes, rejects = np.where(held & counts, BEYOND, p), np.where(taken & counts, BEYOND, p)
    passes[tested.flagged & ~tested.defective] = BEYOND
    rejects[tested.flagged & tested.defective] = NEVER
    return ImageScores(passes, rejects)


def score_groups(tested: EvaluationSet, images: ImageScores) -> GroupScores:
    """Scores of the twin groups, in the order of their numbers."""
    _, place = np.unique(tested.groups, return_inverse=True)
    count = int(place.max()) + 1 if place.size else 0

    def lowest(scores: Floats, chosen: NDArray[np.bool_]) -> Floats:
        found = np.full(count, np.nan)
        np.fmin.at(found, place[chosen], scores[chosen])  # of nan and a number, the number
        return found

    defective = tested.defective
    unknown = lowest(images.passes, tested.class_unknown)
    of_class = [lowest(images.passes, column) for column in tested.shows.T]
    # an image of unknown class makes no trial of any class; in a group that is one, it can only add to what is lost
    per_class = [np.where(np.isnan(named), np.nan, np.fmin(named, unknown)) for named in of_class]
    return GroupScores(
        classes=tested.classes,
        escape=lowest(images.passes, defective),
        escape_of=np.stack(per_class, axis=1) if per_class else np.empty((count, 0)),
        overkill=-lowest(-images.rejects, ~defective),
        passes=-lowest(-images.passes, ~defective),
        rejects=lowest(images.rejects, defective),
    )


def exceeds(kind: ErrorKind, scores: Floats, threshold: float) -> NDArray[np.bool_]:
    """Whether an image or group with this score gets the answer that the kind is a mistake of: pass, or reject; nan never.

    >>> exceeds("escape", np.array([0.1, 0.2, 0.3, np.nan]), 0.2).tolist()
    [True, True, False, False]
    >>> exceeds("overkill", np.array([0.1, 0.2, 0.3, np.nan]), 0.2).tolist()
    [False, False, True, False]
    """
    return np.asarray(scores <= threshold if kind == "escape" else scores > threshold)
