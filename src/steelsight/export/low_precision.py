"""Networks in a precision below fp32, stored or computed, and what it costs in Dice on images that they did not see."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.dataset.model import Sample
from steelsight.export.dice_loss import MOST_IMAGES, FoldEngines, measure_fold
from steelsight.export.float_layers import Control
from steelsight.export.half import store_in_half
from steelsight.export.images import of_fold, spread, steering_and_judging
from steelsight.export.plan import Plan
from steelsight.export.quantise import quantise
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi, read_inside
from steelsight.inspector.artifact import IN_INT8, InspectorCard, NetworkCard, Precision
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.openvino import runs_in_bf16
from steelsight.inspector.parity import DiceLoss, FoldDice, Int8Network

CALIBRATION_IMAGES = 48
"""Of a fold, from which int8 takes the ranges of activations: half of them with a defect, if there are so many."""
CONTROL_IMAGES = 12
"""Of a fold, on which int8 is compared with fp32 to find the layers that go back; as above. Each layer is tried on them."""
DIFFERENCE_PER_LOSS = {"segment": 5.0, "classify": 1.25}
"""How far a network's answers may move (1 minus soft Dice) for each competition Dice that may be lost. A classifier's may
move less: an image that no longer passes the gate loses its masks whole."""


def write_reduced(plan: Plan, card: InspectorCard, fp32: Path, folder: Path) -> DiceLoss:
    """Write the networks in the card's precision and measure what it costs.

    Int8 is steered by every second group of a fold, such as twins or a coil, and judged by the others.

    Args:
        fp32: folder with the fp32 networks, by the card's names.
        folder: where to write.

    Raises:
        UserError: a network cannot be quantised, or an image not be read.
    """
    for its in card.networks:
        shutil.copyfile(fp32 / its.file, folder / its.file)
    layers: list[Int8Network] = []
    if card.precision in IN_INT8:
        layers = _quantise_all(plan, card, fp32, folder)
    elif card.precision == "fp16":
        for its in card.networks:
            store_in_half(folder / its.file)
    elif not runs_in_bf16(card.precision):
        return DiceLoss.unknown(plan.max_dice_loss, "this processor does not compute in bf16 and took fp32 instead")
    return DiceLoss.of(plan.max_dice_loss, _measure(plan, card, fp32, folder), layers)


def _quantise_all(plan: Plan, card: InspectorCard, fp32: Path, folder: Path) -> list[Int8Network]:
    found: list[Int8Network] = []
    grey = all(its.preprocess.colour == "grey" for its in card.networks)
    for its in card.networks:
        plan.progress("networks to int8", len(found), len(card.networks))
        steering, _ = steering_and_judging(plan.record, its.fold)
        control = Control(
            answers=partial(
                _answers, card, its, _Inputs(_mixed(steering, CONTROL_IMAGES), its.preprocess, plan.record.roi, grey)
            ),
            max_difference=DIFFERENCE_PER_LOSS[its.step] * plan.max_dice_loss,
        )
        ranges = _Inputs(_mixed(steering, CALIBRATION_IMAGES), its.preprocess, plan.record.roi, grey)
        chosen = quantise(folder / its.file, ranges, control)
        found.append(
            Int8Network(
                file=its.file,
                int8_share=chosen.int8_share,
                floating_point=chosen.back,
                difference_before=chosen.before,
                difference=chosen.after,
                max_difference=control.max_difference,
            )
        )
    plan.progress("networks to int8", len(found), len(card.networks))
    return found


def _mixed(samples: Sequence[Sample], most: int) -> tuple[Sample, ...]:
    """At most that many, half of them with a defect, as far as there are such; each kind spread evenly."""
    defective = [sample for sample in samples if any(runs.area for runs in sample.runs)]
    good = [sample for sample in samples if not any(runs.area for runs in sample.runs)]
    first = spread(defective, max(most // 2, most - len(good)))
    return (*first, *spread(good, most - len(first)))


def _answers(card: InspectorCard, its: NetworkCard, inputs: "_Inputs", path: Path) -> NDArray[np.float32]:
    """What one network says, from a file of any name. What is not in int8 is in fp32 here, whatever the inspector does with
    it: so the same layers go back on every processor."""
    engine = _engine(path.parent, card, [its.model_copy(update={"file": path.name})], "int8")
    (network,) = (*engine.classifiers, *engine.segmenters)
    return np.concatenate([network.probabilities(inputs[place][None]) for place in range(len(inputs))])


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
    if precision in IN_INT8:
        return spread(steering_and_judging(plan.record, fold)[1], MOST_IMAGES)
    return spread(of_fold(plan.record, fold), MOST_IMAGES)


def _of_fold(card: InspectorCard, fold: int) -> tuple[NetworkCard, ...]:
    return tuple(its for its in card.networks if its.fold == fold)


def _engine(folder: Path, card: InspectorCard, networks: Sequence[NetworkCard], precision: Precision) -> Engine:
    part = card.model_copy(update={"networks": tuple(networks), "precision": precision})
    return open_engine(folder, part, device="cpu")


@dataclass(frozen=True)
class _Inputs(Sequence[NDArray[np.float32]]):
    """A network's inputs, each read when it is wanted."""

    samples: tuple[Sample, ...]
    preprocess: Preprocess
    roi: Roi | None
    grey: bool  # whether all networks see grey alone

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> "_Inputs": ...
    def __getitem__(self, index: int | slice) -> "NDArray[np.float32] | _Inputs":
        if isinstance(index, slice):
            return _Inputs(self.samples[index], self.preprocess, self.roi, self.grey)
        image = read_inside(self.samples[index].path, self.roi, grey=self.grey)
        return self.preprocess.to_input(image)
