"""The definition of a mask."""

import numpy as np
import pytest
from pydantic import ValidationError

from steelsight.decision.rule import Rule, masks

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


@pytest.mark.parametrize(
    "changes",
    [{"upper": [256]}, {"lower": [-1]}, {"lower": [201]}, {"min_area": [0]}, {"gate": 1.1}, {"lower": [1, 2]}],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        rule(**changes)


def test_maps_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 classes, the maps have 2"):
        masks(rule(), 0.9, np.concatenate([MAP, MAP]))
