"""Dice at the segmenters' working size against soft truth, as the reference solution showed it on its first fold."""

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.combine import combine_maps, may_exceed
from steelsight.rule.rule import Rule, masks
from steelsight.run.cache import cached, key
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.ensembles import Ensemble
from steelsight.selection.member_scores import working_share, working_truth

_SMOOTH = 1.0


def soft_truth_dice(
    evidence: OutOfFoldPredictions,
    team: Ensemble,
    rule: Rule,
    enlargement: int,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """(2 sum mt + 1) / (sum m + sum t + 1) of every image and class, the mask m cut at the working size, the truth t brought
    to it bilinearly with the image, and so soft at its edges.

    Kept under RUN/evidence/scores.

    Args:
        team: the members of each fold, all segmenters with one working size.
        rule: cut at the working size; its areas are pixels of the images.
        enlargement: pixels of an image per pixel of the working size.
        progress: called with (images done, images).

    Returns:
        float64 (N, K, 2): the last axis is of the rule's masks as if every image passed its gate, and of no mask at all.
    """
    record = evidence.record
    small = rule.model_copy(update={"gate": 0.0, "min_area": tuple(area // enlargement for area in rule.min_area)})
    total = np.zeros((len(record.samples), len(record.classes), 2))
    done = 0
    for fold in range(evidence.recipe.folds):
        indices = evidence.indices(fold)
        known = repr((key(evidence, team.segmenters[fold], fold), small))
        path = evidence.run.scores_file("soft-truth", fold, hashlib.sha256(known.encode()).hexdigest()[:16])
        make = partial(_of_fold, evidence, team, small, fold)
        total[indices] = cached(path, (len(indices), *total.shape[1:]), np.float64, make)
        done += len(indices)
        if progress:
            progress(done, len(total))
    return total


def _of_fold(evidence: OutOfFoldPredictions, team: Ensemble, rule: Rule, fold: int) -> NDArray[np.float64]:
    members = team.segmenters[fold]
    preprocess = members[0].preprocess
    size = (preprocess.height, preprocess.width)
    rows = []
    for index in evidence.indices(fold).tolist():
        maps = [evidence.map(member, index) for member in members]
        sample = evidence.record.samples[index]
        truth, share = working_truth(sample, preprocess).astype(np.float64), working_share(sample, preprocess)
        areas = truth.sum((1, 2))
        row = np.stack([_SMOOTH / (areas + _SMOOTH)] * 2, axis=1)
        if may_exceed(maps, rule.upper, evidence.combine).any():
            combined = combine_maps(maps, [preprocess] * len(maps), size, evidence.combine, "working")
            if share is not None:
                combined = np.where(share < 1, np.uint8(0), combined)
            cut = masks(rule, 1.0, combined).astype(np.float64)
            row[:, 0] = (2 * (cut * truth).sum((1, 2)) + _SMOOTH) / (cut.sum((1, 2)) + areas + _SMOOTH)
        rows.append(row)
    return np.stack(rows)
