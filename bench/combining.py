"""Ways of combining the folds' networks, under the same rules, on images that were held back from all of them.

    python bench/combining.py --work runs/promise

Reads the splits that `bench/promise.py train` made: a RUN each, and what each of its networks says of the images that were
held back. Nothing is trained. For every rule (an objective, a limit on false alarms, limits on the upper threshold) the kind
and the thresholds are found as `decide` finds them, on single networks out of fold, and the figures that this promises
(nested) stand beside those of the held-back images: for the mean, the mean of log odds, votes, and each fold's network alone.
A row each, in `combining.csv` of the split; rows that are there are left alone.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.core.files import replacing
from steelsight.imaging.combine import Combine, combine_maps, combine_probabilities
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import image_size
from steelsight.imaging.rle import Runs, parse_runs
from steelsight.metrics.dice import dice_figures
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import choose_kind, find_rule, kinds_of
from steelsight.rule.nested import nested
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts, count
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.histograms import histogram, image_histograms

FREE, LIMITED = (0.0, 1.0), (0.3, 0.9)
ALARMS = (0.02, 0.05, 0.08)
OBJECTIVES = (
    ("competition", Objective(), FREE),
    ("pooled", Objective(aim="pooled"), FREE),
    *((f"defects {most:.0%}", Objective(aim="defects", max_false_alarms=most), FREE) for most in ALARMS),
    *(
        (f"defects {most:.0%}, upper .3-.9", Objective(aim="defects", max_false_alarms=most), LIMITED)
        for most in ALARMS
    ),
)
STEP = 1.15
"""Ratio of neighbouring minimum areas in the search; `decide` takes 1.05."""

COLUMNS = ("rule", "kind", "combined_by", "dice", "floor", "pairs", "false_alarms", "unmarked", "mean_iou")


def main() -> None:
    """A table for each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    for folder in sorted(path.parent for path in parser.parse_args().work.glob("*/answers.npz")):
        print(f"{folder.name}:")
        for row in rows_of(folder):
            print("  " + " | ".join(row[name] for name in COLUMNS))


@dataclass(frozen=True)
class Held:
    """A split's held-back images: each network's maps and P(defect), and the truth.

    Attributes:
        maps: uint8 (N, classes, h, w) of each fold.
        p_defect: float64 (N,) of each fold.
        sizes, truth: of each image.
    """

    maps: list[NDArray[np.uint8]]
    p_defect: list[NDArray[np.float64]]
    sizes: list[tuple[int, int]]
    truth: list[list[Runs]]


def rows_of(folder: Path) -> list[dict[str, str]]:
    """All rows of a split; those that are missing are made."""
    path = folder / "combining.csv"
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as opened:
            rows = list(csv.DictReader(opened))
    done = {row["rule"] for row in rows}
    if done >= {*(name for name, _, _ in OBJECTIVES), "plain"}:
        return rows
    run = OutOfFoldPredictions.of(Run(folder / "run"))
    singles = single_networks(run)
    held = read_held(folder, run)
    views = {name: combined(held, run, way) for name, way in ways(run.recipe.folds).items()}
    for name, objective, upper in OBJECTIVES:
        if name not in done:
            rows += judged_rule(name, singles, views, run, grids(run, objective, upper))
            write_rows(path, rows)
    if "plain" not in done:
        plain = grids(run, Objective(), FREE).plain
        promised = count(singles.histograms, singles.p_defect, plain)
        rows += figures_of("plain", "defaults", {"promised": promised} | all_counts(views, plain))
        write_rows(path, rows)
    return rows


def judged_rule(
    name: str, singles: CombinedOutputs, views: dict[str, CombinedOutputs], run: OutOfFoldPredictions, on: Grids
) -> list[dict[str, str]]:
    """The rule that `decide` would find, as promised and as kept."""
    judged = nested(lambda fold: singles, run.record.folds, run.record.groups, on)
    scores = {kind: on.objective.score(judged.counts[kind]) for kind in kinds_of(on)}
    kind = choose_kind(scores, on.objective.noise)
    rule = find_rule(kind, singles, on).rule
    return figures_of(name, kind, {"promised": judged.chosen} | all_counts(views, rule))


def all_counts(views: dict[str, CombinedOutputs], rule: Rule) -> dict[str, PixelCounts]:
    """What a rule gives on each way of combining."""
    return {name: count(view.histograms, view.p_defect, rule) for name, view in views.items()}


