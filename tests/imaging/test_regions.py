from typing import Any

import numpy as np
from helpers.data import SAMPLE
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.dataset.read import read_dataset
from steelsight.imaging.regions import find_regions


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))), st.integers(0, 255))
def test_regions_share_out_the_mask(mask: Any, level: Any) -> None:
    map_ = np.full(mask.shape, level, np.uint8)
    regions = find_regions(3, mask, map_)
    assert sum(region.area for region in regions) == mask.sum()
    covered = np.zeros(mask.shape, bool)
    for region in regions:
        box = np.s_[region.top : region.top + region.height, region.left : region.left + region.width]
        assert mask[box].sum() >= region.area
        assert mask[box].any(axis=1)[[0, -1]].all()
        assert mask[box].any(axis=0)[[0, -1]].all()
        assert region.probability == round(level / 255, 6)
        covered[box] = True
    assert (covered >= mask).all()


def test_real_masks_fall_into_as_many_regions_as_are_drawn() -> None:
    """A flood fill in plain Python counts the parts of drawn masks."""
    for sample in read_dataset(SAMPLE, decode=False).samples[:6]:
        for mask in sample.mask():
            points = set(zip(*map(list, np.nonzero(mask[::4, ::4])), strict=True))
            parts = 0
            while points:
                parts, stack = parts + 1, [points.pop()]
                while stack:
                    y, x = stack.pop()
                    near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & points
                    points -= near
                    stack.extend(near)
            small = np.ascontiguousarray(mask[::4, ::4])
            assert len(find_regions(0, small, np.zeros(small.shape, np.uint8))) == parts
