"""Figures of an epoch: those of plain sums, and nothing that waits for the device before they are asked for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training_samples import member, severstal
from torch.utils._python_dispatch import TorchDispatchMode

from steelsight.imaging.rle import Runs
from steelsight.metrics.classification import roc_auc
from steelsight.training import losses
from steelsight.training.augment import draw
from steelsight.training.figures import EpochFigures
from steelsight.training.loading import gather, raw_image
from steelsight.training.losses import images_of, weighted_loss
from steelsight.training.to_input import ToInput

SIZE = "members.*.input={height: 64, width: 96, colour: rgb}"


class Waits(TorchDispatchMode):
    """Refuses what would copy a value of the device to the host."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func is not torch.ops.aten._local_scalar_dense.default
        assert func not in (torch.ops.aten.nonzero.default, torch.ops.aten.masked_select.default)
        return func(*args, **(kwargs or {}))


def test_a_classifiers_figures_are_over_all_batches() -> None:
    rng = np.random.default_rng(0)
    logits, target = rng.normal(size=30).astype(np.float32), (rng.random(30) < 0.4).astype(np.float32)
    figures = EpochFigures("classify", 4)
    for start, end, loss in ((0, 20, 1.0), (20, 30, 4.0)):
        figures.update(torch.from_numpy(logits[start:end]), torch.from_numpy(target[start:end]), torch.tensor(loss))
    found = figures.result()
    assert found["loss"] == pytest.approx(2.0)
    assert found["accuracy"] == pytest.approx(np.mean((logits > 0) == (target > 0.5)))
    assert found["auc"] == pytest.approx(roc_auc(logits.astype(float), target > 0.5))


@pytest.mark.parametrize("name", ["segment-lite0", "classify-lite0", "segment-b0-strategy-1", "classify-b0"])
def test_nothing_waits_for_the_device_within_an_epoch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a processor the losses look whether all pixels count; elsewhere they do not."""
    monkeypatch.setattr(losses, "_in_main_memory", lambda tensor: False)
    recipe = "paper" if "b0" in name else "lite"
    of = member(name, SIZE, "rule=null", recipe=recipe)
    stamped = Runs(np.array([5000]), np.array([9000]))
    samples = [replace(sample, ignored=stamped) for sample in severstal().samples[:4]]
    rng = np.random.default_rng(0)
    later = recipe == "paper"
    images = [rng.integers(0, 256, (*sample.size, 3), dtype=np.uint8) for sample in samples]
    raw = gather(
        [
            raw_image(of, sample, image, draw(of, sample, np.random.default_rng(seed)), later)
            for seed, (sample, image) in enumerate(zip(samples, images, strict=True))
        ]
    )
    figures = EpochFigures(of.step, 4)
    with Waits():
        pixels, target = ToInput.of(of)(raw)
        truth = images_of(target)
        output = torch.zeros_like(truth) if isinstance(target, torch.Tensor) else (truth * 0, target[1] * 0)
        loss = weighted_loss(of.phases[0].loss, output, target)
        figures.update(images_of(output), truth, loss)
    assert pixels.shape[1] == 3
    assert figures.result()["loss"] > 0
