"""FROC is what every threshold by itself finds."""

import math

import numpy as np
from helpers.small_masks import SHAPE, TWINS, regions_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.metrics.defect_figures import defect_figures
from steelsight.metrics.defects import Defects, match_planes
from steelsight.metrics.froc import froc, score_planes


@settings(max_examples=60)
@given(TWINS, st.sampled_from([0, 1, 59, 60, 199]))
def test_froc_is_what_every_threshold_by_itself_finds(images: list[tuple[np.ndarray, np.ndarray]], lower: int) -> None:
    scored = [score_planes(truth, map_, lower) for truth, map_ in images]
    annotated, marked = (np.concatenate([of[part] for of in scored]) for part in (0, 1))
    curve = froc(annotated[:, 1], annotated[:, 2], marked[marked[:, 2] == 0, 1], len(images))
    for at in (0, 54, 55, 134, 193, 194, 195, 253, 254):
        defects = []
        for truth, map_ in images:
            kept = np.zeros(SHAPE, np.bool_)
            for region in regions_of(map_ > lower):
                if max(map_[pixel] for pixel in region) > curve.threshold[at]:
                    kept[tuple(np.transpose(list(region)))] = True
            defects.append([match_planes(truth, kept)])
        expected = defect_figures(Defects.gather(defects), len(images), 1).all
        assert curve.false_alarms[at] == expected.false_alarms_per_image
        for share, value in (
            (curve.found[at], expected.found_share),
            (curve.half_found[at], expected.half_found_share),
        ):
            assert share == value or (math.isnan(share) and math.isnan(value))
    for part in (curve.found, curve.half_found, curve.false_alarms):
        assert np.isnan(part).all() or (np.diff(part) >= 0).all()


def test_found_at_a_rate_of_false_alarms() -> None:
    curve = froc(np.array([250, 200, 0, 100]), np.array([200, 0, 0, 0]), np.array([220, 150, 90, 80]), images=4)
    assert [curve.found_at(rate) for rate in (0, 0.25, 0.5, 1)] == [0.25, 0.5, 0.75, 0.75]
    assert curve.found_at(1, half=True) == 0.25
    assert math.isnan(froc(np.array([9]), np.array([9]), np.array([255, 3]), 4).found_at(0.1))
    assert math.isnan(froc(np.zeros(0, int), np.zeros(0, int), np.array([9]), 1).found_at(1))
