"""One change of `lite`'s segmenter at a time, on the same images, folds and seed, at about the same cost.

    python bench/screen.py train --data ../shared/data/severstal/train.csv --name strips --work runs/screen
    python bench/screen.py train --data ../shared/data/magnetic_tile --name tiles --skip-faulty --work runs/screen
    python bench/screen.py rules runs/screen/tiles-lite
    python bench/screen.py table

Each variant is a RUN of `lite` with some changes, of which the segmenters of two folds are trained; one that was killed goes
on, and one whose row is there is left alone. A row says what the maps of one fold are worth by a rule that was found on the
other, both ways: no classifier, no gate, few thresholds of each class, those that find most with false
alarms on at most `LIMIT` of the empty pairs. So the rows of a table are to be held against each other, and not against a
run's nested figures. Rows are kept in `bench/screen_rows.json`, which is under version control. `rules` judges one of the
runs by several grids and kinds of rule.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_machine
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from steelsight.core.files import write_json
from steelsight.dataset.model import Sample
from steelsight.metrics.dice import dice_figures
from steelsight.recipe import load_recipe
from steelsight.recipe.model import Search
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import RICHEST, find_rule
from steelsight.rule.objective import Objective
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run

ROWS = Path(__file__).with_name("screen_rows.json")
MEMBER = "segment-lite0"
FOLDS = (0, 1)
LIMIT = 0.03
FEW = {"threshold_step": 0.125, "area_ratio": 4.0}
"""Thresholds of each class on all 256 levels would fit a hundred defects by chance."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "lite": (),
    "fpn": ("decoder=fpn", "decoder_channels=null"),
    "narrow fpn": (
        "decoder=fpn",
        "decoder_channels=[128,64]",
        "phases.1.epochs=32",
        "phases.1.schedule.hold=25",
        "validate_every=8",
    ),
    "lite1": ("encoder=lite1", "members.classify-lite0.encoder=lite1", "phases.1.epochs=13"),
    "lite2": ("encoder=lite2", "members.classify-lite0.encoder=lite2", "phases.1.epochs=11"),
    "two scales": ("augment.crop.smallest=0.5", "augment.crop.largest=2.0"),
    "without paste": ("augment.paste=null",),
    "more good windows": ("augment.crop.on_defect=0.4", "sampling.defect_free_share=0.7"),
    "larger windows": ("augment.crop.pixels=65536", "phases.1.epochs=9"),
    "last six averaged": ("keep.last=6",),
}
"""Changes of the segmenter; epochs make the cost that of `lite`, as it was timed."""


