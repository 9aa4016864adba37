"""One change of `lite`'s segmenter at a time, on the same images, folds and seed, at about the same cost.

    python bench/screen.py train --data ../shared/data/severstal/train.csv --name strips --work runs/screen
    python bench/screen.py train --data ../shared/data/magnetic_tile --name tiles --skip-faulty --work runs/screen
    python bench/screen.py table

Each variant is a RUN of `lite` with some changes, of which the segmenters of two folds are trained; one that was killed goes
on, and one whose row is there is left alone. A row says what the maps of one fold are worth by thresholds that were chosen on
the other, both ways (`figures`): no classifier, no gate, one level and one minimum area for all classes, those that find most
with false alarms on at most `LIMIT` of the empty pairs. So the rows of a table are to be held against each other, and not
against a run's nested figures. Rows are kept in `bench/screen_rows.json`, which is under version control.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_machine
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from steelsight.core.files import write_json
from steelsight.imaging.rle import decode_runs
from steelsight.metrics.dice import dice_figures
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run

ROWS = Path(__file__).with_name("screen_rows.json")
MEMBER = "segment-lite0"
FOLDS = (0, 1)
LIMIT = 0.03
LEVELS = tuple(range(25, 250, 15))
"""Of 255: a pixel is marked above one of them."""
AREAS = (0.0, 0.0002, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016)
"""Shares of the image that a class must mark at least."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "lite": (),
    "fpn": ("decoder=fpn", "decoder_channels=null"),
    "lite1": ("encoder=lite1", "phases.1.epochs=13"),
    "lite2": ("encoder=lite2", "phases.1.epochs=11"),
    "two scales": ("augment.crop.smallest=0.5", "augment.crop.largest=2.0"),
    "more good windows": ("augment.crop.on_defect=0.4", "sampling.defect_free_share=0.7"),
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
    verbs.add_parser("table")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if given.verb == "train":
        for variant in given.variants:
            if (given.name, variant) not in {(row["data"], row["variant"]) for row in kept_rows()}:
                row = measured(given, variant)
                write_json(ROWS, [*kept_rows(), row])
                print(json.dumps(row), flush=True)
    else:
        print_table(kept_rows())


def kept_rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ROWS.read_text()) if ROWS.exists() else []
    return rows


def measured(given: argparse.Namespace, variant: str) -> dict[str, Any]:
    """Train what is missing of a variant, and judge it."""
    folder = given.work / f"{given.name}-{variant.replace(' ', '-')}"
    words = ["train", given.data, "--recipe", "lite", "--out", folder, "--resume", "--parallel", given.parallel]
    words += [word for change in VARIANTS[variant] for word in ("--set", f"members.{MEMBER}.{change}")]
    words += [word for fold in FOLDS for word in ("--only", f"{MEMBER}:{fold}")]
    words += ["--skip-faulty"] if given.skip_faulty else []
    given.work.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".log").open("a") as log:
        command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words)]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    evidence = OutOfFoldPredictions.of(Run(folder))
    parts = [Counted.of(evidence, fold) for fold in FOLDS]
    return {
        "data": given.name,
        "variant": variant,
        "changes": list(VARIANTS[variant]),
        **figures(parts),
        "image_auc": [round(float(roc_auc_score(part.is_defective, part.scores)), 4) for part in parts],
        "seconds": sum(json.loads(evidence.run.job(MEMBER, fold).done.read_text())["seconds"] for fold in FOLDS),
        "machine": describe_machine(),
    }


class Counted:
    """What the maps of a fold mark at each level, pair by pair.

    Attributes:
        found, marked: int64 (levels, images, classes): pixels above the level in truth, and all of them.
        truth: int64 (images, classes); sizes: int64 (images,), pixels.
        scores: float64 (images,), mean of the 50 greatest pixels; is_defective: bool (images,).
    """

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        found, marked, truth, sizes, scores = zip(*rows, strict=True)
        self.found, self.marked = np.stack(found, 1), np.stack(marked, 1)
        self.truth, self.sizes, self.scores = np.array(truth), np.array(sizes), np.array(scores)
        self.is_defective = self.truth.sum(1) > 0

    @classmethod
    def of(cls, evidence: OutOfFoldPredictions, fold: int) -> "Counted":
        member, rows = evidence.recipe.member(MEMBER), []
        for index in evidence.indices(fold).tolist():
            sample = evidence.record.samples[index]
            map_ = member.preprocess.map_to_image(evidence.map(member, index).astype(np.float32), sample.size)
            truth = np.stack([decode_runs(runs, sample.size) for runs in sample.runs])
            above = [map_ > level for level in LEVELS]
            rows.append(
                (
                    np.array([(mask & truth).sum((1, 2)) for mask in above]),
                    np.array([mask.sum((1, 2)) for mask in above]),
                    truth.sum((1, 2)),
                    truth[0].size,
                    float(np.sort(map_.max(0), axis=None)[-50:].mean()),
                )
            )
        return cls(rows)

    def masks(self, level: int, area: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Intersection, mask and truth of each pair by a level's number and a share of the image."""
        keeps = self.marked[level] >= np.maximum(1, area * self.sizes)[:, None]
        return self.found[level] * keeps, self.marked[level] * keeps, self.truth


def figures(parts: Sequence[Counted]) -> dict[str, Any]:
    """Dice of pairs with a defect and share of false alarms on both folds, each by what was chosen on the other."""
    counted, chosen = [], []
    for judged, other in (parts, parts[::-1]):
        choices = [(level, area) for level in range(len(LEVELS)) for area in AREAS]
        by_choice = [dice_figures(*other.masks(*choice)) for choice in choices]
        allowed = [at for at, one in enumerate(by_choice) if (one.false_alarm_share or 0) <= LIMIT]
        best = max(allowed, key=lambda at: by_choice[at].defective_dice or 0)
        chosen.append([LEVELS[choices[best][0]], choices[best][1]])
        counted.append(judged.masks(*choices[best]))
    together = dice_figures(*(np.concatenate(part) for part in zip(*counted, strict=True)))
    each = [dice_figures(*one).defective_dice for one in counted]
    return {
        "pairs": together.defective_dice,
        "pairs_of_folds": each,
        "false_alarms": together.false_alarm_share,
        "mean_iou": together.mean_iou,
        "chosen": chosen,
    }


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
