"""Whether an inspector keeps what its training promised: a third of the groups is held back, and judged by what is exported.

    python bench/promise.py train --data ../shared/data/severstal/train.csv --name strips --splits 5 --work runs/promise
    python bench/promise.py judge --work runs/promise
    python bench/promise.py table --names strips tiles neu

`train` makes, for each split, a folder of its own below WORK: the images that were kept (two thirds of the twin groups,
stratified by classes), a RUN of the recipe on them, and what each of its networks says of the images that were held back
(`answers.npz`), so that ways of combining and rules are compared without training again. A split that is done is left alone,
and a killed one goes on where it was. `judge` decides each RUN again by this code, exports it by default, has the inspector
judge what was held back, and writes `row.json`; a split whose row is there is left alone, unless --again. `table` prints the
rows, and what was promised (nested) minus what was kept, with a 95 % interval over splits (Student's t).

Twelve splits are hours, so each row is also kept in `bench/promise_rows.json`, which is under version control: another
machine goes on with the splits that are not in it. Remove it if the recipe's networks or its rule are changed.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_machine
from scipy.stats import t as student

from steelsight.core.files import replacing, write_json
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.model import Dataset, Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.rle import format_runs
from steelsight.recipe import load_recipe
from steelsight.run.resolved_recipe import read_run_recipe, write_run_recipe
from steelsight.run.run import Run

PARTS = 3
"""One part in so many is held back."""

ROWS = Path(__file__).with_name("promise_rows.json")

FIGURES = ("dice", "defective_dice", "false_alarm_share", "mean_iou")


def main() -> None:
    """Train splits, or judge those that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train")
    train.add_argument("--data", type=Path, required=True)
    train.add_argument("--name", required=True)
    train.add_argument("--first", type=int, default=0)
    train.add_argument("--splits", type=int, default=1)
    train.add_argument("--recipe", default="demo")
    train.add_argument("--work", type=Path, required=True)
    judge = verbs.add_parser("judge")
    judge.add_argument("--work", type=Path, required=True)
    judge.add_argument("--recipe", default="demo", help="whose rule to search: its sections selection and search")
    judge.add_argument("--again", action="store_true", help="judge splits anew whose row is there")
    table = verbs.add_parser("table")
    table.add_argument("--names", nargs="+", help="of the data sets to print; else all")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    match arguments.verb:
        case "train":
            train_splits(arguments)
        case "judge":
            for folder in sorted(path.parent for path in arguments.work.glob("*/answers.npz")):
                if arguments.again or not (folder / "row.json").exists():
                    write_json(folder / "row.json", judge_split(folder, arguments.recipe))
                    keep_row(json.loads((folder / "row.json").read_text()))
        case "table":
            print_table([row for row in kept_rows() if not arguments.names or row["data"] in arguments.names])


def kept_rows() -> list[dict[str, Any]]:
    """The rows of all machines, by data set and split."""
    rows: list[dict[str, Any]] = json.loads(ROWS.read_text()) if ROWS.exists() else []
    return sorted(rows, key=lambda row: (row["data"], row["split"]))


def keep_row(row: dict[str, Any]) -> None:
    """In place of an earlier row of the same split."""
    others = [one for one in kept_rows() if (one["data"], one["split"]) != (row["data"], row["split"])]
    write_json(ROWS, [*others, row])


def steelsight(*words: object) -> dict[str, Any]:
    """What a verb prints with --json."""
    command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words), "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def judge_split(folder: Path, recipe: str) -> dict[str, Any]:
    """Decide, export by default, inspect what was held back, and score it.

    The networks stay; how they are combined and what the rule is searched for is the recipe's as it is today.
    """
    begun = time.monotonic()
    today, trained = load_recipe(recipe), read_run_recipe(folder / "run")
    write_run_recipe(folder / "run", trained.model_copy(update={"selection": today.selection, "search": today.search}))
    decision = steelsight("decide", folder / "run")["decision"]
    for name in ("inspector", "inspected"):
        shutil.rmtree(folder / name, ignore_errors=True)
    steelsight("export", folder / "run", "--out", folder / "inspector")
    images = folder / "held" / "train_images"
    steelsight("inspect", folder / "inspector", images, "--out", folder / "inspected")
    scored = steelsight(
        "score", folder / "held" / "train.csv", folder / "inspected" / "submission.csv", "--images", images
    )
    with (folder / "held" / "train.csv").open(newline="") as opened:
        defective = {row["ImageId"] for row in csv.DictReader(opened)}
    with (folder / "inspected" / "images.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    with (folder / "inspected" / "submission.csv").open(newline="") as opened:
        marked = {row["ImageId"] for row in csv.DictReader(opened) if row["EncodedPixels"]}
    escaped = [row["ImageId"] for row in rows if row["verdict"] == "pass" and row["ImageId"] in defective]
    name, _, split = folder.name.rpartition("-")
    outcome = decision["policy"]["outcome"]
    return {
        "data": name,
        "split": int(split),
        "held_images": len(rows),
        "held_defective": len(defective),
        "floor": scored["floor"],
        "kept_rule": decision["kept"],
        "rule": decision["rule"],
        "promised": {key: decision["nested"]["figures"][key] for key in FIGURES},
        "promised_escapes": outcome["passed"][0]
        / max(1, outcome["passed"][0] + outcome["review"][0] + outcome["rejected"][0]),
        "kept": {key: scored[key] for key in FIGURES},
        "kept_escapes": len(escaped) / max(1, len(defective)),
        "defective_unmarked": len(defective - marked) / max(1, len(defective)),
        "seconds": round(time.monotonic() - begun),
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """A line per split, then the differences."""
    columns = ("data", "held", "floor", "Dice", "pairs", "false alarms", "escapes", "unmarked")
    print(" | ".join(columns), "   (promised -> kept)")
    for row in rows:
        cells = [
            f"{row['data']}-{row['split']}",
            f"{row['held_images']} ({row['held_defective']})",
            f"{row['floor']:.3f}",
        ]
        cells += [f"{row['promised'][key] or 0:.3f} -> {row['kept'][key] or 0:.3f}" for key in FIGURES]
        cells += [f"{row['promised_escapes']:.3f} -> {row['kept_escapes']:.3f}", f"{row['defective_unmarked']:.0%}"]
        print(" | ".join(cells))
    for key in FIGURES:
        apart = np.array([(row["promised"][key] or 0) - (row["kept"][key] or 0) for row in rows])
        report(f"promised - kept, {key}", apart)
    report("promised - kept, escapes", np.array([row["promised_escapes"] - row["kept_escapes"] for row in rows]))


def report(name: str, apart: np.ndarray) -> None:
    """Mean and 95 % interval."""
    if len(apart) < 2:
        print(f"{name}: {apart.mean():+.4f}, one split")
        return
    half = float(student.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart)))
    print(f"{name}: {apart.mean():+.4f} +- {half:.4f} over {len(apart)} splits")


