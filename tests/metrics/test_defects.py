"""Connected defects, held against plain loops over small masks."""

import numpy as np
from helpers.small_masks import MASKS, SHAPE, regions_of
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.regions import find_regions
from steelsight.imaging.rle import encode_mask
from steelsight.metrics.defects import Defects, match_planes, match_runs


def pairs_of(of: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    return sorted((len(region), sum(bool(other[pixel]) for pixel in region)) for region in regions_of(of))


@given(MASKS, MASKS)
def test_regions_and_what_they_share_are_those_of_flooding(truth: np.ndarray, marked: np.ndarray) -> None:
    matched = match_planes(truth, marked)
    assert sorted(map(tuple, matched.annotated.tolist())) == pairs_of(truth, marked)
    assert sorted(map(tuple, matched.marked.tolist())) == pairs_of(marked, truth)
    areas = [region.area for region in find_regions(0, marked, np.full(SHAPE, 9, np.uint8))]
    assert sorted(areas) == sorted(matched.marked[:, 0].tolist())  # the same regions as everywhere else


@given(MASKS, MASKS, st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_say_the_same_wherever_they_lie(
    truth: np.ndarray, marked: np.ndarray, left: int, more: int
) -> None:
    wide = [np.pad(mask, ((0, 0), (left, more))) for mask in (truth, marked)]
    said = match_runs(*(encode_mask(mask) for mask in wide), height=SHAPE[0])
    for mine, theirs in zip(said, match_planes(*wide), strict=True):
        assert mine.tolist() == theirs.tolist()


@given(st.lists(st.tuples(MASKS, MASKS), min_size=1, max_size=4), st.data())
def test_some_images_of_many(images: list[tuple[np.ndarray, np.ndarray]], data: st.DataObject) -> None:
    matched = [[match_planes(*image)] for image in images]
    chosen = data.draw(st.lists(st.integers(0, len(images) - 1), max_size=6))
    some = Defects.gather(matched).only(np.array(chosen, np.intp))
    expected = Defects.gather(matched[index] for index in chosen)
    assert some.annotated.tolist() == expected.annotated.tolist()
    assert some.marked.tolist() == expected.marked.tolist()
