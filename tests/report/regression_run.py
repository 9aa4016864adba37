"""A small RUN on real images whose evidence comes from logistic regressions on blurred pixels, fitted without the fold.

Nothing here is torch, so that a report is tested in seconds; all of it is written by steelsight's own writers.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from steelsight.dataset.folds import assign_folds
from steelsight.dataset.read import read_dataset
from steelsight.dataset.record import Record, fingerprint, write_record
from steelsight.dataset.twins import find_twins
from steelsight.ensemble import to_8bit
from steelsight.evidence.store import Evidence
from steelsight.images import read_image
from steelsight.recipe import Member, Recipe, load_recipe, resolve, write_run_recipe

PIXELS = 4000  # of each image that a regression is fitted on


def make_run(run: Path, data: Path, *, keep: int | None = None, epochs: int = 6) -> Evidence:
    """Write a RUN with evidence of two classifiers and two segmenters; `keep` takes every n-th image only."""
    dataset = read_dataset(data)
    samples = dataset.samples[::keep]
    recipe = _recipe([sample.size for sample in samples], dataset.classes)
    groups = find_twins([sample.path for sample in samples])
    record = Record(
        root=dataset.root,
        layout=dataset.layout,
        classes=dataset.classes,
        samples=samples,
        folds=assign_folds(samples, groups, recipe.folds, recipe.seed),
        groups=groups,
        skipped=dataset.faults,
        fingerprint=fingerprint(dataset),
    )
    write_record(run, record)
    write_run_recipe(run, recipe)
    evidence = Evidence(run, record, recipe)
    for member, blur in zip(recipe.members, (2.0, 6.0, 3.0, 9.0), strict=True):
        features = [_features(member, read_image(sample.path), blur) for sample in samples]
        for fold in range(recipe.folds):
            (_classify if member.step == "classify" else _segment)(evidence, member, fold, features)
            _write_job(run, member, fold, epochs)
    return evidence


def _recipe(sizes: list[tuple[int, int]], classes: tuple[str, ...]) -> Recipe:
    demo = load_recipe("demo", ["selection.classifiers=2", "selection.segmenters=2"])
    members = tuple(
        member.model_copy(update={"name": f"{member.step}-{grain}"})
        for member in demo.members
        for grain in ("fine", "coarse")
    )
    return resolve(demo.model_copy(update={"members": members}), classes, sizes, grey=True)


def _features(member: Member, image: NDArray[np.generic], blur: float) -> NDArray[np.float32]:
    """(h, w, 5): blurred brightness, its departure from the image's columns, local contrast, darkness, lightness."""
    grey = member.preprocess.to_input(image).mean(axis=0)
    smooth = cv2.GaussianBlur(grey, (0, 0), blur)
    apart = smooth - cv2.GaussianBlur(grey, (0, 0), blur * 8)
    contrast = cv2.GaussianBlur((grey - smooth) ** 2, (0, 0), blur) ** 0.5
    return np.stack([smooth, apart, contrast, np.minimum(apart, 0), np.maximum(apart, 0)], axis=-1)


def _classify(evidence: Evidence, member: Member, fold: int, features: list[NDArray[np.float32]]) -> None:
    rows = np.array([np.r_[f.mean((0, 1)), f.std((0, 1)), f.max((0, 1)), f.min((0, 1))] for f in features])
    rows = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-9)
    truth = np.array([sample.is_defective for sample in evidence.record.samples])
    inside = evidence.indices(fold)
    seen = evidence.record.folds != fold
    fitted = LogisticRegression(C=0.3, max_iter=300).fit(rows[seen], truth[seen])
    evidence.write_probabilities(member, fold, fitted.predict_proba(rows[inside])[:, 1])


def _segment(evidence: Evidence, member: Member, fold: int, features: list[NDArray[np.float32]]) -> None:
    rng = np.random.default_rng(fold)
    record = evidence.record
    rows, truths = [], []
    for index in np.flatnonzero(record.folds != fold):
        mask = np.stack(
            [cv2.resize(m.astype(np.uint8), features[index].shape[1::-1]) for m in record.samples[index].mask()]
        )
        flat = features[index].reshape(-1, features[index].shape[-1])
        chosen = rng.choice(len(flat), min(PIXELS, len(flat)), replace=False)
        rows.append(flat[chosen])
        truths.append(mask.reshape(len(mask), -1)[:, chosen].T > 0)
    pixels, labels = np.concatenate(rows), np.concatenate(truths)
    middle, spread = pixels.mean(axis=0), pixels.std(axis=0) + 1e-9
    fits = [
        LogisticRegression(max_iter=100, class_weight="balanced").fit((pixels - middle) / spread, of_class)
        if of_class.any()
        else None
        for of_class in labels.T
    ]

    def maps() -> Iterator[NDArray[np.uint8]]:
        for index in evidence.indices(fold):
            f = (features[index] - middle) / spread
            flat = f.reshape(-1, f.shape[-1])
            said = [fit.predict_proba(flat)[:, 1] if fit else np.zeros(len(flat)) for fit in fits]
            yield to_8bit(np.stack(said).reshape(1, len(fits), *f.shape[:2]))

    evidence.write_maps(member, fold, maps())


def _write_job(run: Path, member: Member, fold: int, epochs: int) -> None:
    """Log and summary of a job in the form that training writes."""
    folder = run / "jobs" / member.name / f"fold{fold}"
    folder.mkdir(parents=True)
    lines = [{"epoch": epoch, "phase": 0} | _line(member, epoch, fold) for epoch in range(epochs)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = {"device": "cpu", "precision": "fp32", "threads": 1, "versions": {"python": "3.11"}}
    (folder / "done.json").write_text(json.dumps(done))


def _line(member: Member, epoch: int, fold: int) -> dict[str, object]:
    loss = (1.2 + 0.1 * fold) * 0.8**epoch
    common = {
        "learning_rate": 1e-3 * 0.7**epoch,
        "train_loss": loss,
        "valid_loss": loss + 0.1,
        "seconds": 4.2,
        "images_per_second": 10.5,
    }
    if member.step == "classify":
        return common | {"train_accuracy": 1 - loss / 3, "valid_accuracy": 0.95 - loss / 3}
    dice = 1 - 0.8**epoch
    figures = {"train_dice_batch": dice, "valid_dice_batch": 0.9 * dice, "valid_dice_image": 0.8 * dice}
    return (
        common | figures | {"valid_dice_pair": 0.7 * dice, "train_dice_per_class": [dice, 0.0, 0.9 * dice, 0.5 * dice]}
    )
