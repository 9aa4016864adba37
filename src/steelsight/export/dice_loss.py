"""What a lower precision costs: competition Dice of each fold's networks on that fold's own images, in fp32 and below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import Judged, judge
from steelsight.dataset.model import Sample
from steelsight.decision.rule import Rule
from steelsight.errors import UserError
from steelsight.export.images import sources_of
from steelsight.metrics.dice import pair_dice
from steelsight.rle import shared_area

MOST_IMAGES = 100
"""Images of a fold that are judged: enough for a figure, few enough to end within minutes."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FoldDice(_Model):
    """Competition Dice of one fold's networks on images that they did not see, in fp32 and in the lower precision."""

    fold: int
    images: int
    fp32: float
    reduced: float


class DiceLoss(_Model):
    """Dice that a lower precision loses.

    Attributes:
        limit: the loss that was allowed.
        folds: each fold's figures; empty where it was not measured.
        images: judged together.
        fp32, reduced, lost: competition Dice over all of them, and the difference; None where it was not measured.
        kept: whether the limit was kept; None where it was not measured.
        not_measured: why, in one sentence; None where it was.
    """

    limit: float
    folds: tuple[FoldDice, ...]
    images: int
    fp32: float | None
    reduced: float | None
    lost: float | None
    kept: bool | None
    not_measured: str | None

    @classmethod
    def unknown(cls, limit: float, why: str) -> "DiceLoss":
        """Not measured."""
        return cls(limit=limit, folds=(), images=0, fp32=None, reduced=None, lost=None, kept=None, not_measured=why)

    @classmethod
    def of(cls, limit: float, folds: Sequence[FoldDice]) -> "DiceLoss":
        """Sum up the folds; each image counts alike."""
        weights = [fold.images for fold in folds]
        fp32 = float(np.average([fold.fp32 for fold in folds], weights=weights))
        reduced = float(np.average([fold.reduced for fold in folds], weights=weights))
        return cls(
            limit=limit,
            folds=tuple(folds),
            images=sum(weights),
            fp32=fp32,
            reduced=reduced,
            lost=fp32 - reduced,
            kept=fp32 - reduced <= limit,
            not_measured=None,
        )


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
    return FoldDice(
        fold=engines.fold, images=len(engines.samples), fp32=float(fp32.mean()), reduced=float(reduced.mean())
    )


def _dice(samples: Sequence[Sample], engine: Engine, rule: Rule, advance: Callable[[], None]) -> NDArray[np.float64]:
    rows = []
    for sample, judged in zip(samples, judge(sources_of(samples), engine, rule), strict=True):
        rows.append(image_dice(sample, judged))
        advance()
    return np.stack(rows)


def image_dice(sample: Sample, judged: Judged) -> NDArray[np.float64]:
    """Competition Dice of each class of one image: float64 (classes,).

    Raises:
        UserError: the image could not be read, or a network gave no probability for it.
    """
    if judged.error is not None:
        raise UserError(f"nothing was exported: {judged.error}")
    shared = np.array([shared_area(found, true) for found, true in zip(judged.runs, sample.runs, strict=True)])
    areas = ([runs.area for runs in masks] for masks in (judged.runs, sample.runs))
    return pair_dice(shared, *map(np.array, areas))
