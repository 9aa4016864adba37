"""The published rule: at least in place of more than, and masks cut at the working size are those of the enlarged maps."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.combine import combine_maps
from steelsight.imaging.preprocess import Preprocess
from steelsight.recipe.stated_rule import StatedRule
from steelsight.rule.rule import Rule, masks
from steelsight.rule.stated_rule_on_grid import stated_rule

WORKING = Preprocess(height=32, width=64, colour="grey")


@pytest.mark.parametrize(("p_defect", "passes"), [(0.8, True), (np.nextafter(0.8, 0), False), (0.9, True)])
def test_the_gate_lets_through_what_reaches_it(p_defect: float, passes: bool) -> None:
    rule = stated_rule(StatedRule(gate=0.8, upper=0.7, lower=0.4, min_area=1), 1, 1)
    assert masks(rule, p_defect, np.full((1, 2, 2), 255, np.uint8)).any() == passes


@given(threshold=st.floats(0, 1), value=st.integers(0, 255))
def test_a_pixel_exceeds_a_level_where_its_probability_exceeds_the_threshold(threshold: float, value: int) -> None:
    rule = stated_rule(StatedRule(gate=0, upper=threshold, lower=0, min_area=1), 1, 1)
    near = abs(value - threshold * 255) < 1e-9
    assert near or (value > rule.upper[0]) == (value > threshold * 255)


@given(seed=st.integers(0, 10_000), networks=st.integers(1, 3), area=st.integers(1, 60))
def test_cut_at_the_working_size_and_enlarged_is_cut_in_blocks(seed: int, networks: int, area: int) -> None:
    random = np.random.default_rng(seed)
    maps = [random.integers(0, 256, (2, 32, 64), dtype=np.uint8) for _ in range(networks)]
    stated = StatedRule(gate=0.5, upper=(0.9, 0.95), lower=(0.5, 0.6), min_area=area * 10, at="working")
    at_working = stated_rule(stated, 2, 1)
    mean = np.floor(np.mean(np.stack(maps).astype(np.float32), axis=0, dtype=np.float32) + np.float32(0.5)).astype(
        np.uint8
    )
    small = masks(at_working, 0.6, mean)
    combined = combine_maps(maps, [WORKING] * networks, (64, 192), "mean", "working")
    cut = masks(stated_rule(stated, 2, 6), 0.6, combined)
    assert np.array_equal(cut, small.repeat(2, axis=1).repeat(3, axis=2))


def test_maps_of_several_working_sizes_have_no_one_to_cut_at() -> None:
    other = Preprocess(height=64, width=64, colour="grey", fit="pad")
    maps = [np.zeros((1, 32, 64), np.uint8), np.zeros((1, 64, 64), np.uint8)]
    with pytest.raises(ValueError, match="have several"):
        combine_maps(maps, [WORKING, other], (64, 192), "mean", "working")


def test_a_rule_that_is_cut_at_the_image_s_size_is_written_as_before() -> None:
    plain = Rule(gate=0.5, upper=(2,), lower=(1,), min_area=(3,))
    blocks = plain.model_copy(update={"at": "working"})
    assert "at" not in plain.model_dump()
    assert "at=" not in repr(plain)
    assert json.loads(blocks.model_dump_json())["at"] == "working"
    assert "at='working'" in repr(blocks)
    for rule in (plain, blocks):
        assert Rule.model_validate_json(rule.model_dump_json()) == rule
        assert rule.only([0]) == rule
