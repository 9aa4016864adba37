"""Tested images made by hand or by chance, and the truth of a population that is known to the last image."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.regions import Region
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind
from steelsight.verdicts.group_scores import GroupScores, exceeds
from steelsight.verdicts.policy import Bound, Limits, Policy
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import LimitedSide, escape_side, find_policy, find_thresholds, overkill_side


def make_tested(
    p_defect: Sequence[float] | NDArray[np.float64],
    truth: Sequence[Sequence[int]] | NDArray[np.int64],
    groups: Sequence[int] | NDArray[np.int64] | None = None,
    marked: Sequence[int] | NDArray[np.intp] = (),
    kind: EvidenceKind = "own",
) -> EvaluationSet:
    """Images with these P(defect) and true pixels per class (classes 1, 2, ...).

    Args:
        groups: each image by itself if left out.
        marked: images in which one region of class 1, of 50 pixels, was found.
    """
    p_defect, truth = np.asarray(p_defect, np.float64), np.asarray(truth, np.int64)
    count = p_defect.size
    regions: list[tuple[Region, ...]] = [()] * count
    for index in marked:
        regions[index] = (Region(0, 5, 5, 10, 5, 50, 0.9),)
    return EvaluationSet(
        kind=kind,
        classes=tuple(str(number + 1) for number in range(truth.shape[1])),
        image_ids=tuple(f"{number}.jpg" for number in range(count)),
        folds=np.zeros(count, np.int64),
        groups=np.arange(count) if groups is None else np.asarray(groups, np.int64),
        sizes=np.full((count, 2), 100, np.int64),
        p_defect=p_defect,
        truth=truth,
        regions=tuple(regions),
    )


def policy_of(tested: EvaluationSet, severity: Severity | None = None, **wish: object) -> Policy:
    return find_policy(tested, Limits.model_validate(wish), Calibration(), severity)


def two_kinds(defective: list[float], good: list[float], **given: Any) -> EvaluationSet:
    """Defective images of class 1, then good ones, each a group."""
    truth = [[9, 0]] * len(defective) + [[0, 0]] * len(good)
    return make_tested([*defective, *good], np.reshape(truth, (-1, 2)), **given)


def spread(low: float, high: float, count: int) -> list[float]:
    return list(map(float, np.linspace(low, high, count)))


def statement(policy: Policy, among: str, defect_class: str | None = None) -> Bound:
    return next(one for one in policy.statements if (one.among, one.defect_class) == (among, defect_class))


def simulate(
    groups: int, separation: float, *, mixed: float = 0.0, seed: int = 0, kind: EvidenceKind = "own"
) -> EvaluationSet:
    """Groups of one to four twins, half of the groups defective, P(defect) logit-normal.

    In every other group the twins have most of their deviation in common; images with a high P(defect) mostly have a region.
    Of the defective images a quarter has class 2, which looks less like a defect, the others class 1.

    Args:
        separation: between the means of both kinds, in standard deviations.
        mixed: share of the defective groups of which one image shows no defect.
    """
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(groups), rng.integers(1, 5, groups))
    is_first = np.append(True, place[1:] != place[:-1])
    shared = np.where(rng.random(groups) < 0.5, 0.9, 0.1)[place]
    deviation = np.sqrt(shared) * rng.normal(size=groups)[place] + np.sqrt(1 - shared) * rng.normal(size=place.size)
    defective_group = (rng.random(groups) < 0.5)[place]
    defective = defective_group & ~(is_first & (rng.random(groups) < mixed)[place])
    second = (rng.random(groups) < 0.25)[place]
    mean = np.where(defective, separation / 2 - 0.7 * second, -separation / 2)
    p_defect = 1 / (1 + np.exp(-2 * (mean + deviation)))
    truth = np.stack([defective & ~second, defective & second], axis=1) * 100
    marked = np.flatnonzero(rng.random(place.size) < p_defect**2)
    return make_tested(p_defect, truth, place, marked, kind)


def by_label(tested: EvaluationSet, labelled: NDArray[np.bool_], unnamed: NDArray[np.bool_]) -> EvaluationSet:
    """The same images, of which some are known by a label alone.

    Args:
        labelled: bool (N,), these; the good ones among them are known to be good all the same.
        unnamed: bool (N,), of these, the ones whose label names no class.
    """
    drawn = tested.truth > 0
    label = drawn.any(axis=1) & labelled
    shown = np.column_stack([drawn & (label & ~unnamed)[:, None], label & unnamed])
    truth = np.where(label[:, None], 0, tested.truth)
    return replace(tested, truth=truth, shown=shown)


def read_evidence(table: Path) -> EvaluationSet:
    """Images with the P(defect) of networks that did not see them: columns group, p_defect, and truth_<class> in pixels."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth = [[int(row[name]) for name in row if name.startswith("truth_")] for row in rows]
    return make_tested([float(row["p_defect"]) for row in rows], truth, [int(row["group"]) for row in rows])


def draw(population: GroupScores, chosen: NDArray[np.intp]) -> GroupScores:
    """Some groups of a population, each as often as it is drawn."""
    columns = ("escape", "escape_of", "overkill", "passes", "rejects")
    return replace(population, **{name: getattr(population, name)[chosen] for name in columns})


def find(groups: GroupScores, wish: Limits) -> tuple[float | None, float | None, LimitedSide, LimitedSide]:
    """Both thresholds, and what was asked of each."""
    escape, overkill = escape_side(groups, wish), overkill_side(groups, wish)
    return *find_thresholds(groups, escape, overkill), escape, overkill


def true_share(population: GroupScores, statement: Bound, threshold: float | None, defect_share: float) -> float:
    """What a statement is about, over the whole population, at a threshold; 0 where no image gets that answer."""
    if threshold is None:
        return 0.0
    scores = population.escape if statement.kind == "escape" else population.overkill
    if statement.defect_class is not None:
        scores = population.escape_of[:, population.classes.index(statement.defect_class)]
    lost = _share(exceeds(statement.kind, scores, threshold), scores)
    if statement.among in ("defective", "good"):
        return lost
    through = population.passes if statement.kind == "escape" else population.rejects
    share = defect_share if statement.kind == "escape" else 1 - defect_share
    wrong, right = share * lost, (1 - share) * _share(exceeds(statement.kind, through, threshold), through)
    return wrong / (wrong + right) if wrong else 0.0


def _share(chosen: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    return float(chosen.sum() / (~np.isnan(scores)).sum())
