"""What one network a step, distilled from an ensemble, loses against it, and how much faster it is.

    python bench/distilled.py ENSEMBLE DISTILLED FOLD --data fresh --rounds 3

Three inspectors of one run: all folds (`steelsight export RUN`), distilled (`--distil`), and one fold (`--folds 0`). DATA are
labelled images that none of them, and no ensemble, learned from. Each judges all of them, file by file, with its own rule
(that of the fold is the one that was found without it); figures with 95 % intervals over twin groups, differences paired.
Processor seconds an image are of this process with all its threads, in turn and the other way round, medians of so many
rounds; reading the images is part of it.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.cascade.sources import sources_of
from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.export.distil.compare import in_order_of
from steelsight.imaging.rle import shared_area
from steelsight.inspector.inspector import Inspector
from steelsight.metrics.classification import roc_auc
from steelsight.metrics.dice import pair_dice
from steelsight.metrics.intervals import bootstrap_interval


def main() -> None:
    """A row for each inspector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ensemble", type=Path)
    parser.add_argument("distilled", type=Path)
    parser.add_argument("fold", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folders = {name: getattr(arguments, name) for name in ("ensemble", "distilled", "fold")}
    inspectors = {name: Inspector.open(folder, device="cpu") for name, folder in folders.items()}
    samples = in_order_of(inspectors["ensemble"].classes, read_dataset(arguments.data, decode=False))
    groups = find_twins([sample.path for sample in samples])
    has = np.array([[runs.area > 0 for runs in sample.runs] for sample in samples])
    seconds: dict[str, list[float]] = {name: [] for name in inspectors}
    answers = {}
    for number in range(arguments.rounds):
        for name in [*inspectors][:: 1 - 2 * (number % 2)]:
            started = time.process_time()
            answers[name] = judged(inspectors[name], samples)
            seconds[name].append((time.process_time() - started) / len(samples))
    print(f"{len(samples)} images, {len(set(groups.tolist()))} groups; floor {1 - has.mean():.4f}")
    first = answers["ensemble"]
    for name, (dice, marked, p_defect) in answers.items():
        lost = bootstrap_interval((first[0] - dice).mean(axis=1), groups)
        took, ensemble = statistics.median(seconds[name]), statistics.median(seconds["ensemble"])
        print(
            f"{name:10} Dice {dice.mean():.4f}, lost {(first[0] - dice).mean():+.4f} [{lost.low:+.4f}, {lost.high:+.4f}], "
            f"pairs {dice[has].mean():.4f}, false alarms {marked[~has].mean():.2%}, "
            f"AUC {roc_auc(p_defect, np.any(has, axis=1)):.4f}, "
            f"{took * 1e3:.1f} ms of processor time an image ({ensemble / took:.2f} times as fast)"
        )


def judged(
    inspector: Inspector, samples: Sequence[Sample]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Dice of every pair, whether anything is marked, and P(defect) of every image."""
    dice, marked, p_defect = [], [], []
    for sample, said in zip(samples, inspector.stream(sources_of(samples)), strict=True):
        pairs = list(zip(sample.runs, said.runs, strict=True))
        counts = np.array([(shared_area(true, found), found.area, true.area) for true, found in pairs])
        dice.append(pair_dice(*counts.T))
        marked.append(counts[:, 1] > 0)
        p_defect.append(said.p_defect)
    return np.stack(dice), np.stack(marked), np.array(p_defect)


if __name__ == "__main__":
    print_machine()
    main()
