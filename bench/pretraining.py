"""Whether made-up steel teaches real steel: an encoder that learned 5,000 strips first, against ImageNet weights alone.

    python bench/pretraining.py pretrain --work runs/pretraining [--images 6250] [--epochs 4]
    python bench/pretraining.py train --work runs/pretraining --data ../shared/data/severstal/train.csv --seeds 0 1 2
    python bench/pretraining.py table --work runs/pretraining

`pretrain` draws strips of coils of four, trains the segmenter of `demo` on four fifths of them (fold 0 of five), and keeps
its encoder as a file of weights. `train` trains the recipe on the real images twice for each seed, with the same folds,
batches and epochs: from ImageNet weights alone, and from that encoder (an added file takes the package's place, see
`steelsight weights add`); each is decided. `table` compares both out of fold, by the rules found without each fold: Dice of
pairs with a defect and the competition's Dice, false alarms, ROC AUC of the classifiers; the differences with 95 % intervals
over groups of twins, both sides drawn together, seeds averaged for each image. What is there is used again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from machine import print_machine
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score

from steelsight.metrics.dice import pair_dice
from steelsight.metrics.intervals import bootstrap_interval
from steelsight.networks.build import SEGMENTER
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs

STRIPS_SEED, DIFFICULTY = 95, 0.3
MEMBER = "segment-lite0"
WAYS = ("imagenet", "strips")


def main() -> None:
    """Pretrain, train, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("pretrain", "train", "table"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=6250)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    match given.verb:
        case "pretrain":
            pretrain(given.work, given.images, given.epochs)
        case "train":
            if given.data is None:
                parser.error("train needs --data")
            for seed in given.seeds:
                for way in WAYS:
                    train(given.work, way, seed, given.data, given.recipe)
        case "table":
            compare(
                given.work,
                [seed for seed in given.seeds if (run_of(given.work, WAYS[1], seed) / "decision.json").exists()],
            )


def run_of(work: Path, way: str, seed: int) -> Path:
    return work / f"{way}-{seed}"


def steelsight(*words: object, home: Path | None = None) -> None:
    environment = dict(os.environ) if home is None else {**os.environ, "STEELSIGHT_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "steelsight.cli.main", *map(str, words)], check=True, env=environment)


def pretrain(work: Path, images: int, epochs: int) -> None:
    """`work/home` holds the encoder as an added file of weights, when it ends."""
    if (work / "home").is_dir():
        return
    strips, run = work / "strips", work / "pretrained"
    if not strips.is_dir():
        steelsight("data", "make", strips, "--images", images, "--seed", STRIPS_SEED, "--difficulty", DIFFICULTY)
    sets = ("folds=5", f"members.*.phases.1.epochs={epochs}", "members.*.keep.last=1", "members.*.validate_every=2")
    parts = [part for change in sets for part in ("--set", change)]
    groups = ("--groups", strips / "groups.csv")
    steelsight("train", strips, "--recipe", "demo", "--out", run, "--resume", *groups, "--only", f"{MEMBER}:0", *parts)
    tensors = load_file(Run(run).job(MEMBER, 0).weights)
    encoder = {name.removeprefix(SEGMENTER): one for name, one in tensors.items() if name.startswith(SEGMENTER)}
    first = "conv_stem.weight"  # of one channel; a file has three, which a network of one channel adds up again
    if encoder[first].shape[1] == 1:
        encoder[first] = (encoder[first] / 3).repeat(1, 3, 1, 1)
    save_file({name: one.contiguous() for name, one in encoder.items()}, work / "lite0.safetensors")
    shutil.rmtree(work / "home.partial", ignore_errors=True)
    steelsight("weights", "add", "lite0", work / "lite0.safetensors", home=work / "home.partial")
    (work / "home.partial").rename(work / "home")


def train(work: Path, way: str, seed: int, data: Path, recipe: str) -> None:
    run = run_of(work, way, seed)
    if (run / "decision.json").exists():
        return
    home = work / ("home" if way == "strips" else "none")
    words = ("train", data, "--recipe", recipe, "--out", run, "--resume", "--set", f"seed={seed}")
    steelsight(*words, home=home)
    steelsight("decide", run, home=home)


def compare(work: Path, seeds: list[int]) -> None:
    """A line a way and seed, then the differences."""
    print("| first weights | seed | Dice | of pairs | false alarms | ROC AUC |\n|---|---|---|---|---|---|")
    dice: dict[str, list[NDArray[np.float64]]] = {way: [] for way in WAYS}
    said: dict[str, list[NDArray[np.float64]]] = {way: [] for way in WAYS}
    for seed in seeds:
        for way in WAYS:
            run = Run(run_of(work, way, seed))
            evidence = OutOfFoldPredictions.of(run)
            judged = NestedOutputs.of(evidence, read_decision(run), EnsembleOutputs(evidence))
            counts = judged.counts()
            of_pairs = pair_dice(counts.intersection, counts.predicted, counts.truth)
            marked = counts.truth > 0
            dice[way].append(of_pairs)
            said[way].append(np.asarray(judged.view.p_defect, np.float64))
            alarms = (counts.predicted[~marked] > 0).mean()
            auc = roc_auc_score(marked.any(axis=1), judged.view.p_defect)
            print(
                f"| {way} | {seed} | {of_pairs.mean():.3f} | {of_pairs[marked].mean():.3f} | {alarms:.1%} | {auc:.3f} |"
            )
    groups = evidence.record.groups
    gained = np.mean(dice[WAYS[1]], axis=0) - np.mean(dice[WAYS[0]], axis=0)
    parts = np.stack([np.where(marked, gained, 0).sum(axis=1), marked.sum(axis=1)], axis=1)
    low, high = bootstrap_interval(parts, groups, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum())
    print(f"Dice of pairs, strips less imagenet: {gained[marked].mean():+.4f} ({low:+.4f} to {high:+.4f})")
    low, high = bootstrap_interval(gained.mean(axis=1), groups)
    print(f"competition Dice: {gained.mean():+.4f} ({low:+.4f} to {high:+.4f})")
    both = np.stack([np.mean(said[way], axis=0) for way in WAYS] + [marked.any(axis=1)], axis=1)
    low, high = bootstrap_interval(both, groups, difference_of_auc)
    print(f"ROC AUC of the seeds' mean: {difference_of_auc(both):+.4f} ({low:+.4f} to {high:+.4f})")


def difference_of_auc(drawn: NDArray[np.float64]) -> float:
    """Of columns: P(defect) from ImageNet weights, from strips, and the truth; NaN where a draw has one kind alone."""
    if drawn[:, 2].min() == drawn[:, 2].max():
        return float("nan")
    return float(roc_auc_score(drawn[:, 2], drawn[:, 1]) - roc_auc_score(drawn[:, 2], drawn[:, 0]))


if __name__ == "__main__":
    print_machine()
    main()
