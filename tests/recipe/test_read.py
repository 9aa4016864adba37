"""Recipes as a user meets them: names, files, overrides, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from steelsight.core.errors import UserError
from steelsight.recipe import RECIPES, load_recipe, parse_recipe, recipe_text


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_being_written_and_read(name: Any) -> None:
    recipe = load_recipe(name)
    assert parse_recipe(recipe_text(recipe), name) == recipe


def test_paper_is_the_reference() -> None:
    paper = load_recipe("paper")
    assert paper.folds == 5
    assert {member.encoder for member in paper.members} == {"b0", "b1", "b2", "b3", "b4", "b5"}
    assert [member.step for member in paper.members].count("classify") == 6
    assert [len(member.phases) for member in paper.members if member.step == "segment"] == [1] * 6 + [2] * 6
    assert paper.selection.model_dump() == {
        "classifiers": {"all": "classifiers", "best": None},
        "segmenters": {"all": "strategy-1", "best": "strategy-2"},
        "scope": "fold",
        "combine": "mean",
    }


def test_overrides_reach_members_by_name_phases_by_number_and_all_by_star() -> None:
    recipe = load_recipe(
        "lite", ["folds=3", "members.classify-lite0.phases.1.epochs=7", "members.*.phases.*.schedule.maximum=2e-3"]
    )
    assert recipe.folds == 3
    assert recipe.member("classify-lite0").phases[0].epochs == 7
    assert {member.phases[0].schedule.maximum for member in recipe.members} == {2e-3}
    # only half of these members have a second phase, and it has a name
    for second in ("2", "fine-tune"):
        paper = load_recipe("paper", [f"members.*.phases.{second}.epochs=5"])
        epochs = [[phase.epochs for phase in member.phases] for member in paper.members]
        assert epochs == [[20]] * 6 + [[30]] * 6 + [[20, 5]] * 6
    renamed = load_recipe("lite", ["members.*.phases.1.name=only", "members.classify-lite0.phases.only.epochs=3"])
    assert [member.phases[0].epochs for member in renamed.members] == [16, 3]


@pytest.mark.parametrize(
    ("change", "classify", "segment"),
    [
        ("dropout=0.3", 0.3, 0.0),
        ("decoder=unetplusplus-nominal", None, "unetplusplus-nominal"),
        ("decoder_channels=[32, 16, 16, 8, 8]", None, (32, 16, 16, 8, 8)),
        ("exclusive=true", False, True),
        ("head=cells", "cells", "pooled"),
        ("drop_path=0.1", 0.1, 0.1),
        ("phases.1.loss.dice=0.5", 0.0, 0.5),
        ("phases.*.loss.dice_over=batch", "batch", "batch"),
        ("phases.1.loss.cells=2", 2.0, 0.0),
    ],
)
@pytest.mark.parametrize("quick", [False, True])
def test_a_star_passes_over_members_of_a_step_that_lacks_the_field(
    change: str, classify: object, segment: object, *, quick: bool
) -> None:
    """Most were refused for the member that cannot have it; decoder_channels did nothing to the classifier."""
    recipe = load_recipe("lite", [f"members.*.{change}"], quick=quick)
    for step, expected in (("classify", classify), ("segment", segment)):
        [value] = [member for member in recipe.members if member.step == step]
        for key in change.partition("=")[0].split("."):
            value = getattr(value, key) if not isinstance(value, tuple) else (value[0])
        assert value == expected


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("fold=3", "did you mean 'folds'"),
        ("members.classify-lit0.sampling.batch=3", "did you mean 'classify-lite0'"),
        ("members.*.sampling.bach=3", "did you mean 'batch'"),
        ("members.*.phases.1.loss.dyce=1", "did you mean 'dice'"),
        ("members.*.phases.1.optimiser.name=adamm", "did you mean 'adam"),
        ("members.*.phases.0.epochs=7", "the first one counts as 1"),
        ("members.*.phases.2.epochs=7", "nothing is named '2'"),
        ("members.1.epochs=7", "nothing is named '1'"),
        ("members.*.phases.warm.epochs=7", "nothing is named 'warm'"),
        ("members.*.phases.1.name=9", "name: 9 is refused"),
        ("members.*.encoder=light0", "lite0"),
        ("members.*.augment.horizontal_flip=1.5", "less than or equal to 1"),
        ("folds", "not of the form"),
        ("folds=[", "not YAML"),
        ("members.*.smapling.batch=3", "nearest|did you mean 'sampling'"),
        ("members.segment-lite0.decoder_channels=[1,2]", "five numbers"),
        ("members.*.sampling.device_batch=3", "multiple"),
        ("members.segment-lite0.weights=imagnet", "imagenet or random"),
        ("members.classify-lite0.weights=segment-lit0", r"nor an earlier segmenter .*\(segment-lite0\)"),
        ("members.classify-lite0.encoder=lite1", "same encoder"),
        (
            "members.segment-lite0.augment.zoom_out={probability: 1, smallest: 0.5, largest: 1}",
            "takes the place of zoom_in",
        ),
        ("members.segment-lite0.augment.crop.smallest=1.9", "must not exceed largest"),
        ("members.classify-lite0.exclusive=true", "exclusive"),
        (
            "members.classify-lite0.decoder_channels=[32, 32]",
            "decoder_channels are of a decoder; step classify has none",
        ),
        ("members.segment-lite0.head=cells", "head is the classifier's"),
        ("members.classify-lite0.head=pooled", "needs head cells"),
        ("members.classify-lite0.phases.1.loss.dice=1", r"loss\.dice is about masks.*loss\.cells"),
        ("search.softness=[1]", "greater than 1"),
        ("search.softnes=[5]", "did you mean 'softness'"),
        ("members.*=1", "nothing in the recipe is named"),
        ("members.*.phases.*=1", "nothing in the recipe is named"),
        ("seed=2020-13-45", "not YAML"),
        ("seed=4294967296", "less than 4294967296"),
        ("search.area_ratio=.inf", "finite"),
        ("search.area_ratio=1.0000001", "greater than or equal to 1.001"),
        ("folds=99999999999999999999999", "less than or equal to 1000"),
        ("members.*.input={height: 320000, width: 320000}", "less than or equal to 16384"),
        ("members.*.phases.*.schedule.start=inf", "finite"),
        (
            "members.*.phases.*.schedule.maximum=1e300",
            r"maximum: 1e\+300 is refused: it should be less than or equal to 1000",
        ),
        ("members.*.phases.*.loss.dice=1e300", "less than or equal to 1000"),
        ("members.*.phases.*.optimiser.weight_decay=1e300", "less than or equal to 1000"),
        (
            "members.*.input.deviation=1e-40",
            "deviation: 1e-40 is refused: it should be greater than or equal to 0.0001",
        ),
        ("members.*.sampling.least_steps=1e12", "less than or equal to 1000000"),
        ("members.*.augment.contrast=[1, 1e300]", "less than or equal to 1000"),
        ("members.segment-lite0.decoder_channels=[0, 16, 8, 8, 8]", "greater than or equal to 1"),
        ("members.*.augment.contrast=[1.4, 0.7]", "must not exceed"),
        ("members.*.augment.saturation=[-1, 1]", "greater than or equal to 0"),
        ("members.*.sampling.repeat=[{class: 1, times: 0}]", r"repeat\.1\.times: 0 is refused.*greater than"),
        ("members.*.sampling.repeat=[{class: 1, tims: 2}]", r"did you mean 'times'|times: the key is missing"),
        ("members.*.sampling.repeat=balancd", "did you mean 'balanced'"),
    ],
)
def test_a_wrong_override_is_refused_with_the_nearest_right_one(override: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_recipe("lite", [override])


def test_a_star_for_which_no_member_is_of_the_right_step_is_refused(tmp_path: Path) -> None:
    lite = load_recipe("lite")
    file = tmp_path / "mine.yaml"
    file.write_text(recipe_text(lite.model_copy(update={"members": (lite.member("segment-lite0"),)})))
    with pytest.raises(
        UserError, match=r"`overrides=members\.\*\.dropout=0\.3`: dropout is of step classify, and no member here is"
    ):
        load_recipe(str(file), ["members.*.dropout=0.3"])


def test_a_class_that_is_a_number_is_its_name() -> None:
    rules = load_recipe("lite", ["members.*.sampling.repeat=[{class: 2, times: 3}]"]).members[0].sampling.repeat
    assert [rule.class_ for rule in rules] == ["2"]


def test_a_wrong_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'paper'"):
        load_recipe("papr")
    broken = tmp_path / "mine.yaml"
    for text in ("name: [", "seed: 2020-13-45", "name: &a [*a]", "name: " + "[" * 10_000):
        broken.write_text(text)
        with pytest.raises(UserError, match=r"mine\.yaml.*not YAML"):
            load_recipe(str(broken))
    broken.write_text("- 1")
    with pytest.raises(UserError, match="mapping"):
        load_recipe(str(broken))


def test_set_changes_the_named_member_alone_where_members_share_a_yaml_anchor() -> None:
    changed = load_recipe("lite", ["members.segment-lite0.augment.brightness=0.3"])
    assert changed.member("segment-lite0").augment.brightness == 0.3
    assert (
        changed.member("classify-lite0").augment.brightness
        == load_recipe("lite").member("classify-lite0").augment.brightness
    )
