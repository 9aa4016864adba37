"""`steelsight.load_recipe`: a recipe by name or file, with changes."""

from collections.abc import Sequence
from pathlib import Path

from steelsight import recipe
from steelsight.core.arguments import check_names
from steelsight.recipe import Recipe


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe that comes with steelsight (`paper`, `lite`, `demo`), or that of a YAML file.

    Args:
        overrides: changes, each `key.sub=value`, as in `members.segment-lite0.sampling.batch=4`; phases count from 1.

    Raises:
        UserError: no such recipe, not YAML, or a wrong key or value.

    >>> load_recipe("lite", ["folds=3"]).folds
    3
    """
    check_names("overrides", overrides)
    return recipe.load_recipe(str(name_or_path), overrides)
