"""The drawn strips as the trainings see them."""

import csv
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import torch
from helpers.data import SAMPLE
from numpy.typing import NDArray

from steelsight.dataset.model import Dataset, Sample
from steelsight.dataset.read import read_dataset
from steelsight.imaging.preprocess import Image, Preprocess
from steelsight.imaging.rle import encode_mask
from steelsight.recipe import Member, load_recipe, resolve
from steelsight.training.augment import AugmentParams
from steelsight.training.loading import Raw, gather, raw_mask, raw_pixels
from steelsight.training.losses import Output
from steelsight.training.to_input import ToInput


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
    "search.threshold_step=0.1",
    "search.area_ratio=2",
)
"""Overrides that make a training of any recipe take seconds, and the search of its rule."""


def sets(*changes: str) -> list[str]:
    """Overrides as arguments of the command line."""
    return [part for change in changes for part in ("--set", change)]


def finished(of: Member, raw: Raw) -> tuple[torch.Tensor, Output]:
    """What a loader sends of one image, as the network gets it, without its batch."""
    pixels, target = ToInput.of(of)(gather([raw]))
    return pixels[0], target[0] if isinstance(target, torch.Tensor) else (target[0][0], target[1][0])


def apply(image: Image, preprocess: Preprocess, chance: AugmentParams, *, later: bool = False) -> NDArray[np.float32]:
    """The augmented network input: float32 (channels, height, width)."""
    raw = raw_pixels(image, preprocess, chance, later) | {"label": np.float32(0)}
    pixels, _ = ToInput(preprocess, whole_input=chance.whole_input)(gather([raw]))
    return np.ascontiguousarray(pixels[0].numpy())


def apply_to_mask(
    mask: NDArray[np.bool_], preprocess: Preprocess, chance: AugmentParams, *, later: bool = False
) -> NDArray[np.float32]:
    """The mask (classes, H, W) under the same geometry: float32 (classes, height, width), soft at its edges."""
    size = (mask.shape[1], mask.shape[2])
    sample = Sample("a", Path("a"), size, tuple(encode_mask(plane) for plane in mask))
    raw = raw_pixels(np.zeros(size, np.uint8), preprocess, chance, later)
    _, target = ToInput(preprocess)(gather([raw | {"mask": raw_mask(sample, preprocess, chance, later)}]))
    assert isinstance(target, torch.Tensor)
    return np.ascontiguousarray(target[0].numpy())
