"""`steelsight.load_recipe`: by name, by path, and changed."""

import shutil
from pathlib import Path

import pytest
from helpers.data import ROOT

import steelsight
from steelsight import UserError


def test_a_recipe_by_name_by_path_and_changed(tmp_path: Path) -> None:
    path = shutil.copy(ROOT / "src/steelsight/recipe/lite.yaml", tmp_path / "mine.yaml")
    assert steelsight.load_recipe(path) == steelsight.load_recipe("lite")
    assert steelsight.load_recipe("lite", ["seed=5"]).seed == 5
    with pytest.raises(UserError, match="did you mean 'lite'"):
        steelsight.load_recipe("lit")
    with pytest.raises(UserError, match="`overrides=seed=5`: one text in place of a list"):
        steelsight.load_recipe("lite", "seed=5")
