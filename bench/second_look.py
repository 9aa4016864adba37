"""How well P(defect) ranks images: by the classifiers alone, by the segmenters' strongest places, and by both.

    python bench/second_look.py evidence RUN --folds 0 1
    python bench/second_look.py held-back DATA SPLIT --folds 0 1
    python bench/second_look.py inspector INSPECTOR DATA

`evidence` takes the out-of-fold predictions of a RUN's classifier and segmenter in the folds whose jobs are done; `held-back`
asks the networks of these folds about the images that a split of bench/promise.py (its folder) held back; `inspector` asks
all networks of an INSPECTOR about labelled images that they have not seen. Printed: ROC AUC with 95 % intervals over twin
groups, the share of good images with at least the P(defect) that nine in ten defective ones reach, and the median of the
good; then the AUC by class, against the good images, and what each way of combining gains over the classifiers, paired.

A strongest place is the mean of the most defective .05 % of an image's pixels, each by its likeliest class, at the working
size: the mean over the segmenters. The product does not combine them: docs/benchmarks.md says what came of it.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from held_back import samples_held_back
from machine import print_machine
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.combine import combine_probabilities, to_8bit
from steelsight.imaging.read import read_image
from steelsight.inspector.inspector import Inspector
from steelsight.metrics.classification import roc_auc
from steelsight.metrics.intervals import bootstrap_interval
from steelsight.networks.torch_engine import load_engine
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.run.stored_probabilities import read_probabilities

NINE_IN_TEN = 0.1
NEAREST = 0.02  # to 0 and 1, of log odds
PLACE = 2048  # a strongest place is this part of its image

Floats = NDArray[np.float64]
WAYS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "noisy or": lambda p, s: 1 - (1 - p) * (1 - s),
    "mean": lambda p, s: (p + s) / 2,
    "mean of log odds": lambda p, s: (log_odds(p) + log_odds(s)) / 2,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    evidence = verbs.add_parser("evidence")
    evidence.add_argument("run", type=Path)
    held = verbs.add_parser("held-back")
    held.add_argument("data", type=Path)
    held.add_argument("split", type=Path)
    for verb in (evidence, held):
        verb.add_argument("--folds", type=int, nargs="+", default=[0])
    inspector = verbs.add_parser("inspector")
    inspector.add_argument("inspector", type=Path)
    inspector.add_argument("data", type=Path)
    given = parser.parse_args()
    match given.verb:
        case "evidence":
            for fold in given.folds:
                show(f"fold {fold}", Said.of_fold(given.run, fold))
        case "held-back":
            show("held back", held_back(given.data, given.split, given.folds))
        case "inspector":
            engine = Inspector.open(given.inspector).engine("latency")
            show(str(given.inspector), Said.of_engine(engine, read_dataset(given.data).samples))


@dataclass(frozen=True, eq=False)
class Said:
    """What is said of labelled images.

    Attributes:
        p, places: of the classifiers and of the strongest places, float64 (N,).
        groups: int64 (N,), twin groups.
    """

    samples: Sequence[Sample]
    p: Floats
    places: Floats
    groups: NDArray[np.int64]

    @property
    def defective(self) -> NDArray[np.bool_]:
        return np.array([one.is_defective for one in self.samples])

    @classmethod
    def of_fold(cls, path: Path, fold: int) -> Self:
        evidence = OutOfFoldPredictions.of(Run(path))
        members = {member.step: member for member in reversed(evidence.recipe.members)}
        indices = evidence.indices(fold)
        _, p = read_probabilities(evidence.run.predictions_file(members["classify"], fold), len(indices))
        maps = (evidence.map(members["segment"], index) for index in indices.tolist())
        places = np.array([strongest_place(map_) for map_ in maps])
        samples = [evidence.record.samples[index] for index in indices.tolist()]
        return cls(samples, p, places, evidence.record.groups[indices])

    @classmethod
    def of_engine(cls, engine: Engine, samples: Sequence[Sample]) -> Self:
        grey = all(one.preprocess.colour == "grey" for one in (*engine.classifiers, *engine.segmenters))
        p, places = np.empty(len(samples)), np.empty(len(samples))
        for index, sample in enumerate(samples):
            image = read_image(sample.path, grey=grey)
            said = [float(one.probabilities(one.preprocess.to_input(image)[None])[0]) for one in engine.classifiers]
            p[index] = combine_probabilities(said, engine.combine)
            maps = [to_8bit(one.probabilities(one.preprocess.to_input(image)[None])[0]) for one in engine.segmenters]
            places[index] = np.mean([strongest_place(map_) for map_ in maps])
        return cls(samples, p, places, find_twins([one.path for one in samples]))


def held_back(data: Path, split: Path, folds: Sequence[int]) -> Said:
    run = Run(split / "run")
    jobs = {
        step: [(member.name, fold) for member in run.recipe.members if member.step == step for fold in folds]
        for step in ("classify", "segment")
    }
    engine = load_engine(run, run.recipe, run.record.classes, jobs["classify"], jobs["segment"])
    return Said.of_engine(engine, samples_held_back(data, int(split.name.rpartition("-")[2])))


def strongest_place(map_: NDArray[np.uint8]) -> float:
    """In [0, 1], of a map (classes, height, width) that fills its working size."""
    levels = map_.max(axis=0)
    few = max(1, levels.size // PLACE)
    return float(np.partition(levels, levels.size - few, axis=None)[levels.size - few :].mean()) / 255


def show(name: str, said: Said) -> None:
    print(f"{name}: {len(said.samples)} images, {int(said.defective.sum())} with a defect")
    show_one("classifiers", said.p, said)
    show_one("strongest places", said.places, said)
    for way, combine in WAYS.items():
        both = combine(said.p, said.places)
        rows = np.column_stack([said.p, both, said.defective])
        low, high = bootstrap_interval(rows, said.groups, gain, draws=500)
        show_one(way, both, said, f", gains {gain(rows):+.3f} ({low:+.3f} to {high:+.3f})")


def gain(rows: Floats) -> float:
    """AUC of the second column less that of the first."""
    truth = rows[:, 2] > 0.5
    return roc_auc(rows[:, 1], truth) - roc_auc(rows[:, 0], truth)


def show_one(name: str, p: Floats, said: Said, more: str = "") -> None:
    defective = said.defective
    rows = np.column_stack([p, defective])
    low, high = bootstrap_interval(rows, said.groups, lambda drawn: roc_auc(drawn[:, 0], drawn[:, 1] > 0.5), draws=500)
    reached = np.quantile(p[defective], NINE_IN_TEN, method="lower")
    good = p[~defective]
    shares = f"{np.mean(good >= reached):.0%} of the good as high, their median {np.median(good):.2f}"
    print(f"  {name:16} AUC {roc_auc(p, defective):.3f} ({low:.3f} to {high:.3f}), {shares}{more}")
    classes = sorted({number for one in said.samples for number in one.classes})
    parts = []
    for number in classes:
        shows = np.array([number in one.classes for one in said.samples])
        chosen = shows | ~defective
        parts.append(f"{number + 1}: {roc_auc(p[chosen], shows[chosen]):.3f} of {int(shows.sum())}")
    print(f"  {'':16} by class {', '.join(parts)}", flush=True)


def log_odds(p: Floats) -> Floats:
    inside = np.clip(p, NEAREST, 1 - NEAREST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


if __name__ == "__main__":
    print_machine()
    main()
