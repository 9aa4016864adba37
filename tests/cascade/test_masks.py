"""Masks, regions and the strongest class of drawn maps, against the rule in words, pixel by pixel on the whole map."""

from dataclasses import astuple
from typing import Any

import numpy as np
from helpers.by_definition import regions_of, runs_of
from helpers.scenes import combined_of, pairs, scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.cascade.masks import cut


@settings(max_examples=150, deadline=None)
@given(scenes(), st.sampled_from([0.1, 0.31, 0.9, 1.0]), st.booleans())
def test_masks_are_as_defined_to_the_last_pixel(scene: Any, p_defect: float, keep: bool) -> None:
    """Runs, regions, their order, areas and means."""
    rule = scene[4]
    combined, whole = combined_of(scene, keep=keep)
    runs, regions = cut(combined, p_defect, rule)
    expected_runs: list[Any] = []
    expected: list[Any] = []
    for index, map_ in enumerate(whole):
        enough = rule.min_area[index] * (1 + (rule.softness - 1) * (1 - p_defect))
        is_kept = p_defect > rule.gate and (map_ > rule.upper[index]).sum() >= enough - 1e-9
        mask = (map_ > rule.lower[index]) & is_kept
        expected_runs.append(runs_of(mask))
        expected += [(index, *one) for one in regions_of(mask, map_)]
    assert list(map(pairs, runs)) == expected_runs
    assert list(map(astuple, regions)) == expected
    if keep:
        assert np.array_equal(combined.kept, whole)


@settings(max_examples=150, deadline=None)
@given(scenes(), st.booleans())
def test_the_strongest_class_is_that_of_the_greatest_level(scene: Any, keep: bool) -> None:
    combined, whole = combined_of(scene, keep=keep)
    peaks = whole.max(axis=(1, 2)).tolist()
    assert combined.strongest() == (peaks.index(max(peaks)), max(peaks))
