"""Wrong labels among the first that `steelsight data doubt` names.

    python bench/doubt.py --work runs/doubt [--images 240] [--seed 61] [--recipe demo] [--set KEY=VALUE ...]

Made-up strips; 5 % of the images get a wrong label, a third of them each: all masks removed, all masks given to another
class, a mask put where nothing is. The recipe is trained on these labels as any user would, `data doubt` ranks all images,
and the share of the wrong labels among the first 5, 10 and 20 % is printed; chance would find as many per cent of them.
What is there is used again, so that a training that was killed goes on.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.core.files import write_csv, write_json
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import encode_mask, format_runs

SHARE, DIFFICULTY = 0.05, 0.1
KINDS = ("removed", "another class", "put")
FIRST = (0.05, 0.1, 0.2)


def main() -> None:
    """Make, plant, train, rank, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--seed", type=int, default=61)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    given = parser.parse_args()
    data, run = given.work / "strips", given.work / "run"
    if not data.is_dir():
        make = ("--images", given.images, "--seed", given.seed, "--strips-per-coil", 2, "--difficulty", DIFFICULTY)
        steelsight("data", "make", data, *make)
    if not (given.work / "planted.json").is_file():
        write_json(given.work / "planted.json", plant(data, given.seed))
    planted = json.loads((given.work / "planted.json").read_text(encoding="utf-8"))
    sets = [part for change in given.sets for part in ("--set", change)]
    groups = ("--groups", data / "groups.csv")
    steelsight("train", data, "--recipe", given.recipe, "--out", run, "--resume", *groups, *sets)
    steelsight("data", "doubt", run, "--out", given.work / "doubt")
    with (given.work / "doubt" / "doubt.csv").open(newline="", encoding="utf-8") as stream:
        ranked = [row["image"] for row in csv.DictReader(stream)]
    print(json.dumps(figures(ranked, planted)))


def plant(data: Path, seed: int) -> dict[str, str]:
    """Write train.csv anew with wrong labels, as many of each kind; of each such image the kind."""
    dataset = read_dataset(data, decode=False)
    random = np.random.default_rng(seed)
    places: dict[bool, list[int]] = {bad: [] for bad in (True, False)}
    for place in random.permutation(len(dataset.samples)).tolist():
        places[dataset.samples[place].is_defective].append(place)
    each = max(1, round(SHARE * len(dataset.samples) / len(KINDS)))
    chosen = dict(zip(places[True][: 2 * each], KINDS[:2] * each, strict=False))
    chosen |= dict.fromkeys(places[False][:each], KINDS[2])
    masks = [sample.mask() for sample in dataset.samples]
    drawn = [np.any(mask, axis=0) for mask, sample in zip(masks, dataset.samples, strict=True) if sample.is_defective]
    wrong = {}
    for place, kind in chosen.items():
        masks[place] = _wrong(masks[place], kind, drawn, random)
        wrong[dataset.samples[place].image_id] = kind
    rows = [
        (sample.image_id, name, format_runs(encode_mask(plane)))
        for sample, mask in zip(dataset.samples, masks, strict=True)
        for name, plane in zip(dataset.classes, mask, strict=True)
        if plane.any()
    ]
    write_csv(data / "train.csv", ("ImageId", "ClassId", "EncodedPixels"), rows)
    return wrong


def _wrong(
    mask: NDArray[np.bool_], kind: str, drawn: list[NDArray[np.bool_]], random: np.random.Generator
) -> NDArray[np.bool_]:
    if kind == "removed":
        return np.zeros_like(mask)
    if kind == "another class":
        return np.roll(mask, int(random.integers(1, len(mask))), axis=0)
    put = np.zeros_like(mask)  # the shape of another image's defects, somewhere along the strip, of any class
    shape = drawn[int(random.integers(len(drawn)))]
    put[int(random.integers(len(mask)))] = np.roll(shape, int(random.integers(shape.shape[1])), axis=1)
    return put


def figures(ranked: list[str], planted: dict[str, str]) -> dict[str, object]:
    found: dict[str, object] = {"images": len(ranked), "wrong": len(planted)}
    for share in FIRST:
        first = set(ranked[: round(share * len(ranked))])
        hit = [name for name in planted if name in first]
        found[f"among the first {share:.0%}"] = round(len(hit) / len(planted), 3)
        found[f"by kind, first {share:.0%}"] = dict(Counter(planted[name] for name in hit))
    return found


def steelsight(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "steelsight.cli.main", *map(str, arguments)], check=True)


if __name__ == "__main__":
    print_machine()
    main()
