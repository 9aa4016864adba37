"""The search of the rule at one gate: 12,568 images x 4 classes, every threshold pair, every area of the grid; and all of
`decide` that rests on histograms alone.

Real masks (rle_3393_images.csv) in the class combinations of the whole training set (image_labels_all_12568.csv); three
members' maps at 128 x 800 are blurred, noisy, sometimes wrong versions of them. Prints, from one run: time to make the
histograms at 256 x 1600, time and peak memory of the search alone (in its own process, histograms included), the
recipe's twenty gates beside one, equality with brute force (`masks` and pixels) on a small case, and, for five folds, the
seconds of the nested figure, of the kinds of rule on all images, and of the bootstrap of the thresholds, each with hard
gates alone and with the soft ones.

    python bench/search.py ../shared/data/severstal/annotations
    python bench/search.py ../shared/data/severstal/annotations --pool 300     # fewer distinct images: quicker to make

Progress goes to standard error, the figures to standard output as one JSON object.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.imaging.combine import combine_maps
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import Runs, decode_runs, parse_runs
from steelsight.rule.bootstrap import DRAWS, find_stability
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids, area_grid
from steelsight.rule.kinds import find_rule, kinds_of
from steelsight.rule.nested import nested
from steelsight.rule.plain_rule import plain_rule
from steelsight.rule.rule import Rule, masks
from steelsight.rule.search import search
from steelsight.selection.histograms import histogram

SIZE, CLASSES, MEMBERS = (256, 1600), 4, 3
WORKING = Preprocess(height=128, width=800)
GATES: NDArray[np.float64] = np.arange(20.0) * 0.05


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("annotations", type=Path, help="folder of the two CSV files")
    arguments.add_argument("--pool", type=int, default=1200, help="distinct images to make maps of")
    arguments.add_argument("--search", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    cv2.setNumThreads(1)
    if given.search:
        print(json.dumps(timed_search(given.annotations)))
        return
    combinations = read_combinations(given.annotations / "image_labels_all_12568.csv")
    pool = make_pool(read_masks(given.annotations / "rle_3393_images.csv"), combinations, given.pool)
    figures: dict[str, object] = {"brute_force": brute_force(pool)}
    histograms, timing = make_histograms(pool)
    p_defect, chosen = draw(pool, combinations)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "histograms.npy", histograms[chosen])
        np.save(Path(folder) / "p_defect.npy", p_defect)
        del histograms
        environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
        command = [sys.executable, __file__, folder, "--search"]
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    print(json.dumps(figures | {"histograms": timing, "search": json.loads(found)}, indent=2))


def timed_search(folder: Path) -> dict[str, object]:
    """Search at one gate, then at twenty; peak memory includes Python, numpy and the histograms."""
    histograms, p_defect = np.load(folder / "histograms.npy"), np.load(folder / "p_defect.npy")
    areas, plain = area_grid(SIZE[0] * SIZE[1], 1.05, 800), plain_rule(CLASSES, 800)
    figures: dict[str, object] = {
        "images": len(histograms),
        "threshold_pairs": 256 * 257 // 2,
        "areas": len(areas),
        "defective_pairs": int(histograms[:, :, 1].any(axis=-1).sum()),
        "pairs_with_a_tail": int(histograms[..., 1:].any(axis=(2, 3)).sum()),
        "histograms_megabytes": histograms.nbytes / 1e6,
    }
    for name, gates in (("one_gate", np.array([0.0])), ("twenty_gates", GATES)):
        wall, processor = time.perf_counter(), time.process_time()
        found = search(histograms, p_defect, Grids(gates, areas, plain))
        figures[name] = {
            "seconds": round(time.perf_counter() - wall, 2),
            "processor_seconds": round(time.process_time() - processor, 2),
            "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
            "dice": round(found.score, 6),
            "rule": found.rule.model_dump(),
        }
    figures["decide"] = {
        "hard_alone": timed_decide(CombinedOutputs(histograms, p_defect), ()),
        "with_soft": timed_decide(CombinedOutputs(histograms, p_defect), (5.0,)),
    }
    return figures


def timed_decide(view: CombinedOutputs, softness: tuple[float, ...]) -> dict[str, object]:
    """Processor seconds of each part of `decide` once histograms are there; every image is a twin group of its own."""
    images = np.arange(len(view.p_defect))
    grids = Grids.of(GATES, 1.05, [SIZE], CLASSES, softness)
    kinds = kinds_of(grids)
    rules: list[Rule] = []
    parts: dict[str, Callable[[], object]] = {
        "nested": lambda: nested(lambda _: view, images % 5, images, grids),
        "kinds_on_all_images": lambda: rules.extend(find_rule(kind, view, grids).rule for kind in kinds),
        "stability_of_the_richest": lambda: find_stability(kinds[-1], rules[-1], view, images, grids),
    }
    seconds = {}
    for name, part in parts.items():
        start = time.process_time()
        part()
        seconds[name] = round(time.process_time() - start, 1)
    return {
        "kinds": len(kinds),
        "draws": DRAWS,
        "processor_seconds": seconds | {"all": round(sum(seconds.values()), 1)},
    }


def read_masks(path: Path) -> dict[str, dict[int, Runs]]:
    """Exact masks by image and class index."""
    found: dict[str, dict[int, Runs]] = defaultdict(dict)
    csv.field_size_limit(1 << 30)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["ImageId"]][int(row["ClassId"]) - 1] = parse_runs(row["EncodedPixels"], SIZE)
    return found


def read_combinations(path: Path) -> list[tuple[int, ...]]:
    """Classes of each image of the whole training set."""
    with path.open(newline="") as file:
        return [tuple(c for c in range(CLASSES) if row[f"has_{c + 1}"] == "1") for row in csv.DictReader(file)]


class Item:
    """A made image: its masks, P(defect), and how its members err; maps are made when asked for."""

    def __init__(self, truth: tuple[Runs, ...], seed: int) -> None:
        self.truth, self.seed = truth, seed
        self.combination = tuple(c for c, runs in enumerate(truth) if runs.area)

    def maps(self) -> list[np.ndarray]:
        """One uint8 (4, 128, 800) map per member: the mask blurred and dimmed, spots where nothing is, faint noise."""
        rng = np.random.default_rng(self.seed)
        maps = []
        certainty = np.clip(rng.beta(5, 1.2), 0.05, 1)
        for _ in range(MEMBERS):
            planes = np.zeros((CLASSES, WORKING.height, WORKING.width), np.float32)
            for c in range(CLASSES):
                if self.truth[c].area:
                    mask = WORKING.place(decode_runs(self.truth[c], SIZE).astype(np.float32))
                    planes[c] = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1, 5)) * certainty
                if rng.random() < 0.15:
                    x, y = int(rng.integers(WORKING.width)), int(rng.integers(WORKING.height))
                    spot = np.zeros_like(planes[c])
                    cv2.circle(spot, (x, y), int(rng.integers(3, 30)), float(rng.uniform(0.1, 0.9)), -1)
                    planes[c] = np.maximum(planes[c], cv2.GaussianBlur(spot, (0, 0), 4))
            noise = rng.normal(0, 0.01, planes.shape).astype(np.float32)
            maps.append((np.clip(planes * (1 + 10 * noise) + noise, 0, 1) * 255).astype(np.uint8))
        return maps


def make_pool(known: dict[str, dict[int, Runs]], combinations: list[tuple[int, ...]], size: int) -> list[Item]:
    """Distinct images, as many of each class combination as its share asks for and the real masks allow."""
    by_combination: dict[tuple[int, ...], list[dict[int, Runs]]] = defaultdict(list)
    for runs in known.values():
        by_combination[tuple(sorted(runs))].append(runs)
    by_combination[()] = [{} for _ in range(size)]
    pool: list[Item] = []
    for combination in sorted(set(combinations)):
        share = combinations.count(combination) / len(combinations)
        for runs in by_combination[combination][: max(1, round(size * share))]:
            pool.append(Item(tuple(runs.get(c, Runs.empty()) for c in range(CLASSES)), len(pool)))
    return pool


def make_histograms(pool: list[Item]) -> tuple[np.ndarray, dict[str, float]]:
    """Histograms of the pool, and what an image costs: combining its maps at its own size, and counting."""
    histograms = np.empty((len(pool), CLASSES, 2, 256), np.uint32)
    combining = counting = 0.0
    for place, item in enumerate(pool):
        maps = item.maps()
        start = time.perf_counter()
        combined = combine_maps(maps, [WORKING] * MEMBERS, SIZE)
        middle = time.perf_counter()
        histograms[place] = histogram(combined, item.truth)
        combining, counting = combining + middle - start, counting + time.perf_counter() - middle
        if place % 100 == 99:
            print(f"{place + 1} of {len(pool)} images", file=sys.stderr)
    each = 1000 / len(pool)
    return histograms, {
        "images": len(pool),
        "combine_three_maps_ms_per_image": round(combining * each, 2),
        "count_ms_per_image": round(counting * each, 2),
        "minutes_for_12568": round((combining + counting) * each * 12568 / 60_000, 1),
    }


def draw(pool: list[Item], combinations: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """P(defect) and a pool image for each image of the whole set, of the same classes where the pool has such."""
    rng = np.random.default_rng(0)
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, item in enumerate(pool):
        places[item.combination].append(place)
    chosen = np.array([rng.choice(places[c] or places[c[:1]]) for c in combinations])
    defective = np.array([bool(c) for c in combinations])
    return np.where(defective, rng.beta(8, 0.5, defective.size), rng.beta(0.5, 8, defective.size)), chosen


def brute_force(pool: list[Item]) -> dict[str, object]:
    """Every pair and area applied to the maps of eight small images, held against the search, class by class.

    Maps are rounded to multiples of 5, so that 52 thresholds stand for all 256.
    """
    items = [item for item in pool if item.combination][::40][:4] + [item for item in pool if not item.combination][:4]
    maps = [combine_maps(item.maps(), [WORKING] * MEMBERS, SIZE)[:, ::16, ::16] // 5 * 5 for item in items]
    truth = [np.stack([decode_runs(runs, SIZE)[::16, ::16] for runs in item.truth]) for item in items]
    areas, levels = np.array([1, 4, 16, 64]), range(0, 256, 5)
    best = np.zeros(CLASSES)
    for upper, lower, area in product(levels, levels, areas.tolist()):
        if lower <= upper:
            rule = Rule(gate=0, upper=(upper,) * CLASSES, lower=(lower,) * CLASSES, min_area=(area,) * CLASSES)
            best = np.maximum(
                best, np.mean([pixel_dice(masks(rule, 1.0, m), t) for m, t in zip(maps, truth, strict=True)], axis=0)
            )
    counts = [
        [
            [np.bincount(plane[mask == side], minlength=256) for side in (False, True)]
            for plane, mask in zip(m, t, strict=True)
        ]
        for m, t in zip(maps, truth, strict=True)
    ]
    grids = Grids(np.array([0.0]), areas, plain_rule(CLASSES, 4))
    found = search(np.array(counts, np.uint32), np.ones(len(items)), grids).score
    return {"images": len(items), "dice": float(best.mean()), "difference": abs(float(best.mean()) - found)}


def pixel_dice(cut: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Dice of each class of an image, 1 where both are empty."""
    both = cut.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    return np.where(both == 0, 1.0, 2 * (cut & truth).sum(axis=(1, 2)) / np.maximum(both, 1))


if __name__ == "__main__":
    print_machine()
    main()
