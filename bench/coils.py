"""What cross-validation promises if folds keep nothing, twins, or coils together, and what then happens on fresh coils.

    python bench/coils.py --work runs/coils [--images 240] [--strips-per-coil 8] [--seeds 81 82] [--set KEY=VALUE ...]

Made-up strips of one line. Three RUNs on the same strips, which differ in their folds alone: drawn image by image
(`random`), with the twins that are found from pixels kept together (`twins`), and with twins and coils (`coils`, as
`train --groups` does). Each is trained, decided and exported as a user would, and judges fresh strips of other coils.
A line for each: what was promised (nested) -> what was kept, as `bench/promise.py` prints it. What is there is used again,
so that a killed run goes on.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import print_machine
from promise import judge_split, print_table, steelsight

from steelsight.core.files import write_json
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.groups import read_groups
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.record import write_record
from steelsight.run.run import Run
from steelsight.strips.make import make_strips
from steelsight.training.start import start_run

WAYS = ("random", "twins", "coils")
FRESH, DIFFICULTY = 5000, 0.1
"""Fresh strips have this seed more than those that were trained on."""


def main() -> None:
    """Train, judge, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--fresh", type=int, default=600)
    parser.add_argument("--strips-per-coil", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[81, 82])
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = []
    for seed in given.seeds:
        data, fresh = given.work / f"strips{seed}", given.work / f"fresh{seed}"
        for folder, images, drawn in ((data, given.images, seed), (fresh, given.fresh, FRESH + seed)):
            if not folder.is_dir():
                make_strips(folder, images, seed=drawn, strips_per_coil=given.strips_per_coil, difficulty=DIFFICULTY)
        for way in WAYS:
            folder = given.work / f"{way}-{seed}"
            if not (folder / "row.json").is_file():
                begin(Run(folder / "run"), data, way, given.recipe, given.sets)
                steelsight("train", data, "--out", folder / "run", "--resume")
                if not (folder / "held").exists():
                    (folder / "held").symlink_to(fresh.resolve())
                write_json(folder / "row.json", judge_split(folder, given.recipe))
            rows.append(json.loads((folder / "row.json").read_text(encoding="utf-8")))
            print_table(rows[-1:])
    for way in WAYS:
        print(f"\n{way}")
        print_table([row for row in rows if row["data"] == way])


def begin(run: Run, data: Path, way: str, recipe: str, sets: list[str]) -> None:
    """A RUN whose folds keep together what `way` says; the same whether it was begun before."""
    if not run.is_started:
        dataset = read_dataset(data, decode=False)
        known = read_groups(str(data / "groups.csv"), [sample.image_id for sample in dataset.samples])
        start_run(run, dataset, load_recipe(recipe, sets), known=known if way == "coils" else {})
    record = run.record
    alone = np.arange(len(record.samples))
    if way == "random" and not np.array_equal(record.groups, alone):
        folds = assign_folds(record.samples, alone, run.recipe.folds, run.recipe.seed)
        write_record(run.path, replace(record, folds=folds, groups=alone))


if __name__ == "__main__":
    print_machine()
    main()