def figures_of(rule: str, kind: str, counts: dict[str, PixelCounts]) -> list[dict[str, str]]:
    """A row for each way."""
    rows = []
    for name, pixels in counts.items():
        figures = dice_figures(pixels.intersection, pixels.predicted, pixels.truth)
        defective = (pixels.truth > 0).any(axis=1)
        unmarked = (defective & ~(pixels.predicted > 0).any(axis=1)).sum() / max(1, defective.sum())
        values = (
            figures.dice,
            figures.floor,
            figures.defective_dice,
            figures.false_alarm_share,
            unmarked,
            figures.mean_iou,
        )
        rows.append(dict(zip(COLUMNS, (rule, kind, name, *(f"{value:.4f}" for value in values)), strict=True)))
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """All rows so far."""
    with replacing(path) as temporary, temporary.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def grids(run: OutOfFoldPredictions, objective: Objective, upper: tuple[float, float]) -> Grids:
    """Where the rule is searched: the gates of the run's recipe."""
    sizes = (sample.size for sample in run.record.samples)
    search = run.recipe.search
    return Grids.of(search.gates, STEP, sizes, len(run.record.classes), search.softness, objective, upper)


def single_networks(run: OutOfFoldPredictions) -> CombinedOutputs:
    """Every image of the run as the network of its fold sees it."""
    classifier, segmenter = (
        next(one for one in run.recipe.members if one.step == step) for step in ("classify", "segment")
    )
    by_fold = {fold: [segmenter] for fold in range(run.recipe.folds)}
    return CombinedOutputs(image_histograms(run, by_fold), run.probabilities(classifier))


def read_held(folder: Path, run: OutOfFoldPredictions) -> Held:
    """What `bench/promise.py` kept of the images that were held back."""
    answers = np.load(folder / "answers.npz")
    classifier, segmenter = (
        next(one for one in run.recipe.members if one.step == step) for step in ("classify", "segment")
    )
    names = answers["image_ids"].tolist()
    sizes = [image_size(folder / "held" / "train_images" / name) for name in names]
    texts: dict[tuple[str, int], str] = {}
    with (folder / "held" / "train.csv").open(newline="") as opened:
        for row in csv.DictReader(opened):
            texts[row["ImageId"], int(row["ClassId"])] = row["EncodedPixels"]
    numbers = range(1, len(run.record.classes) + 1)
    truth = [
        [parse_runs(texts[name, number], size) if (name, number) in texts else Runs.empty() for number in numbers]
        for name, size in zip(names, sizes, strict=True)
    ]
    folds = range(run.recipe.folds)
    return Held(
        [answers[f"{segmenter.name}:{fold}"] for fold in folds],
        [answers[f"{classifier.name}:{fold}"] for fold in folds],
        sizes,
        truth,
    )


Way = Callable[
    [OutOfFoldPredictions, list[NDArray[np.uint8]], list[float], tuple[int, int]], tuple[NDArray[np.uint8], float]
]


def ways(folds: int) -> dict[str, Way]:
    """Every way of combining the maps and P(defect) of an image, by its name."""

    def by(combine: Combine) -> Way:
        return lambda run, maps, scores, size: (
            combine_maps(maps, [preprocess(run)] * len(maps), size, combine),
            combine_probabilities(scores, combine),
        )

    def alone(fold: int) -> Way:
        return lambda run, maps, scores, size: (combine_maps([maps[fold]], [preprocess(run)], size), scores[fold])

    return {name: by(name) for name in get_args(Combine)} | {f"fold {fold}": alone(fold) for fold in range(folds)}


def preprocess(run: OutOfFoldPredictions) -> Preprocess:
    """Of the run's segmenter."""
    return next(one for one in run.recipe.members if one.step == "segment").preprocess


def combined(held: Held, run: OutOfFoldPredictions, way: Way) -> CombinedOutputs:
    """Histograms and P(defect) of the held-back images."""
    histograms, scores = [], []
    for place, (size, truth) in enumerate(zip(held.sizes, held.truth, strict=True)):
        maps = [of_fold[place] for of_fold in held.maps]
        map_, score = way(run, maps, [float(of_fold[place]) for of_fold in held.p_defect], size)
        histograms.append(histogram(map_, truth))
        scores.append(score)
    return CombinedOutputs(np.array(histograms), np.array(scores))


if __name__ == "__main__":
    print_machine()
    main()
