"""A recipe made quick: valid, small, and with the same shape of its schedule."""

import pytest

from steelsight.recipe import RECIPES, load_recipe, parse_recipe, recipe_text
from steelsight.recipe.quick import is_quick, quick_recipe, smallness


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_becomes_small_and_stays_valid(name: str) -> None:
    whole, quick = load_recipe(name), load_recipe(name, quick=True)
    assert (quick.name, quick.folds) == (f"{name} (quick)", 2)
    assert parse_recipe(recipe_text(quick), name) == quick
    assert sorted(member.step for member in quick.members) == ["classify", "segment"]
    assert quick.selection.classifiers == quick.selection.segmenters == 1
    for member in quick.members:
        full = whole.member(member.name)
        assert member.epochs <= 6
        assert len(member.phases) == len(full.phases)
        assert member.sampling.batch <= 8
        assert member.sampling.least_steps <= 24
        assert (member.input.pixels or (member.input.height or 0) * (member.input.width or 0)) <= 32_768
        for small, large in zip(member.phases, full.phases, strict=True):
            assert small.loss == large.loss
            assert small.schedule.maximum == large.schedule.maximum
            ends = [
                of.schedule.decay ** max(0, of.epochs - of.schedule.ramp - of.schedule.hold) for of in (small, large)
            ]
            assert ends[0] < 0.5 or ends[0] == pytest.approx(ends[1], rel=0.9)
    assert quick_recipe(quick) == quick


def test_two_networks_of_minutes_are_not_silenced() -> None:
    """Two could only vote as one, and the limit of a long training leaves nothing of what they find."""
    whole, quick = load_recipe("lite"), load_recipe("lite", quick=True)
    assert (whole.selection.combine, quick.selection.combine) == ("votes", "logits")
    assert whole.search.max_false_alarms < quick.search.max_false_alarms == 0.1
    paper = load_recipe("paper", quick=True)
    assert paper.selection.combine == "mean"
    assert paper.search == load_recipe("paper").search
    looser = load_recipe("lite", ["search.max_false_alarms=0.3"])
    assert quick_recipe(looser).search.max_false_alarms == 0.3


def test_what_is_set_by_hand_is_kept() -> None:
    quick = load_recipe("lite", ["folds=3", "members.*.phases.1.epochs=7"], quick=True)
    assert (quick.folds, quick.members[0].epochs) == (3, 7)


def test_two_phases_shrink_alike() -> None:
    text = recipe_text(load_recipe("paper", ["members.segment-b0-strategy-1.encoder=b1"]))
    quick = quick_recipe(parse_recipe(text, "mine"))
    assert [(member.name, [phase.epochs for phase in member.phases]) for member in quick.members][1] == (
        "segment-b0-strategy-2",
        [3, 3],
    )
    assert quick.members[1].phases[1].schedule.first_epoch == quick.members[1].phases[1].schedule.hold > 0


def test_what_is_small_says_so() -> None:
    assert smallness(load_recipe("lite"), 66, None) == ()
    assert is_quick(load_recipe("lite", quick=True))
    quick, part = smallness(load_recipe("lite", quick=True), 120, 1200)
    assert quick.startswith("A quick training")
    assert "120 of the 1,200 images" in part
