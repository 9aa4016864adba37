"""What is exported here: the random run with its classifier and its UNet++ alone, whose maps have edges like real ones."""

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from helpers.data import SAMPLE
from helpers.made_once import made_once
from helpers.random_run import FOLDS, load, random_run
from safetensors.torch import save_file

from steelsight.imaging.read import list_images, read_image
from steelsight.networks.torch_engine import TorchNetwork
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import Decision, read_decision, write_decision
from steelsight.selection.run_policy import decide_verdicts
from steelsight.verdicts.policy import Limits, Policy

WISH = Limits(max_escape=0.6, max_overkill=0.6, confidence=0.8)
STEEPNESS = 20
"""Of the maps: those of untrained networks are nearly flat, and a flat map's mask hangs on the last bit of a number."""


def small_run(factory: pytest.TempPathFactory) -> Path:
    """The run of `make_small_run`, made once; not to be changed."""
    flat = random_run(factory).run.path
    return made_once(factory, "small-run", lambda run: make_small_run(flat, run))


def make_small_run(flat: Path, run: Path) -> Path:
    """A copy of the random run with one classifier, whose gate most images pass, and one segmenter a fold.

    The stored evidence is that of the flat maps. Its verdicts are decided with a wide wish, since it has eleven images.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        evidence = OutOfFoldPredictions.of(Run(shutil.copytree(flat, run)))
        for fold in range(FOLDS):
            network = load(evidence, [fold]).segmenters[0]
            _steepen(network)
            weights = {name: kept.contiguous() for name, kept in network.model.state_dict().items()}
            save_file(weights, run / f"jobs/segment-unet/fold{fold}/weights.safetensors")
        decision = read_decision(Run(run))
        rule = decision.rule.model_copy(
            update={
                "gate": _gate(evidence),
                "upper": (150,) * 4,
                "lower": (100,) * 4,
                "min_area": (200,) * 4,
            }
        )
        write_decision(Run(run), _with(decision, segmenters=("segment-unet",), rule=rule))
        decide_verdicts(Run(run), WISH, "keep")
    finally:
        torch.set_num_threads(threads)
    return run


def without_classifiers(run: Path) -> Path:
    """Let its decision choose no classifier."""
    write_decision(Run(run), _with(read_decision(Run(run)), classifiers=(), policy=None))
    return run


def _with(decision: Decision, *, policy: Policy | Literal["same"] | None = "same", **choices: Any) -> Decision:
    """The decision with other members or another rule, for all folds together and for each alone."""
    folds = tuple(of.model_copy(update=choices) for of in decision.nested.folds)
    nested = decision.nested.model_copy(update={"folds": folds})
    update = {name: value if name == "rule" else {"all": value} for name, value in choices.items()}
    if policy != "same":
        update["policy"] = policy
    return decision.model_copy(update={**update, "nested": nested})


def _steepen(network: TorchNetwork) -> None:
    with torch.inference_mode():
        model: Any = network.model.network
        logits = model(_inputs(network)).transpose(0, 1).flatten(1)
        head = model.segmentation_head[0]
        head.bias.copy_(STEEPNESS * (head.bias - logits.quantile(0.97, 1)))
        head.weight *= STEEPNESS


def _gate(evidence: OutOfFoldPredictions) -> float:
    classifiers = load(evidence, range(FOLDS)).classifiers
    said = [network.probabilities(_inputs(network).numpy()) for network in classifiers]
    return float(np.quantile(np.mean(said, axis=0), 0.3))


def _inputs(network: TorchNetwork) -> torch.Tensor:
    paths = list_images(SAMPLE / "train_images")[::6]
    return torch.from_numpy(np.stack([network.preprocess.to_input(read_image(path)) for path in paths]))
