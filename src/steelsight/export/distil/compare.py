"""What distilled networks lose against their teachers: both judge images that neither learned from, by the same rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import judge, sees_grey
from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.model import Dataset, Sample
from steelsight.dataset.within_roi import within
from steelsight.export.dice_loss import image_dice
from steelsight.imaging.rle import Runs
from steelsight.inspector.distilled import DistillingLoss
from steelsight.metrics.intervals import bootstrap_interval
from steelsight.rule.rule import Rule

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class FreshImages:
    """Labelled images that neither ensemble nor students learned from.

    Attributes:
        of: which, in words.
        samples: their masks in the order of the inspector's classes.
        groups: int64 (N,), twin groups.
    """

    of: str
    samples: tuple[Sample, ...]
    groups: NDArray[np.int64]


def in_order_of(classes: Sequence[str], dataset: Dataset) -> tuple[Sample, ...]:
    """The samples with their masks in the order of an inspector's classes.

    Raises:
        UserError: the data has a class that the inspector does not know.
    """
    unknown = [name for name in dataset.classes if name not in classes]
    if unknown:
        raise UserError(
            f"`compare={dataset.root}`: class {unknown[0]!r} is not one of the run's ({', '.join(classes)}); rename it, or "
            "leave its images out"
        )
    place = [classes.index(name) for name in dataset.classes]
    reordered = []
    for sample in dataset.samples:
        runs = [Runs.empty()] * len(classes)
        for at, of_class in zip(place, sample.runs, strict=True):
            runs[at] = of_class
        reordered.append(replace(sample, runs=tuple(runs)))
    return tuple(reordered)


def compare(fresh: FreshImages, teachers: Engine, students: Engine, rule: Rule, progress: Progress) -> DistillingLoss:
    """Judge the images twice.

    Args:
        progress: called with (images judged, twice the images).

    Raises:
        UserError: an image cannot be read.
    """
    samples = within(fresh.samples, teachers.roi, grey=sees_grey(teachers))
    of_teachers = _judged(samples, teachers, rule, lambda done: progress(done, 2 * len(samples)))
    of_students = _judged(samples, students, rule, lambda done: progress(len(samples) + done, 2 * len(samples)))
    has = np.array([[runs.area > 0 for runs in sample.runs] for sample in samples])
    means = [judged.dice.mean(axis=1) for judged in (of_teachers, of_students)]
    low, high = bootstrap_interval(means[0] - means[1], fresh.groups)
    return DistillingLoss(
        images_of=fresh.of,
        images=len(samples),
        groups=int(np.unique(fresh.groups).size),
        teachers=float(means[0].mean()),
        distilled=float(means[1].mean()),
        lost=float(means[0].mean() - means[1].mean()),
        low=None if np.isnan(low) else float(low),
        high=None if np.isnan(high) else float(high),
        teachers_defective=_mean(of_teachers.dice[has]),
        distilled_defective=_mean(of_students.dice[has]),
        teachers_false_alarms=_mean(of_teachers.marked[~has]),
        distilled_false_alarms=_mean(of_students.marked[~has]),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """Dice of every pair, and whether anything is marked: (images, classes)."""

    dice: NDArray[np.float64]
    marked: NDArray[np.bool_]


def _judged(samples: Sequence[Sample], engine: Engine, rule: Rule, advance: Callable[[int], None]) -> _Judged:
    dice, marked = [], []
    stream = judge(sources_of(samples), engine, rule)
    for done, (sample, judged) in enumerate(zip(samples, stream, strict=True), start=1):
        dice.append(image_dice(sample, judged))
        marked.append([runs.area > 0 for runs in judged.runs])
        advance(done)
    return _Judged(np.stack(dice), np.array(marked, np.bool_))


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return float(np.mean(values)) if values.size else None