def train_splits(arguments: argparse.Namespace) -> None:
    """Each split of a data set in turn."""
    dataset = read_dataset(arguments.data)
    groups = find_twins([sample.path for sample in dataset.samples])
    done = {(row["data"], row["split"]) for row in kept_rows()}
    for split in range(arguments.first, arguments.first + arguments.splits):
        folder = arguments.work / f"{arguments.name}-{split}"
        if (folder / "answers.npz").exists() or (arguments.name, split) in done:
            continue
        held = assign_folds(dataset.samples, groups, PARTS, seed=split) == 0
        kept = [sample for sample, out in zip(dataset.samples, held, strict=True) if not out]
        if not (folder / "kept" / "train.csv").exists():
            write_folder(folder / "kept", dataset, kept)
        begun = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "steelsight.cli.main",
            "train",
            str(folder / "kept"),
            "--recipe",
            arguments.recipe,
        ]
        with (folder / "train.log").open("a") as log:
            subprocess.run([*command, "--out", str(folder / "run"), "--resume"], check=True, stdout=log, stderr=log)
        print(f"{folder}: trained in {time.monotonic() - begun:.0f} s", flush=True)
        out = [sample for sample, is_out in zip(dataset.samples, held, strict=True) if is_out]
        keep_answers(folder, dataset, out, groups[held])
        print(f"{folder}: judged after {time.monotonic() - begun:.0f} s", flush=True)


def write_folder(folder: Path, dataset: Dataset, samples: list[Sample]) -> None:
    """A Severstal folder of these images, by links; classes are numbered in the order of the data set."""
    images = folder / "train_images"
    images.mkdir(parents=True, exist_ok=True)
    rows = []
    for sample in samples:
        name = sample.image_id.replace("/", "-")
        link = images / name
        if not link.exists():
            link.symlink_to(sample.path.resolve())
        rows += [(name, number, format_runs(runs)) for number, runs in enumerate(sample.runs, start=1) if runs.area]
    with replacing(folder / "train.csv") as temporary, temporary.open("w", newline="") as opened:
        csv.writer(opened).writerows([("ImageId", "ClassId", "EncodedPixels"), *rows])


def keep_answers(folder: Path, dataset: Dataset, samples: list[Sample], groups: np.ndarray) -> None:
    """What each network of the run says of the images that were held back: `answers.npz`."""
    import torch

    from steelsight.imaging.combine import to_8bit
    from steelsight.imaging.read import read_image
    from steelsight.networks.torch_engine import load_engine
    from steelsight.run.predictions import OutOfFoldPredictions

    torch.set_num_threads(1)
    evidence = OutOfFoldPredictions.of(Run(folder / "run"))
    recipe, classes = evidence.recipe, evidence.record.classes
    steps = {
        step: [(member.name, fold) for member in recipe.members if member.step == step for fold in range(recipe.folds)]
        for step in ("classify", "segment")
    }
    engine = load_engine(Run(folder / "run"), recipe, classes, steps["classify"], steps["segment"])
    said: dict[str, list[np.ndarray]] = {}
    grey = all(one.preprocess.colour == "grey" for one in (*engine.classifiers, *engine.segmenters))
    for sample in samples:
        image = read_image(sample.path, grey=grey)
        for (name, fold), network in zip(
            steps["classify"] + steps["segment"], (*engine.classifiers, *engine.segmenters), strict=True
        ):
            answer = network.probabilities(network.preprocess.to_input(image)[None])[0]
            said.setdefault(f"{name}:{fold}", []).append(
                np.asarray(answer, np.float64) if answer.ndim == 0 else to_8bit(answer)
            )
    stacked: dict[str, Any] = {key: np.stack(values) for key, values in said.items()}
    write_folder(folder / "held", dataset, samples)
    ids = np.array([sample.image_id.replace("/", "-") for sample in samples])
    with replacing(folder / "answers.npz") as temporary, temporary.open("wb") as opened:
        np.savez_compressed(opened, image_ids=ids, groups=groups, **stacked)


if __name__ == "__main__":
    print_machine()
    main()
