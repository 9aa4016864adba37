"""Every field of a member changes something that can be observed: no option does nothing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training_samples import apply, member, severstal
from pydantic import BaseModel

from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.networks.member import build_member
from steelsight.recipe import Member, augment, base, model
from steelsight.training.augment import draw
from steelsight.training.epochs import device_batches, make_optimiser
from steelsight.training.learning_rate import learning_rate
from steelsight.training.losses import images_of, weighted_loss
from steelsight.training.paste import Donors
from steelsight.training.sampling import epoch_order

TINY = ("members.*.input={height: 32, width: 64}", "members.*.weights=random")


def inputs(of: Member) -> Any:
    """What one grey, one colour and one deep image become."""
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (50, 120), dtype=np.uint8), rng.integers(0, 256, (50, 120, 3), dtype=np.uint8)
    return [of.preprocess.to_input(image) for image in (grey, colour, grey.astype(np.uint16) << 4)]


def augmented(of: Member) -> Any:
    """Thirty draws on a colour image with a defect and without."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 128, 3), dtype=np.uint8)
    mask = np.zeros((64, 128), bool)
    mask[20:30, 50:70] = True
    samples = [Sample("a", Path("a"), mask.shape, (runs,)) for runs in (encode_mask(mask), Runs.empty())]
    tiny = of.input.model_copy(update={"colour": "rgb", "height": 32, "width": 64})
    of = of.model_copy(update={"input": tiny})
    chances = [draw(of, samples[seed % 2], np.random.default_rng(seed)) for seed in range(30)]
    return [apply(image, of.training_preprocess, chance) for chance in chances]


def pasted(of: Member) -> Any:
    """A good strip and its mask, after a defect may have been laid on it."""
    donors, image = Donors(severstal().samples), np.full((256, 1600), 120, np.uint8)
    good = Sample("a", Path("a"), (256, 1600), (Runs.empty(),) * 4)
    made = [donors.paste(of, good, image, read_image, np.random.default_rng(seed)) for seed in range(6)]
    return [np.concatenate([image[None], sample.mask()]) for sample, image in made]


def epoch(of: Member) -> Any:
    data = severstal()
    order = epoch_order(of.sampling, data.samples, data.classes, np.random.default_rng(0)).tolist()
    return device_batches(order, 0, of.sampling.device_batch, 0, 1)


def loss(of: Member) -> Any:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 8, 8, generator=generator)
    target = (torch.rand(3, 2, 8, 8, generator=generator) > 0.8).float()
    if of.head == "cells":
        logits, target = (logits[:, 0, 0, 0], logits), (target[:, 0, 0, 0], target)
    return float(weighted_loss(of.phases[0].loss, logits, target))


def steps(of: Member) -> Any:
    """Weights of a line after three optimiser steps."""
    torch.manual_seed(0)
    line = torch.nn.Linear(4, 2)
    optimiser = make_optimiser(of.phases[0].optimiser, line)
    for step in range(3):
        optimiser.zero_grad()
        line(torch.ones(1, 4) * (step + 1)).pow(2).sum().backward()
        optimiser.step()
    return line.weight.detach().numpy().copy()


def rates(of: Member) -> Any:
    return [learning_rate(of.phases[0].schedule, number) for number in range(12)]


def network(of: Member) -> Any:
    """Architecture and a forward pass in training."""
    torch.manual_seed(0)
    made = build_member(of, 4).train()
    torch.manual_seed(1)
    with torch.no_grad():
        return [
            sum(weight.numel() for weight in made.parameters()),
            images_of(made(torch.rand(4, 3, 32, 64))).numpy(),
        ]


def statistics(of: Member) -> Any:
    """Running means after a forward pass in training."""
    torch.manual_seed(0)
    made = build_member(of, 4).train()
    with torch.no_grad():
        made(torch.rand(4, 3, 32, 64))
    return [tensor.numpy() for name, tensor in made.state_dict().items() if name.endswith("running_mean")]


