"""The drawn strips as the trainings see them."""

import csv
import shutil
from functools import cache
from pathlib import Path

from helpers.data import SAMPLE

from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.recipe import Member, load_recipe, resolve


@cache
def severstal() -> Dataset:
    """The 66 labelled strips."""
    return read_dataset(SAMPLE, decode=False)


def member(name: str, *overrides: str, recipe: str = "lite") -> Member:
    """A member of a recipe, resolved against the sample."""
    loaded = load_recipe(recipe, overrides)
    return resolve(loaded, severstal().classes, [(256, 1600)], grey=True).member(name)


def few_images(folder: Path) -> Path:
    """A new folder with a dozen images of the sample, in its layout: two of each class and four without a defect.

    What is proved of a training on them holds for 66 as well, and each of a run's jobs looks at every image of its fold.
    """
    with (SAMPLE / "train.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    of_class = {number: [row["ImageId"] for row in rows if row["ClassId"] == number] for number in "1234"}
    clean = sorted({path.name for path in (SAMPLE / "train_images").iterdir()} - {row["ImageId"] for row in rows})
    chosen = {*clean[:4], *(name for names in of_class.values() for name in names[:2])}
    (folder / "train_images").mkdir(parents=True)
    for name in chosen:
        shutil.copy(SAMPLE / "train_images" / name, folder / "train_images")
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(row for row in rows if row["ImageId"] in chosen)
    return folder


SMALL = (
    "folds=2",
    "members.*.weights=random",
    "members.*.input={height: 32, width: 64, colour: grey}",
    "members.*.sampling.batch=4",
    "members.*.sampling.device_batch=2",
    "members.*.sampling.steps_factor=0.1",
    "members.*.phases.*.epochs=1",
)
"""Overrides that make a training of any recipe take seconds."""


def sets(*changes: str) -> list[str]:
    """Overrides as arguments of the command line."""
    return [part for change in changes for part in ("--set", change)]
