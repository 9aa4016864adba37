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


@pytest.mark.parametrize("pixels", [1, 2, 4, 8])
def test_what_is_suspected_is_drawn_however_small(pixels: int) -> None:
    """Eight pixels in a row have a border of 14, two periods of seven."""
    marked = np.zeros((200, 200), bool)
    marked[50, 50 : 50 + pixels] = True
    none, image = encode_mask(marked & False), np.full((200, 200), 100, np.uint8)
    drawn = draw_overlay(image, (none, none), CLASSES, 0.5, None, (encode_mask(marked), none))[:200]
    seen = (drawn == class_colour(0)).all(axis=2)
    assert 0.4 * pixels < (seen & marked).sum() <= pixels
    assert not (seen & ~marked).any()


@pytest.mark.parametrize("size", [100, 200, 400])
def test_the_legend_of_a_narrow_image_is_whole(size: int) -> None:
    """As the same words on one wide line each: nothing reaches the right edge, and as much ink is there."""
    found = encode_mask(np.ones((size, size), bool))
    classes = ("rolled-in_scale", "pitted_surface", "a_very_long_name_of_some_class_in_one_word")
    entries = overlay._legend((found,) * 3, classes, 0.5, (found,) * 3)
    strip = overlay._strip(entries, size)
    assert (strip[:, -1] == 24).all()
    wide = overlay._strip(entries, 2000)
    for index, _ in enumerate(classes):
        ink = [(one == class_colour(index)).all(axis=2).sum() for one in (strip, wide)]
        assert ink[0] == pytest.approx(ink[1], rel=0.05)