SEGMENT, CLASSIFY, PAPER, CLASSIFIER = "segment-lite0", "classify-lite0", "segment-b0-strategy-1", "classify-b0"
# field -> (member, what to set, observer); fields that only a whole training shows stand in test_fit.py.
OBSERVED: dict[str, tuple[str, list[str], Callable[[Member], Any]]] = {
    "encoder": (SEGMENT, ["encoder=lite1"], network),
    "decoder": (SEGMENT, ["decoder=fpn", "decoder_channels=[32,32]"], network),
    "head": (CLASSIFY, ["head=pooled", "phases.1.loss.cells=0", "weights=imagenet"], network),
    "exclusive": (SEGMENT, ["exclusive=false"], network),
    "decoder_channels": (SEGMENT, ["decoder_channels=[32,16,16,16,16]"], network),
    "dropout": (CLASSIFY, ["dropout=0.9"], network),
    "drop_path": (SEGMENT, ["drop_path=0.9"], network),
    "norm_momentum": (SEGMENT, ["norm_momentum=0.5"], statistics),
    "last_layer": (CLASSIFIER, ["last_layer=small"], network),
    "prior": (SEGMENT, ["prior=0.3"], network),
    "input.height": (SEGMENT, ["input.height=64"], inputs),
    "input.width": (SEGMENT, ["input.width=96"], inputs),
    "input.pixels": (SEGMENT, ["input={pixels: 2048}"], inputs),
    "input.fit": (SEGMENT, ["input.fit=pad"], inputs),
    "input.colour": (SEGMENT, ["input.colour=grey"], inputs),
    "input.mean": (SEGMENT, ["input.mean=0.4"], inputs),
    "input.deviation": (SEGMENT, ["input.deviation=0.3"], inputs),
    "input.bits": (SEGMENT, ["input.bits=12"], inputs),
    "augment.horizontal_flip": (SEGMENT, ["augment.horizontal_flip=0"], augmented),
    "augment.vertical_flip": (SEGMENT, ["augment.vertical_flip=0"], augmented),
    "augment.zoom_out.probability": (PAPER, ["augment.zoom_out.probability=1"], augmented),
    "augment.zoom_out.smallest": (PAPER, ["augment.zoom_out.smallest=0.3"], augmented),
    "augment.zoom_out.largest": (PAPER, ["augment.zoom_out.largest=1"], augmented),
    "augment.zoom_in.probability": (PAPER, ["augment.zoom_in.probability=0"], augmented),
    "augment.zoom_in.smallest": (PAPER, ["augment.zoom_in.smallest=0.3"], augmented),
    "augment.zoom_in.largest": (PAPER, ["augment.zoom_in.largest=1"], augmented),
    "augment.zoom_in.margin_least": (PAPER, ["augment.zoom_in.margin_least=0.35"], augmented),
    "augment.zoom_in.margin_most": (PAPER, ["augment.zoom_in.margin_most=0.9"], augmented),
    "augment.zoom_in.margins": (PAPER, ["augment.zoom_in.margins=each"], augmented),
    "augment.zoom_in.aspect": (PAPER, ["augment.zoom_in.aspect=widen"], augmented),
    "augment.zoom_at": (PAPER, ["augment.zoom_at=image"], augmented),
    "augment.recolour": (PAPER, ["augment.recolour=image"], augmented),
    "augment.crop.pixels": (SEGMENT, ["augment.crop.pixels=1024"], augmented),
    "augment.crop.on_defect": (SEGMENT, ["augment.crop.on_defect=0"], augmented),
    "augment.crop.smallest": (SEGMENT, ["augment.crop.smallest=0.3"], augmented),
    "augment.crop.largest": (SEGMENT, ["augment.crop.largest=2"], augmented),
    "augment.paste.probability": (SEGMENT, ["augment.paste.probability=0"], pasted),
    "augment.brightness": (SEGMENT, ["augment.brightness=0.3"], augmented),
    "augment.contrast": (SEGMENT, ["augment.contrast=[1.5,2]"], augmented),
    "augment.hue": (SEGMENT, ["augment.hue=0.4"], augmented),
    "augment.saturation": (SEGMENT, ["augment.saturation=[0,0.1]"], augmented),
    "sampling.batch": (SEGMENT, ["sampling.batch=16"], epoch),
    "sampling.device_batch": (SEGMENT, ["sampling.device_batch=4"], epoch),
    "sampling.repeat": (PAPER, ["sampling.repeat=balanced"], epoch),
    "sampling.repeat.class": (PAPER, ['sampling.repeat=[{class: "3", times: 4}]'], epoch),
    "sampling.repeat.times": (PAPER, ['sampling.repeat=[{class: "2", times: 1}]'], epoch),
    "sampling.repeat.probability": (PAPER, ['sampling.repeat=[{class: "2", times: 4, probability: 0}]'], epoch),
    "sampling.defect_free_share": (SEGMENT, ["sampling.defect_free_share=1"], epoch),
    "sampling.steps_factor": (SEGMENT, ["sampling.steps_factor=8"], epoch),
    "sampling.least_steps": (SEGMENT, ["sampling.least_steps=90"], epoch),
    "phases.loss.cross_entropy": (SEGMENT, ["phases.1.loss.cross_entropy=2"], loss),
    "phases.loss.focal": (SEGMENT, ["phases.1.loss.focal=1"], loss),
    "phases.loss.focal_alpha": (SEGMENT, ["phases.1.loss.focal=1", "phases.1.loss.focal_alpha=0.9"], loss),
    "phases.loss.focal_gamma": (SEGMENT, ["phases.1.loss.focal=1", "phases.1.loss.focal_gamma=0"], loss),
    "phases.loss.dice": (SEGMENT, ["phases.1.loss.dice=3"], loss),
    "phases.loss.dice_over": (SEGMENT, ["phases.1.loss.dice_over=batch"], loss),
    "phases.loss.dice_smooth": (SEGMENT, ["phases.1.loss.dice_smooth=50"], loss),
    "phases.loss.label_smoothing": (SEGMENT, ["phases.1.loss.label_smoothing=0.2"], loss),
    "phases.loss.cells": (CLASSIFY, ["phases.1.loss.cells=3"], loss),
    "phases.optimiser.name": (SEGMENT, ["phases.1.optimiser.name=radam"], steps),
    "phases.optimiser.weight_decay": (SEGMENT, ["phases.1.optimiser.weight_decay=9"], steps),
    "phases.optimiser.beta1": (SEGMENT, ["phases.1.optimiser.beta1=0.1"], steps),
    "phases.optimiser.beta2": (SEGMENT, ["phases.1.optimiser.beta2=0.1"], steps),
    "phases.optimiser.epsilon": (SEGMENT, ["phases.1.optimiser.epsilon=0.5"], steps),
    "phases.schedule.start": (SEGMENT, ["phases.1.schedule.start=5e-4"], rates),
    "phases.schedule.maximum": (SEGMENT, ["phases.1.schedule.maximum=5e-3"], rates),
    "phases.schedule.minimum": (SEGMENT, ["phases.1.schedule.minimum=5e-4"], rates),
    "phases.schedule.ramp": (SEGMENT, ["phases.1.schedule.ramp=3"], rates),
    "phases.schedule.hold": (SEGMENT, ["phases.1.schedule.hold=2"], rates),
    "phases.schedule.decay": (SEGMENT, ["phases.1.schedule.decay=0.1"], rates),
    "phases.schedule.first_epoch": (SEGMENT, ["phases.1.schedule.first_epoch=20"], rates),
    "phases.epochs": (SEGMENT, ["phases.1.epochs=40"], lambda of: of.epochs),
}
SHOWN_BY_A_TRAINING = {  # see test_epochs.py
    "weights",
    "keep.weights",
    "keep.last",
    "validate_every",
    "sampling.defect_free_in_validation",
    "sampling.validation_batch",
}
LABELS = {
    "name",
    "step",
    "group",
    "phases.name",
}  # name the member and its phases, and say which of the two networks it is; see test_published.py


