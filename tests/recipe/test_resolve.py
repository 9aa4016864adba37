"""What the data decides: working size, colour, and whether the oversampling's classes exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.recipe import is_resolved, load_recipe, resolve
from steelsight.recipe.resolve import working_size


def test_a_pixel_budget_takes_the_shape_of_the_images() -> None:
    strips = resolve(load_recipe("lite"), ["1"], [(256, 1600)] * 3, grey=True)
    assert strips.member("segment-lite0").preprocess.height * 6 < strips.member("segment-lite0").preprocess.width
    assert strips.member("segment-lite0").preprocess.colour == "grey"
    tiles = resolve(load_recipe("lite"), ["1"], [(200, 200)], grey=False)
    assert tiles.member("segment-lite0").preprocess.colour == "rgb"


@given(pixels=st.integers(1024, 10**6), height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_working_sizes_are_multiples_of_the_stride(pixels: int, height: int, width: int) -> None:
    size = working_size(pixels, (height, width))
    assert all(side >= 32 and side % 32 == 0 for side in size)


def test_a_resolved_recipe_is_known_again() -> None:
    data = ["1"], [(256, 1600)]
    for grey in (True, False):
        resolved = resolve(load_recipe("lite"), *data, grey=grey)
        assert is_resolved(load_recipe("lite"), resolved, *data)
        assert not is_resolved(load_recipe("lite", ["members.*.phases.*.epochs=9"]), resolved, *data)
        assert not is_resolved(load_recipe("paper"), resolved, *data)


def test_the_bits_of_the_data_are_every_members_unless_the_recipe_states_them() -> None:
    data = ["1"], [(256, 1600)], True
    found = resolve(load_recipe("lite"), *data, bits=12)
    assert {member.preprocess.bits for member in found.members} == {12}
    assert is_resolved(load_recipe("lite"), found, *data[:2])
    stated = resolve(load_recipe("lite", ["members.*.input.bits=14"]), *data, bits=12)
    assert {member.preprocess.bits for member in stated.members} == {14}


def test_paper_on_other_classes_is_refused_with_the_mend() -> None:
    with pytest.raises(UserError, match="balanced"):
        resolve(load_recipe("paper"), ["Crack", "Fray"], [(300, 300)], grey=True)
    overridden = load_recipe("paper", ["members.*.sampling.repeat=balanced"])
    with pytest.raises(UserError, match="rule=null"):
        resolve(overridden, ["Crack", "Fray"], [(300, 300)], grey=True)
    overridden = load_recipe("paper", ["members.*.sampling.repeat=balanced", "rule=null"])
    assert resolve(overridden, ["Crack", "Fray"], [(300, 300)], grey=True)


def test_a_member_starts_only_from_one_that_sees_the_same_colour() -> None:
    mixed = load_recipe("lite", ["members.segment-lite0.input.colour=rgb"])
    assert resolve(mixed, ["1"], [(200, 200)], grey=False)
    with pytest.raises(UserError, match="sees rgb images and this member grey ones"):
        resolve(mixed, ["1"], [(200, 200)], grey=True)


def test_a_batch_that_cannot_be_normalised_is_refused() -> None:
    small = ["members.*.input.height=32", "members.*.input.width=32", "members.*.augment.crop=null"]
    data = ["1"], [(32, 64)], True
    for batch, wide in ((2, 32), (1, 64)):
        sampling = [
            f"members.*.sampling.batch={batch}",
            "members.*.sampling.device_batch=1",
            f"members.*.input.width={wide}",
        ]
        if batch == 2:
            sampling[1] = "members.*.sampling.device_batch=2"
        assert resolve(load_recipe("lite", [*small, *sampling]), *data)
    for batch in (1, 4):
        sampling = [f"members.*.sampling.batch={batch}", "members.*.sampling.device_batch=1"]
        with pytest.raises(
            UserError, match=r"a batch of 1 image of 32 x 32 pixels is too small for batch normalisation"
        ):
            resolve(load_recipe("lite", [*small, *sampling]), *data)
