"""The definition of a mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from steelsight.rule.rule import Rule, area_scale, masks

MAP = np.array([[[0, 100, 101], [199, 200, 201]]], np.uint8)


def rule(**changes: object) -> Rule:
    return Rule.model_validate({"gate": 0.5, "upper": [200], "lower": [100], "min_area": [1], **changes})


def test_both_thresholds_and_the_gate_are_strict() -> None:
    assert masks(rule(), 0.51, MAP)[0].astype(int).tolist() == [[0, 0, 1], [1, 1, 1]]
    assert not masks(rule(), 0.5, MAP).any()
    assert not masks(rule(upper=[201]), 0.51, MAP).any()


def test_the_area_is_counted_above_upper_not_above_lower() -> None:
    assert masks(rule(upper=[199], min_area=[2]), 0.9, MAP).sum() == 4
    assert not masks(rule(upper=[199], min_area=[3]), 0.9, MAP).any()


def test_a_class_is_kept_or_dropped_on_its_own() -> None:
    two = rule(upper=[200, 0], lower=[100, 0], min_area=[2, 2])
    assert masks(two, 0.9, np.concatenate([MAP, MAP])).sum(axis=(1, 2)).tolist() == [0, 5]


def test_a_soft_gate_asks_for_a_larger_area_where_a_defect_is_less_likely() -> None:
    soft = rule(gate=0, softness=3, upper=[100], min_area=[2])  # four pixels are above, 2 x (3 - 2 P) are asked for
    assert [bool(masks(soft, p, MAP).any()) for p in (0.01, 0.49, 0.5, 1.0)] == [False, False, True, True]
    assert masks(soft, 0.5, MAP).sum() == 4
    assert not masks(soft.model_copy(update={"gate": 0.5}), 0.5, MAP).any()  # the gate stops all the same


@given(st.floats(1, 100), st.floats(0, 1))
def test_areas_are_scaled_as_published_and_not_at_all_where_a_defect_is_sure(softness: float, p: float) -> None:
    assert area_scale(softness, p) == pytest.approx(softness - (softness - 1) * p)
    assert area_scale(softness, 1.0) == 1
    assert area_scale(1.0, p) == 1


def test_a_rule_that_was_written_before_gates_could_be_soft_is_hard() -> None:
    read = Rule.model_validate_json('{"gate": 0.5, "upper": [200], "lower": [100], "min_area": [1]}')
    assert read == rule()
    assert Rule.model_validate_json(rule(softness=5).model_dump_json()).softness == 5
    assert rule(softness=5).only([0]).softness == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"upper": [256]},
        {"lower": [-1]},
        {"lower": [201]},
        {"min_area": [0]},
        {"gate": 1.1},
        {"lower": [1, 2]},
        {"softness": 0.9},
        {"softness": float("nan")},
        {"softness": float("inf")},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        rule(**changes)


def test_maps_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 classes, the maps have 2"):
        masks(rule(), 0.9, np.concatenate([MAP, MAP]))
