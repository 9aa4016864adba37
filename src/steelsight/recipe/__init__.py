"""What is to be trained: a recipe is a list of named members, typed, read from YAML."""

from steelsight.recipe.jobs import choose_folds, choose_jobs, waits_for
from steelsight.recipe.model import Decoder, Encoder, GroupChoice, LastLayer, Member, Phase, Recipe, Step
from steelsight.recipe.read import RECIPES, load_recipe, parse_recipe, recipe_text
from steelsight.recipe.resolve import is_resolved, resolve

__all__ = [
    "RECIPES",
    "Decoder",
    "Encoder",
    "GroupChoice",
    "LastLayer",
    "Member",
    "Phase",
    "Recipe",
    "Step",
    "choose_folds",
    "choose_jobs",
    "is_resolved",
    "load_recipe",
    "parse_recipe",
    "recipe_text",
    "resolve",
    "waits_for",
]
