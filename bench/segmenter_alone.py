"""What the segmenters of a RUN find on one fold by argmax alone: no classifier, no rule. To be held against plain_script.py.

    python bench/segmenter_alone.py --run runs/tiles --fold 0

The fold's segmenters with exclusive classes must be trained (`steelsight train ... --only MEMBER:FOLD`); each is judged at
the images' own sizes on the maps that are stored of it. An image's score is the greatest 1 - P(background) of its pixels.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from machine import print_machine
from sklearn.metrics import roc_auc_score

from steelsight.imaging.rle import decode_runs
from steelsight.metrics.dice import dice_figures
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run


def main() -> None:
    """Print one JSON object per segmenter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--fold", type=int, required=True)
    arguments = parser.parse_args()
    evidence = OutOfFoldPredictions.of(Run(arguments.run))
    members = [m for m in evidence.recipe.members if m.step == "segment" and m.exclusive]
    trained = [member for member in members if evidence.has(member, arguments.fold)]
    if not trained:
        sys.exit(f"{arguments.run}: no segmenter with exclusive classes is trained on fold {arguments.fold}")
    for member in trained:
        print(json.dumps({"member": member.name, "fold": arguments.fold, **judge(evidence, member, arguments.fold)}))


def judge(evidence: OutOfFoldPredictions, member: Member, fold: int) -> dict[str, object]:
    """The figures of one segmenter on the images of a fold."""
    counts, scores, defective = [], [], []
    for index in evidence.indices(fold):
        sample = evidence.record.samples[index]
        stored = evidence.map(member, int(index)).astype(np.float32) / np.float32(255)
        probabilities = member.preprocess.map_to_image(stored, sample.size)
        background = 1 - probabilities.sum(0, keepdims=True)
        label = np.concatenate([background, probabilities]).argmax(0)
        predicted = np.stack([label == number + 1 for number in range(len(probabilities))])
        truth = np.stack([decode_runs(runs, sample.size) for runs in sample.runs])
        counts.append([mask.sum((1, 2)) for mask in (predicted & truth, predicted, truth)])
        scores.append(1 - background.min())
        defective.append(sample.is_defective)
    figures = dice_figures(*np.array(counts).transpose(1, 0, 2))
    return {**figures.as_dict(), "image_roc_auc": roc_auc_score(defective, scores)}


if __name__ == "__main__":
    print_machine()
    main()
