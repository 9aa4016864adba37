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
