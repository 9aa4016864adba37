"""A RUN of untrained networks on drawn strips: weights, evidence and decision all made by the real code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import SAMPLE
from helpers.judged_run import COARSE, WIDE
from helpers.made_once import made_once
from safetensors.torch import save_file

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.read import read_dataset
from steelsight.networks.member import build_member
from steelsight.networks.precision import TrainingPrecision
from steelsight.networks.torch_engine import TorchEngine, load_engine
from steelsight.recipe import Recipe, load_recipe, resolve
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import write_decision
from steelsight.training.epochs import job_loader
from steelsight.training.job import make_job, store_evidence

FOLDS = 2


def random_run(factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    """The run of `make_random_run`, made once; not to be changed."""
    return OutOfFoldPredictions.of(made_once(factory, "random-run", lambda run: make_random_run(run).run))


def make_random_run(run: Path) -> OutOfFoldPredictions:
    """Eleven images in two folds; one classifier, and two segmenters of different decoders and working sizes.

    The rule is such that about half of the sample's test images pass the gate, and each class is found in some of them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _make(run)
    finally:
        torch.set_num_threads(threads)


def _make(run: Path) -> OutOfFoldPredictions:
    dataset = read_dataset(SAMPLE, decode=False)
    samples = dataset.samples[::6]
    groups = np.arange(len(samples))
    folds = assign_folds(samples, groups, FOLDS, 0)
    record = Record(dataset.root, dataset.layout, dataset.classes, samples, folds, groups, (), "0" * 64)
    recipe = _recipe(record)
    write_record(run, record)
    write_run_recipe(run, recipe)
    evidence = OutOfFoldPredictions(Run(run), record, recipe)
    for number, member in enumerate(recipe.members):
        for fold in range(FOLDS):
            torch.manual_seed(10 * number + fold)
            job = make_job(evidence, member, fold)
            network = build_member(member, len(record.classes))
            _spread(network)
            job.folder.path.mkdir(parents=True)
            save_file(network.state_dict(), job.folder.weights)
            with job_loader(job, torch.device("cpu"), 0) as loader:
                store_evidence(job, network, evidence, torch.device("cpu"), loader)
    write_decision(Run(run), decide(Run(run)).model_copy(update={"rule": _rule(evidence)}))
    return evidence


def load(evidence: OutOfFoldPredictions, folds: Sequence[int], precision: TrainingPrecision = "fp32") -> TorchEngine:
    """All members of these folds, on the processor."""
    names = {step: [m.name for m in evidence.recipe.members if m.step == step] for step in ("classify", "segment")}
    jobs = {step: [(name, fold) for fold in folds for name in names[step]] for step in names}
    device = torch.device("cpu")
    classes = evidence.record.classes
    return load_engine(
        evidence.run, evidence.recipe, classes, jobs["classify"], jobs["segment"], device=device, precision=precision
    )


def _rule(evidence: OutOfFoldPredictions) -> Rule:
    everything = Rule(gate=0.0, upper=(255,) * 4, lower=(255,) * 4, min_area=(1,) * 4)
    sources = find_sources([str(SAMPLE / "test_images")])
    judged = list(judge(sources, load(evidence, range(FOLDS)), everything, keep_maps=True))
    maps = np.stack([one.maps for one in judged if one.maps is not None])
    levels = [int(np.percentile(maps[:, index], 97)) for index in range(4)]
    areas = [int(np.median((maps[:, index] > level).sum(axis=(1, 2)))) for index, level in enumerate(levels)]
    gate = float(np.median([one.p_defect for one in judged]))
    return Rule(
        gate=gate, upper=levels, lower=[level - 5 for level in levels], min_area=[max(1, area) for area in areas]
    )


def _recipe(record: Record) -> Recipe:
    lite = load_recipe("lite", [*WIDE, *COARSE, f"folds={FOLDS}", "members.*.weights=random", "selection.segmenters=2"])
    segmenter, classifier = lite.members
    members = (
        _sized(classifier, "classify", 32, 160),
        _sized(segmenter, "segment-unet", 32, 192).model_copy(update={"decoder_channels": (32, 16, 16, 8, 8)}),
        _sized(segmenter, "segment-fpn", 64, 256).model_copy(update={"decoder": "fpn", "decoder_channels": (32, 32)}),
    )
    recipe = lite.model_copy(update={"members": members})
    return resolve(recipe, record.classes, [sample.size for sample in record.samples], grey=True)


def _sized(member: Any, name: Any, height: Any, width: Any) -> Any:
    size = member.input.model_copy(update={"height": height, "width": width, "pixels": None})
    return member.model_copy(update={"name": name, "input": size})


def _spread(network: torch.nn.Module) -> None:
    """Untrained networks answer alike everywhere; statistics of noise and a larger last layer spread their answers."""
    network.train()
    with torch.no_grad():
        for _ in range(10):
            network(torch.rand(4, 1, 64, 64) * 2 - 1)
        last = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)][-1]
        last.weight *= 1.5
    network.eval()
