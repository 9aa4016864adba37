"""The jobs of a recipe, in their order, and the choice among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.recipe import load_recipe
from steelsight.recipe.jobs import choose_folds, choose_jobs, waits_for

RECIPE = load_recipe("demo")
NAMES = [(member.name, fold) for member in RECIPE.members for fold in range(RECIPE.folds)]


@given(st.sets(st.sampled_from(NAMES), min_size=1))
def test_those_that_are_named_in_the_recipes_order(wanted: set[tuple[str, int]]) -> None:
    chosen = choose_jobs(RECIPE, [f"{name}:{fold}" for name, fold in wanted])
    assert [(member.name, fold) for member, fold in chosen] == [job for job in NAMES if job in wanted]


def test_all_of_them_and_all_of_a_member() -> None:
    assert [(member.name, fold) for member, fold in choose_jobs(RECIPE, [])] == NAMES
    first = RECIPE.members[0].name
    assert len(choose_jobs(RECIPE, [first, f"{first}:0"])) == RECIPE.folds


def test_a_job_that_is_none_is_refused_with_the_nearest() -> None:
    wrong = f"{RECIPE.members[0].name}:{RECIPE.folds}"
    with pytest.raises(UserError, match=f"`only={wrong}`: there is no such job; .*{RECIPE.members[0].name}"):
        choose_jobs(RECIPE, [wrong])


def test_a_member_waits_for_the_same_fold_of_the_one_it_starts_from() -> None:
    first, *_ = RECIPE.members
    assert waits_for(first.model_copy(update={"weights": "random"}), 1) is None
    assert waits_for(first.model_copy(update={"weights": "other"}), 1) == ("other", 1)


@pytest.mark.parametrize("text", ["3", "-1", "one", "", "0,1", "²", "1" * 5000])
def test_folds_that_there_are_not(text: str) -> None:
    with pytest.raises(UserError, match="the run has the folds 0 to 2"):
        choose_folds(text, 3)
