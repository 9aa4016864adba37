"""What a lower precision costs: competition Dice of each fold's networks on that fold's own images, in fp32 and below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import Prediction, judge
from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import shared_area
from steelsight.inspector.parity import ClassDice, DefectDice, FoldDice
from steelsight.metrics.dice import pair_dice
from steelsight.rule.rule import Rule

MOST_IMAGES = 100
"""Images of a fold that are judged: enough for a figure, few enough to end within minutes."""


@dataclass(frozen=True, eq=False)
class FoldEngines:
    """One fold's networks in both precisions, and images that they did not see."""

    fold: int
    samples: tuple[Sample, ...]
    fp32: Engine
    reduced: Engine


def measure_fold(engines: FoldEngines, rule: Rule, advance: Callable[[], None]) -> FoldDice:
    """Judge a fold's images twice.

    Raises:
        UserError: an image cannot be read.
    """
    fp32, reduced = (_dice(engines.samples, engine, rule, advance) for engine in (engines.fp32, engines.reduced))
    has_defect = np.array([[runs.area > 0 for runs in sample.runs] for sample in engines.samples])
    return FoldDice(
        fold=engines.fold,
        images=len(engines.samples),
        fp32=float(fp32.mean()),
        reduced=float(reduced.mean()),
        classes=tuple(
            ClassDice(
                defect_class=name,
                images=len(engines.samples),
                fp32=float(fp32[:, place].mean()),
                reduced=float(reduced[:, place].mean()),
                defects=_dice_of_defects(has_defect[:, place], fp32[:, place], reduced[:, place]),
            )
            for place, name in enumerate(engines.fp32.classes)
        ),
    )


def _dice_of_defects(
    has_defect: NDArray[np.bool_], fp32: NDArray[np.float64], reduced: NDArray[np.float64]
) -> DefectDice | None:
    if not has_defect.any():
        return None
    return DefectDice(
        pairs=int(has_defect.sum()), fp32=float(fp32[has_defect].mean()), reduced=float(reduced[has_defect].mean())
    )


def _dice(samples: Sequence[Sample], engine: Engine, rule: Rule, advance: Callable[[], None]) -> NDArray[np.float64]:
    rows = []
    for sample, judged in zip(samples, judge(sources_of(samples), engine, rule), strict=True):
        rows.append(image_dice(sample, judged))
        advance()
    return np.stack(rows)


def image_dice(sample: Sample, judged: Prediction) -> NDArray[np.float64]:
    """Competition Dice of each class of one image: float64 (classes,).

    Raises:
        UserError: the image could not be read, or a network gave no probability for it.
    """
    if judged.error is not None:
        raise UserError(f"nothing was exported: {judged.error}")
    shared = np.array([shared_area(found, true) for found, true in zip(judged.runs, sample.runs, strict=True)])
    found = [runs.area - shared_area(runs, sample.ignored) for runs in judged.runs]
    return pair_dice(shared, np.array(found), np.array([runs.area for runs in sample.runs]))
