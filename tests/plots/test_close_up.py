"""A defect from near: the part of the image that holds it, with its outline."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.plots.close_up import _span, close_up
from steelsight.plots.outlines import TRUTH, Outline


@given(side=st.integers(1, 500), data=st.data())
def test_what_is_cut_out_lies_in_the_image_and_holds_the_defect(side: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, side - 1))
    length = data.draw(st.integers(1, side - start))
    cut = _span(start, length, side)
    assert 0 <= cut.start <= start
    assert start + length <= cut.stop <= side


def test_the_outline_is_drawn_where_the_defect_is() -> None:
    image = np.full((200, 1000), 90, np.uint8)
    mask = np.zeros((1, 200, 1000), bool)
    mask[0, 100:104, 700:706] = True
    picture = close_up(image, [Outline(mask, TRUTH)], (700, 100, 6, 4))
    assert picture.shape[0] == picture.shape[1] >= 300  # enlarged, of a square of 96 pixels
    marked = np.argwhere((picture == TRUTH).all(axis=2))
    assert marked.size
    assert np.abs(marked.mean(axis=0) - np.array(picture.shape[:2]) / 2).max() < 20
