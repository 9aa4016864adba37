"""A RUN whose members' evidence is known: drawn strips and masks, maps and probabilities drawn from the masks."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from helpers.data import SAMPLE

from steelsight.dataset.folds import assign_folds
from steelsight.dataset.read import read_dataset
from steelsight.recipe import Recipe, load_recipe, resolve
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.selection.member_scores import working_truth

FOLDS = 3
COARSE = (
    "search.gates=[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]",
    "search.threshold_step=0.1",
    "search.area_ratio=1.3",
)

WIDE = (
    "search.objective=competition",
    "search.upper=[0, 1]",
    "search.threshold_step=0",
    "search.area_ratio=1.05",
    f"search.gates={[n / 20 for n in range(20)]}",
    "selection.combine=mean",
)
"""The widest search, by the competition's objective: what `search` changes, it changes from here."""


def make_run(
    run: Path,
    noise: dict[str, float],
    *,
    every: int = 3,
    folds: int = FOLDS,
    scope: str = "all",
    leave_out: Sequence[tuple[str, int]] = (),
    search: Sequence[str] = COARSE,
    width: int = 192,
) -> OutOfFoldPredictions:
    """A run on every `every`-th image of the sample.

    Args:
        run: folder to write.
        noise: member name (`c...` a classifier, `s...` a segmenter) -> how wrong it is, from 0.
        leave_out: (member, fold) whose evidence is not written.
        search: changes to the recipe's grid of rules, by default to one that is quick to search.
        width: of the working size, whose height is 32.
    """
    dataset = read_dataset(SAMPLE, decode=False)
    samples = dataset.samples[::every]
    groups = np.arange(len(samples))
    folds_of = assign_folds(samples, groups, folds, 0)
    record = Record(dataset.root, dataset.layout, dataset.classes, samples, folds_of, groups, (), "0" * 64)
    recipe = _recipe(noise, [*WIDE, f"folds={folds}", f"selection.scope={scope}", *search], record, width)
    write_record(run, record)
    write_run_recipe(run, recipe)
    evidence = OutOfFoldPredictions(Run(run), record, recipe)
    for number, member in enumerate(recipe.members):
        for fold in range(folds):
            if (member.name, fold) not in leave_out:
                _write(evidence, member.name, fold, noise[member.name], np.random.default_rng([number, fold]))
    return evidence


def _recipe(noise: dict[str, float], changes: Sequence[str], record: Record, width: int) -> Recipe:
    lite = load_recipe("lite", [*changes, "members.classify-lite0.weights=imagenet"])
    models = {"c": lite.member("classify-lite0"), "s": lite.member("segment-lite0")}
    small = {"height": 32, "width": width}
    members = [
        models[name[0]].model_copy(
            update={"name": name, "input": models[name[0]].input.model_copy(update={**small, "pixels": None})}
        )
        for name in noise
    ]
    recipe = lite.model_copy(update={"members": tuple(members)})
    return resolve(recipe, record.classes, [sample.size for sample in record.samples], True)


def _write(evidence: OutOfFoldPredictions, name: str, fold: int, noise: float, rng: np.random.Generator) -> None:
    member = evidence.recipe.member(name)
    samples = [evidence.record.samples[index] for index in evidence.indices(fold)]
    if member.step == "classify":
        shift = np.array([0.8 if sample.is_defective else 0.2 for sample in samples])
        evidence.write_probabilities(member, fold, np.clip(shift + rng.normal(0, noise, len(samples)), 0, 1))
        return
    maps = []
    for sample in samples:
        truth = working_truth(sample, member.preprocess)
        soft = np.stack([cv2.GaussianBlur(plane, (0, 0), 1 + 4 * noise) for plane in truth])
        blobs = cv2.GaussianBlur(rng.normal(0, 1, truth.shape[1:]).astype(np.float32), (0, 0), 4)[None]
        maps.append((np.clip(soft * (1 - noise) + 6 * noise * blobs, 0, 1) * 255).astype(np.uint8))
    evidence.write_maps(member, fold, [np.stack(maps)])
