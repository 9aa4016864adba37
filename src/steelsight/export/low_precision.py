"""Networks in a precision below fp32, stored or computed, and what it costs in Dice on images that they did not see."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.dataset.model import Sample
from steelsight.export.accuracy_control import FoldInFp32
from steelsight.export.dice_loss import MOST_IMAGES, FoldEngines, measure_fold
from steelsight.export.half import store_in_half
from steelsight.export.images import of_fold, spread
from steelsight.export.plan import Plan
from steelsight.export.quantise import Control, quantise
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi, read_inside
from steelsight.inspector.artifact import InspectorCard, NetworkCard, Precision
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.openvino import runs_in_bf16
from steelsight.inspector.parity import DiceLoss, FoldDice

CALIBRATION_IMAGES = 100
"""Of a fold, from which int8 takes the ranges of activations."""
CONTROL_IMAGES = 50
"""Of a fold, by whose Dice int8 is steered."""


def write_reduced(plan: Plan, card: InspectorCard, fp32: Path, folder: Path) -> DiceLoss:
    """Write the networks in the card's precision and measure what it costs.

    Int8 is steered by every second image of a fold, and judged by the others.

    Args:
        fp32: folder with the fp32 networks, by the card's names.
        folder: where to write.

    Raises:
        UserError: a network cannot be quantised, or an image not be read.
    """
    for its in card.networks:
        shutil.copyfile(fp32 / its.file, folder / its.file)
    if card.precision == "int8":
        _quantise_all(plan, card, fp32, folder)
    elif card.precision == "fp16":
        for its in card.networks:
            store_in_half(folder / its.file)
    elif not runs_in_bf16(card.precision):
        return DiceLoss.unknown(plan.max_dice_loss, "this processor does not compute in bf16 and took fp32 instead")
    return DiceLoss.of(plan.max_dice_loss, _measure(plan, card, fp32, folder))


def _quantise_all(plan: Plan, card: InspectorCard, fp32: Path, folder: Path) -> None:
    done = 0
    for fold in plan.folds:
        steering, networks = of_fold(plan.record, fold)[::2], _of_fold(card, fold)
        known = FoldInFp32.of(spread(steering, CONTROL_IMAGES), _engine(fp32, card, networks, "fp32"), card.rule)
        for place, its in enumerate(networks):
            plan.progress("networks to int8", done, len(card.networks))
            control = Control(
                images=len(known.samples),
                load=partial(_network, card, its),
                score=partial(known.dice, place),
                max_drop=plan.max_dice_loss / len(networks),  # what they lose adds up
            )
            quantise(
                folder / its.file,
                _Inputs(spread(steering, CALIBRATION_IMAGES), its.preprocess, plan.record.roi),
                control,
            )
            done += 1
    plan.progress("networks to int8", done, len(card.networks))


def _measure(plan: Plan, card: InspectorCard, fp32: Path, folder: Path) -> list[FoldDice]:
    judges = {fold: _judging(plan, card.precision, fold) for fold in plan.folds}
    total, done = 2 * sum(map(len, judges.values())), 0

    def advance() -> None:
        nonlocal done
        done += 1
        plan.progress(f"Dice in fp32 and {card.precision}", done, total)

    measured = []
    for fold, samples in judges.items():
        networks = _of_fold(card, fold)
        engines = FoldEngines(
            fold, samples, _engine(fp32, card, networks, "fp32"), _engine(folder, card, networks, card.precision)
        )
        measured.append(measure_fold(engines, card.rule, advance))
    return measured


def _judging(plan: Plan, precision: Precision, fold: int) -> tuple[Sample, ...]:
    """Images that judge a fold: for int8 those that did not steer it, unless the fold has but one."""
    samples = of_fold(plan.record, fold)
    others = samples[1::2] if precision == "int8" else samples
    return spread(others or samples, MOST_IMAGES)


def _of_fold(card: InspectorCard, fold: int) -> tuple[NetworkCard, ...]:
    return tuple(its for its in card.networks if its.fold == fold)


def _engine(folder: Path, card: InspectorCard, networks: Sequence[NetworkCard], precision: Precision) -> Engine:
    part = card.model_copy(update={"networks": tuple(networks), "precision": precision})
    return open_engine(folder, part, device="cpu")


def _network(card: InspectorCard, its: NetworkCard, path: Path) -> EngineNetwork:
    """One network from a file of any name, as the inspector runs it."""
    engine = _engine(path.parent, card, [its.model_copy(update={"file": path.name})], "int8")
    return (*engine.classifiers, *engine.segmenters)[0]


@dataclass(frozen=True)
class _Inputs(Sequence[NDArray[np.float32]]):
    """A network's inputs, each read when it is wanted."""

    samples: tuple[Sample, ...]
    preprocess: Preprocess
    roi: Roi | None

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> "_Inputs": ...
    def __getitem__(self, index: int | slice) -> "NDArray[np.float32] | _Inputs":
        if isinstance(index, slice):
            return _Inputs(self.samples[index], self.preprocess, self.roi)
        image = read_inside(self.samples[index].path, self.roi, grey=self.preprocess.colour == "grey")
        return self.preprocess.to_input(image)