def main() -> None:
    """Train variants, or print what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train")
    train.add_argument("--data", type=Path, required=True)
    train.add_argument("--name", required=True, help="of the data, as its rows have it")
    train.add_argument("--work", type=Path, required=True)
    train.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    train.add_argument("--skip-faulty", action="store_true")
    train.add_argument("--parallel", default="auto")
    rules = verbs.add_parser("rules")
    rules.add_argument("run", type=Path)
    rules.add_argument("--limits", type=float, nargs="+", default=[0.02, LIMIT])
    verbs.add_parser("table")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if given.verb == "train":
        for variant in given.variants:
            if (given.name, variant) not in {(row["data"], row["variant"]) for row in kept_rows()}:
                row = measured(given, variant)
                write_json(ROWS, [*kept_rows(), row])
                print(json.dumps(row), flush=True)
    elif given.verb == "rules":
        print_rules(given.run, given.limits)
    else:
        print_table(kept_rows())


def kept_rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ROWS.read_text()) if ROWS.exists() else []
    return rows


def measured(given: argparse.Namespace, variant: str) -> dict[str, Any]:
    """Train what is missing of a variant, and judge it."""
    folder = given.work / f"{given.name}-{variant.replace(' ', '-')}"
    words = ["train", given.data, "--recipe", "lite", "--out", folder, "--resume", "--parallel", given.parallel]
    words += [word for change in settings(variant) for word in ("--set", change)]
    words += [word for fold in FOLDS for word in ("--only", f"{MEMBER}:{fold}")]
    words += ["--skip-faulty"] if given.skip_faulty else []
    given.work.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".log").open("a") as log:
        command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words)]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    evidence = OutOfFoldPredictions.of(Run(folder))
    seen = Seen.of(evidence)
    return {
        "data": given.name,
        "variant": variant,
        "changes": list(VARIANTS[variant]),
        **seen.judged(RICHEST, load_recipe("lite").search.model_copy(update=FEW), LIMIT),
        "image_auc": seen.image_auc(),
        "seconds": sum(json.loads(evidence.run.job(MEMBER, fold).done.read_text())["seconds"] for fold in FOLDS),
        "machine": describe_machine(),
    }


def settings(variant: str) -> list[str]:
    """What a variant changes, in full: of the segmenter, if no other member is named."""
    return [one if one.startswith("members.") else f"members.{MEMBER}.{one}" for one in VARIANTS[variant]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What the maps of some folds say, each by a network that did not see its images.

    Attributes:
        histograms: uint32 (N, K, 2, 256), pixels per level over background and over truth.
        scores: float64 (N,), mean of an image's 50 greatest pixels.
        folds: int64 (N,); sizes: of the images.
    """

    histograms: NDArray[np.uint32]
    scores: NDArray[np.float64]
    folds: NDArray[np.int64]
    sizes: list[tuple[int, int]]

    @classmethod
    def of(cls, evidence: OutOfFoldPredictions, trained: Sequence[int] = FOLDS) -> "Seen":
        member, rows = evidence.recipe.member(MEMBER), []
        for fold in trained:
            for index in evidence.indices(fold).tolist():
                sample = evidence.record.samples[index]
                said = evidence.map(member, index).astype(np.float32)
                levels = np.rint(member.preprocess.map_to_image(said, sample.size)).astype(np.uint8)
                greatest = float(np.sort(levels.max(0), axis=None)[-50:].mean())
                rows.append((histogram(levels, sample), greatest, fold, sample.size))
        histograms, scores, folds, sizes = zip(*rows, strict=True)
        return cls(np.stack(histograms), np.array(scores), np.array(folds), list(sizes))

    def judged(self, kind: str, search: Search, limit: float) -> dict[str, Any]:
        """Each fold by the rule of a kind that was found on the other one, without a gate."""
        outputs = CombinedOutputs(self.histograms, np.ones(len(self.folds)))
        step = max(1, round(255 * search.threshold_step))
        objective = Objective(aim="defects", max_false_alarms=limit)
        classes = self.histograms.shape[1]
        grids = Grids.of([0.0], search.area_ratio, self.sizes, classes, (), objective, search.upper, step)
        parts = []
        for fold in FOLDS:
            rule = find_rule(kind, outputs, grids, np.flatnonzero(self.folds != fold)).rule
            parts.append(outputs.count(rule, np.flatnonzero(self.folds == fold)))
        names = ("intersection", "predicted", "truth")
        every = dice_figures(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
        of_folds = [dice_figures(part.intersection, part.predicted, part.truth).defective_dice for part in parts]
        return {
            "pairs": every.defective_dice,
            "pairs_of_folds": of_folds,
            "false_alarms": every.false_alarm_share,
            "mean_iou": every.mean_iou,
        }

    def image_auc(self) -> list[float]:
        """How well the scores rank the images of each fold."""
        defective: NDArray[np.bool_] = self.histograms[:, :, 1].sum(axis=(1, 2)) > 0
        places = [self.folds == fold for fold in FOLDS]
        return [round(float(roc_auc_score(defective[one], self.scores[one])), 4) for one in places]


def histogram(levels: NDArray[np.uint8], sample: Sample) -> NDArray[np.uint32]:
    """Pixels per level over background and over truth: uint32 (classes, 2, 256)."""
    return np.array(
        [
            [np.bincount(level[of], minlength=256) for of in (~truth, truth)]
            for level, truth in zip(levels, sample.mask(), strict=True)
        ],
        np.uint32,
    )


def print_rules(run: Path, limits: Sequence[float]) -> None:
    """What a run's maps are worth by each kind of rule, with few thresholds and with all."""
    evidence = OutOfFoldPredictions.of(Run(run))
    seen = Seen.of(evidence)
    for limit in limits:
        for kind in ("shared", "tuned"):
            for step, ratio in ((0.0, 1.05), (0.03, 1.5), (0.0625, 2.0), (0.125, 2.0), (0.125, 4.0), (0.25, 4.0)):
                search = evidence.recipe.search.model_copy(update={"threshold_step": step, "area_ratio": ratio})
                one = seen.judged(kind, search, limit)
                print(
                    f"at most {limit:.0%}, {kind:7} thresholds {step or 1 / 255:.3f} apart, areas {ratio:.2f}: pairs "
                    f"{one['pairs']:.3f} false alarms {one['false_alarms']:.1%} IoU {one['mean_iou']:.3f}",
                    flush=True,
                )


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """A line per variant, best first within its data."""
    for row in sorted(rows, key=lambda row: (row["data"], -row["pairs"])):
        folds, aucs = (" ".join(f"{value:.3f}" for value in row[key]) for key in ("pairs_of_folds", "image_auc"))
        print(
            f"{row['data']:8} {row['variant']:18} pairs {row['pairs']:.3f} ({folds}) false alarms "
            f"{row['false_alarms']:.1%} IoU {row['mean_iou']:.3f} AUC {aucs} {row['seconds'] / 60:.0f} min"
        )


if __name__ == "__main__":
    print_machine()
    main()
