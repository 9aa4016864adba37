"""A rule that a recipe states: whether it fits the data, and what a pixel of its size is in pixels of an image."""

import pytest

from steelsight.core.errors import UserError
from steelsight.recipe import Recipe, load_recipe, resolve
from steelsight.recipe.check_stated_rule import check_stated_rule

CLASSES = ("1", "2", "3", "4")
STRIPS = [(256, 1600)] * 3


def paper(*overrides: str, sizes: list[tuple[int, int]] = STRIPS) -> Recipe:
    return resolve(load_recipe("paper", overrides), CLASSES, sizes, grey=True)


def test_paper_states_the_rule_that_was_published() -> None:
    recipe = paper()
    assert recipe.rule is not None
    assert recipe.rule.model_dump() == {
        "gate": 0.8,
        "upper": 0.7,
        "lower": (0.4, 0.5, 0.4, 0.5),
        "min_area": (180, 260, 200, 500),
        "at": "working",
    }
    assert check_stated_rule(recipe, 4, STRIPS) == 4
    assert check_stated_rule(paper("rule.at=image"), 4, STRIPS) == 1


def test_the_other_recipes_state_none() -> None:
    assert load_recipe("lite").rule is None
    assert load_recipe("demo").rule is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("rule.lower=[0.4, 0.5]", "rule.lower: 2 values for 4 classes"),
        ("rule.min_area=[1, 2, 3, 4, 5]", "rule.min_area: 5 values for 4 classes"),
        ("rule.lower=[0.4, 0.8, 0.4, 0.5]", "rule.lower: 0.8 exceeds the upper threshold 0.7"),
        ("members.segment-b0-strategy-1.input.width=768", "the segmenters have 2"),
        ("members.segment-b0-strategy-1.input.fit=pad", "the segmenters have 2"),
        ("members.*.input.width=768", "are not all the same whole number of times as large"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_with_the_mend(override: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        paper(override)
    assert "`overrides=rule=null`" in str(raised.value)
    assert paper(override, "rule=null").rule is None


def test_images_of_several_sizes_have_no_one_pixel() -> None:
    with pytest.raises(UserError, match="1600 x 256, 3200 x 512"):
        paper(sizes=[(256, 1600), (512, 3200)])
    assert paper("rule.at=image", sizes=[(256, 1600), (512, 3200)]).rule


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("rule.gate=1.5", "rule.gate"),
        ("rule.min_area=0", "rule.min_area"),
        ("rule.at=map", "rule.at"),
        ("rule.uper=0.5", "upper"),
    ],
)
def test_a_value_that_means_nothing_is_named(override: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_recipe("paper", [override])