KINDS: dict[str, type[base.Fields]] = {
    name: kind
    for module in (model, augment)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, base.Fields)
}


def leaves(of: type[BaseModel], prefix: str = "") -> set[str]:
    """Dotted names of all fields below a model."""
    found: set[str] = set()
    for name, field in of.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        inner = [kind for kind in (KINDS.get(part) for part in _words(str(field.annotation))) if kind is not None]
        found |= set().union(*(leaves(kind, f"{path}.") for kind in inner)) if inner else {path}
        if path == "sampling.repeat":
            found.add(path)
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def test_no_field_is_forgotten() -> None:
    assert leaves(Member) == set(OBSERVED) | SHOWN_BY_A_TRAINING | LABELS


@pytest.mark.parametrize("field", OBSERVED)
def test_a_field_has_an_effect(field: str) -> None:
    name, changes, observe = OBSERVED[field]
    recipe = "paper" if name in (PAPER, CLASSIFIER) else "lite"
    before, after = (
        observe(member(name, *TINY, *extra, recipe=recipe))
        for extra in ([], [f"members.{name}.{change}" for change in changes])
    )
    assert _differ(before, after)


def _differ(before: Any, after: Any) -> bool:
    if isinstance(before, list):
        return len(before) != len(after) or any(_differ(a, b) for a, b in zip(before, after, strict=True))
    if isinstance(before, np.ndarray):
        return before.shape != after.shape or not np.array_equal(before, after)
    return bool(before != after)


def test_the_second_phase_decays_at_once_as_in_the_reference() -> None:
    second = member("segment-b0-strategy-2", recipe="paper").phases[1]
    assert learning_rate(second.schedule, 0) == pytest.approx(2e-4)
    assert learning_rate(second.schedule, 1) == pytest.approx((2e-4 - 1e-6) * 0.8 + 1e-6)
