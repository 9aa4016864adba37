"""What the segmenters of a split of bench/promise.py find on the images that were held back, by rules on several grids.

    python bench/promise.py train --data ../shared/data/magnetic_tile --name tiles_lite --recipe lite --work runs/promise
    python bench/held_back.py ../shared/data/magnetic_tile runs/promise/tiles_lite-0 --folds 0 1 2 3

No classifier and no gate: only the segmenters need be trained (`train --only`). A rule is found out of fold, where each image
is seen by one network, and judged on what was held back, by the votes of all of them. Nested: each fold by the rule of the
others. Figures: competition Dice / Dice of pairs with a defect / false alarms on empty pairs / mean IoU.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from machine import print_machine
from screen import MEMBER, Seen, histogram
from sklearn.metrics import roc_auc_score

from steelsight.dataset.folds import assign_folds
from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.combine import combine_maps, to_8bit
from steelsight.imaging.read import read_image
from steelsight.metrics.dice import dice_figures
from steelsight.networks.torch_engine import load_engine
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import find_rule
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run

PARTS = 3  # as in bench/promise.py
GRIDS = {"all thresholds": (1, 1.05), "few": (32, 4.0)}
"""Step between thresholds, of 255, and from one area to the next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "split", type=Path, help="folder of bench/promise.py, whose name ends in the number of the split"
    )
    parser.add_argument(
        "--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="those whose segmenters are trained"
    )
    parser.add_argument("--limits", type=float, nargs="+", default=[0.01, 0.03, 0.05])
    given = parser.parse_args()
    evidence = OutOfFoldPredictions.of(Run(given.split / "run"))
    kept = Seen.of(evidence, given.folds)
    outputs = CombinedOutputs(kept.histograms, np.ones(len(kept.folds)))
    held = held_back(evidence, given.folds, samples_held_back(given.data, int(given.split.name.rpartition("-")[2])))
    for limit in given.limits:
        for kind in ("shared", "tuned"):
            for name, (step, ratio) in GRIDS.items():
                objective = Objective(aim="defects", max_false_alarms=limit)
                classes = len(evidence.record.classes)
                grids = Grids.of([0.0], ratio, kept.sizes, classes, (), objective, (0.3, 0.9), step)
                parts = []
                for fold in given.folds:
                    rule = find_rule(kind, outputs, grids, np.flatnonzero(kept.folds != fold)).rule
                    parts.append(outputs.count(rule, np.flatnonzero(kept.folds == fold)))
                judged = held.count(find_rule(kind, outputs, grids).rule)
                print(
                    f"at most {limit:.0%}, {kind:6}, {name:14} nested {said(parts)}, held back {said([judged])}",
                    flush=True,
                )


def said(parts: Sequence[PixelCounts]) -> str:
    names = ("intersection", "predicted", "truth")
    found = dice_figures(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    alarms = found.false_alarm_share or 0.0
    return f"{found.dice:.3f} / {found.defective_dice:.3f} / {alarms:.1%} / IoU {found.mean_iou:.3f}"


def samples_held_back(data: Path, split: int) -> list[Sample]:
    samples = read_dataset(data).samples
    groups = find_twins([sample.path for sample in samples])
    held = assign_folds(samples, groups, PARTS, seed=split) == 0
    return [sample for sample, out in zip(samples, held, strict=True) if out]


def held_back(evidence: OutOfFoldPredictions, folds: Sequence[int], samples: Sequence[Sample]) -> CombinedOutputs:
    """Each image by the votes of all segmenters; prints how well their 50 greatest pixels rank the images."""
    recipe, classes = evidence.recipe, evidence.record.classes
    engine = load_engine(evidence.run, recipe, classes, [], [(MEMBER, fold) for fold in folds])
    preprocesses = [network.preprocess for network in engine.segmenters]
    histograms, scores = [], []
    for sample in samples:
        image = read_image(sample.path, grey=preprocesses[0].colour == "grey")
        maps = [to_8bit(one.probabilities(one.preprocess.to_input(image)[None])[0]) for one in engine.segmenters]
        histograms.append(histogram(combine_maps(maps, preprocesses, sample.size, evidence.combine), sample))
        scores.append(np.mean([np.sort(one.max(0), axis=None)[-50:].mean() for one in maps]))
    defective = [sample.is_defective for sample in samples]
    print(
        f"{len(samples)} images held back, {sum(defective)} with a defect; AUC of the segmenters "
        f"{roc_auc_score(defective, scores):.3f}"
    )
    return CombinedOutputs(np.stack(histograms), np.ones(len(samples)))


if __name__ == "__main__":
    print_machine()
    torch.set_num_threads(1)
    main()
