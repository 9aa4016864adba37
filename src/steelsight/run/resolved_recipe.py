"""RUN/recipe.yaml: the recipe that a run was trained by, every field of it, with what depends on the data filled in."""

from pathlib import Path

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import write_text
from steelsight.recipe import Recipe, parse_recipe, recipe_text

RECIPE = "recipe.yaml"


def read_run_recipe(folder: Path) -> Recipe:
    """The resolved recipe of the run in `folder`.

    Raises:
        UserError: it is missing, or no recipe, or one that leaves sizes or colour open.
    """
    path = folder / RECIPE
    if not path.is_file():
        raise UserError(
            f"{path}: not found, so {folder} is not a run; name the folder that `{command('train', out=True)}` wrote"
        )
    recipe = parse_recipe(path.read_text("utf-8", errors="replace"), str(path))
    for member in recipe.members:
        if not member.input.is_resolved:
            raise UserError(
                f"{path}: members.{member.name}.input leaves height and width or colour open, which the recipe of a run does "
                "not; put the file back that training wrote"
            )
    return recipe


def write_run_recipe(folder: Path, recipe: Recipe) -> None:
    """Write every field, in the order of the model."""
    write_text(folder / RECIPE, recipe_text(recipe))
