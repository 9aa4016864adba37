"""An overlay tells what is suspected from what was found."""

import cv2
import numpy as np
import pytest
from helpers.suspecting import CLASSES, judged

from steelsight.cascade.judge import Prediction
from steelsight.imaging.rle import encode_mask
from steelsight.results import overlay
from steelsight.results.overlay import class_colour, draw_overlay


@pytest.fixture(scope="module")
def said() -> list[Prediction]:
    return judged(keep_maps=True)


def test_an_overlay_outlines_them_with_dashes(said: list[Prediction]) -> None:
    one = next(one for one in said if one.suspected_runs and one.suspected_runs[1].area and not one.is_defective)
    height, drawn = one.size[0], {}
    for kind, arguments in (("solid", (one.suspected_runs,)), ("dashed", (one.runs,))):
        suspected = one.suspected_runs if kind == "dashed" else ()
        picture = draw_overlay(one.image, *arguments, CLASSES, one.p_defect, one.verdict, suspected)
        drawn[kind] = (picture[:height] == class_colour(1)).all(axis=2)
    share = (drawn["dashed"] & drawn["solid"]).sum() / drawn["solid"].sum()
    assert 0.4 < share < 0.85  # 4 of 7, and what a dash's round end adds
    assert not (drawn["dashed"] & ~cv2.dilate(drawn["solid"].astype(np.uint8), np.ones((3, 3))).astype(bool)).any()


def test_its_numbers_read_as_those_of_the_reason() -> None:
    """Thousands are set apart, and what is not quite 1 does not read so."""
    found, none = encode_mask(np.ones((40, 60), bool)), encode_mask(np.zeros((40, 60), bool))
    legend = [entry.text for entry in overlay._legend((found, none), CLASSES, 0.9996, (none, found))]
    assert legend == ["P(defect) 0.9996", f"{CLASSES[0]}: 2,400 px", f"{CLASSES[1]}: - (2,400 px suspected, dashed)"]
