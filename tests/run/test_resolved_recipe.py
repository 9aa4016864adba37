"""RUN/recipe.yaml: read back as written, and a folder without it is no run."""

from pathlib import Path

import pytest

from steelsight.core.errors import UserError
from steelsight.recipe import load_recipe, resolve
from steelsight.run.resolved_recipe import read_run_recipe, write_run_recipe


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    recipe = resolve(load_recipe("lite", ["folds=3", "seed=7"]), ["a"], [(256, 1600)], grey=True)
    write_run_recipe(tmp_path, recipe)
    assert read_run_recipe(tmp_path) == recipe


def test_a_folder_without_it_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"recipe\.yaml: not found, so .* is not a run"):
        read_run_recipe(tmp_path)


def test_what_is_wrong_in_it_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("- 1")
    with pytest.raises(UserError, match=r"recipe\.yaml: a recipe is a mapping"):
        read_run_recipe(tmp_path)


@pytest.mark.parametrize("change", ["colour: grey}", "height: 32, width: 64, colour: auto}"])
def test_one_that_leaves_something_to_the_images_is_refused(change: str, tmp_path: Path) -> None:
    """A recipe of one's own laid over it ended in a traceback, after images had been read."""
    size = "" if "height" in change else "pixels: 9000, "
    write_run_recipe(tmp_path, load_recipe("lite", [f"members.*.input={{{size}{change}"]))
    with pytest.raises(
        UserError, match=r"recipe\.yaml: members\.segment-lite0\.input leaves height and width or colour"
    ):
        read_run_recipe(tmp_path)


def test_a_run_whose_classifier_names_channels_of_a_decoder_is_read(tmp_path: Path) -> None:
    """A star set them in every member until such a recipe was refused, and hours of training lie behind it."""
    recipe = resolve(load_recipe("lite"), ["a"], [(256, 1600)], grey=True)
    members = [one.model_copy(update={"decoder_channels": (32, 16, 16, 8, 8)}) for one in recipe.members]
    write_run_recipe(tmp_path, recipe.model_copy(update={"members": tuple(members)}))
    assert {one.step for one in read_run_recipe(tmp_path).members} == {"classify", "segment"}
