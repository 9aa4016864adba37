"""Samples of the repository as the trainings see them."""

from functools import cache

from data import SAMPLE

from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.recipe import Member, load_recipe, resolve


@cache
def severstal() -> Dataset:
    """The 66 labelled Severstal images."""
    return read_dataset(SAMPLE, decode=False)


def member(name: str, *overrides: str, recipe: str = "lite") -> Member:
    """A member of a recipe, resolved against the sample."""
    loaded = load_recipe(recipe, overrides)
    return resolve(loaded, severstal().classes, [(256, 1600)], grey=True).member(name)


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
