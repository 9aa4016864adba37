"""What images that are only known to be bad are worth to a classifier.

    python bench/image_labels.py --work runs/image_labels [--images 200] [--seeds 51 52]

Made-up strips; 30 % of the defective ones lose their masks. The classifier of fold 0 is trained in three ways: without those
images, with them as known to be bad, and with all of their masks; each from the segmenter that learned from the same masks.
ROC AUC on fresh strips. Data and trained jobs that are there are used again.
"""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import print_machine
from sklearn.metrics import roc_auc_score

from steelsight.dataset.model import Dataset, Sample
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import Runs
from steelsight.networks.torch_engine import load_engine
from steelsight.recipe import choose_jobs, load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.strips.make import make_strips
from steelsight.training.device_config import DeviceConfig
from steelsight.training.experiment import run_jobs
from steelsight.training.loading import PlainImages, gather
from steelsight.training.start import start_run
from steelsight.training.to_input import ToInput

SHARE, FRESH, DIFFICULTY = 0.3, 1000, 0.1
SEGMENTER, CLASSIFIER = "segment-lite0", "classify-lite0"
WAYS = ("left out", "known to be bad", "with masks")


def main() -> None:
    """Print one line for each seed and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--fresh", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    given = parser.parse_args()
    for seed in given.seeds:
        data = strips(given.work / f"strips{seed}", given.images, seed)
        fresh = strips(given.work / f"fresh{seed}", given.fresh, FRESH + seed)
        for way in given.ways:
            arranged = arrange(data, way, seed)
            run = train(arranged, given.work / f"run{seed}-{way.replace(' ', '-')}", given.work / f"run{seed}-left-out")
            auc = judge(run, fresh.samples)
            counts = {"masks": sum(one.is_defective for one in arranged.samples), "labels": len(arranged.without_masks)}
            print(json.dumps({"seed": seed, "way": way, **counts, "fresh": len(fresh.samples), "auc": round(auc, 4)}))


def strips(folder: Path, images: int, seed: int) -> Dataset:
    if not folder.is_dir():
        make_strips(folder, images, seed=seed, strips_per_coil=1, difficulty=DIFFICULTY)
    return read_dataset(folder, decode=False)


def arrange(data: Dataset, way: str, seed: int) -> Dataset:
    """The data with the masks of a share of its defective images, drawn by the seed, taken away."""
    if way == "with masks":
        return data
    bad = [place for place, sample in enumerate(data.samples) if sample.is_defective]
    chosen = set(np.random.default_rng(seed).permutation(bad)[: round(SHARE * len(bad))].tolist())
    none = (Runs.empty(),) * len(data.classes)
    labelled = tuple(
        replace(data.samples[place], runs=none, shown=data.samples[place].classes) for place in sorted(chosen)
    )
    samples = tuple(sample for place, sample in enumerate(data.samples) if place not in chosen)
    return replace(data, samples=samples, without_masks=() if way == "left out" else labelled)


def train(data: Dataset, folder: Path, left_out: Path) -> Run:
    """Fold 0 of `demo`, made quick; a segmenter that learned from the same masks is taken from where it was trained."""
    run = Run(folder)
    if not run.is_started:
        start_run(run, data, load_recipe("demo", quick=True))
    trained = Run(left_out).job(SEGMENTER, 0).path
    ours = run.job(SEGMENTER, 0).path
    if data.without_masks and trained.is_dir() and not ours.is_dir():
        shutil.copytree(trained, ours)
        shutil.copytree(left_out / "evidence" / SEGMENTER, folder / "evidence" / SEGMENTER)
    evidence = OutOfFoldPredictions.of(run)
    jobs = [
        job for job in choose_jobs(evidence.recipe, [f"{SEGMENTER}:0", f"{CLASSIFIER}:0"]) if not evidence.is_done(*job)
    ]
    if jobs:
        run_jobs(evidence, jobs, DeviceConfig("cpu", "auto", None, 1))
    return run


def judge(run: Run, fresh: tuple[Sample, ...]) -> float:
    """ROC AUC of the fold's classifier on images that it did not see."""
    (network,) = load_engine(run, run.recipe, run.record.classes, [(CLASSIFIER, 0)], []).classifiers
    member = run.recipe.member(CLASSIFIER)
    images, to_input = PlainImages(member, fresh), ToInput.of(member)
    batches = (
        gather([images[place] for place in places])
        for places in (range(at, min(at + 16, len(fresh))) for at in range(0, len(fresh), 16))
    )
    said = np.concatenate([network.probabilities(to_input(batch)[0].numpy()) for batch in batches])
    return float(roc_auc_score([sample.is_defective for sample in fresh], said))


if __name__ == "__main__":
    print_machine()
    main()
