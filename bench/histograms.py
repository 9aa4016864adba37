"""The histograms that `decide` rests on, by three segmenters: choice after choice on one thread, each reading its maps again,
against all choices in one pass on all cores.

Made-up maps of real masks (`search.py`), stored as a RUN stores them; the choices are those of `decide` for a team of three:
all of them, all but one, and each alone, with masks cut at the image's size and, with `--working`, at the networks' as well.
Prints medians of both sides in turn, by the clock and of the processor, their ratios, and whether the bytes are the same.

    python bench/histograms.py ../shared/data/severstal/annotations [--images 300] [--rounds 3] [--working]
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from machine import print_machine
from search import CLASSES, MEMBERS, SIZE, WORKING, Item, make_pool, read_combinations, read_masks

from steelsight.core.cores import cores
from steelsight.dataset.model import Sample
from steelsight.imaging.combine import CutAt, combine_maps
from steelsight.recipe import load_recipe, resolve
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.selection.histograms import Choice, histogram, image_histograms, prepare_histograms

FOLDS = 2
T = TypeVar("T")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("annotations", type=Path, help="folder of the two CSV files")
    arguments.add_argument("--images", type=int, default=300)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--working", action="store_true", help="cut at the networks' working size, too")
    given = arguments.parse_args()
    combinations = read_combinations(given.annotations / "image_labels_all_12568.csv")
    pool = make_pool(read_masks(given.annotations / "rle_3393_images.csv"), combinations, given.images)
    with tempfile.TemporaryDirectory() as folder:
        evidence = make_run(Path(folder), pool)
        members = evidence.members("segment")
        teams = [members, *(members[:n] + members[n + 1 :] for n in range(MEMBERS)), *((one,) for one in members)]
        cut_at: list[CutAt] = ["image", "working"] if given.working else ["image"]
        choices = [Choice(team, at) for at in cut_at for team in teams]
        seconds: dict[str, list[tuple[float, float]]] = {"before": [], "now": []}
        for _ in range(given.rounds):
            threads = cv2.getNumThreads()
            cv2.setNumThreads(1)
            before = timed(seconds["before"], lambda: [one_by_one(evidence, choice) for choice in choices])
            cv2.setNumThreads(threads)
            shutil.rmtree(evidence.run.path / "evidence/histograms", ignore_errors=True)
            timed(seconds["now"], lambda: prepare_histograms(evidence, dict.fromkeys(range(FOLDS), choices)))
        now = [image_histograms(evidence, dict.fromkeys(range(FOLDS), one.members), at=one.at) for one in choices]
        same = all(one.tobytes() == other.tobytes() for one, other in zip(before, now, strict=True))
    before_, now_ = (tuple(map(statistics.median, zip(*found, strict=True))) for found in seconds.values())
    print(f"{len(pool)} images, {len(choices)} choices among {MEMBERS} segmenters, {cores()} cores")
    print(f"before: one thread, choice by choice  {before_[0]:7.2f} s, {before_[1]:7.2f} s of a processor")
    print(f"now: all cores, one pass, stored      {now_[0]:7.2f} s, {now_[1]:7.2f} s of a processor")
    print(
        f"before / now {before_[0] / now_[0]:.2f}, of processor time {before_[1] / now_[1]:.2f}; the same bytes: {same}"
    )


def timed(seconds: list[tuple[float, float]], what: Callable[[], T]) -> T:
    started, spent = time.perf_counter(), time.process_time()
    result = what()
    seconds.append((time.perf_counter() - started, time.process_time() - spent))
    return result


def make_run(folder: Path, pool: list[Item]) -> OutOfFoldPredictions:
    """A RUN whose evidence is the maps of the pool."""
    samples = tuple(
        Sample(f"{place}.jpg", folder / f"{place}.jpg", SIZE, item.truth) for place, item in enumerate(pool)
    )
    folds = np.arange(len(pool)) % FOLDS
    names = tuple("1234")
    record = Record(folder, "severstal", names, samples, folds, np.arange(len(pool)), (), "0" * 64)
    model = load_recipe("paper").member("segment-b0-strategy-1")
    changes = [model.model_copy(update={"name": f"member-{number}", "weights": "random"}) for number in range(MEMBERS)]
    recipe = load_recipe("paper").model_copy(update={"members": tuple(changes), "folds": FOLDS})
    recipe = resolve(recipe, names, [SIZE], grey=True)
    assert all(member.preprocess.frame(SIZE) == WORKING.frame(SIZE) for member in recipe.members)
    (folder / "run").mkdir()
    write_record(folder / "run", record)
    write_run_recipe(folder / "run", recipe)
    evidence = OutOfFoldPredictions(Run(folder / "run"), record, recipe)
    maps = [item.maps() for item in pool]
    for number, member in enumerate(recipe.members):
        for fold in range(FOLDS):
            (folder / "run/evidence" / member.name).mkdir(parents=True, exist_ok=True)
            evidence.write_maps(member, fold, [np.stack([maps[index][number] for index in evidence.indices(fold)])])
    return evidence


def one_by_one(evidence: OutOfFoldPredictions, choice: Choice) -> np.ndarray:
    """As it was done before."""
    counts = np.empty((len(evidence.record.samples), CLASSES, 2, 256), np.uint32)
    for index, sample in enumerate(evidence.record.samples):
        maps = [evidence.map(member, index) for member in choice.members]
        preprocesses = [member.preprocess for member in choice.members]
        counts[index] = histogram(
            combine_maps(maps, preprocesses, sample.size, evidence.combine, choice.at), sample.runs
        )
    return counts


if __name__ == "__main__":
    print_machine()
    main()
