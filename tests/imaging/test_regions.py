from dataclasses import astuple
from typing import Any

import numpy as np
from helpers.by_definition import parts_of, regions_of, runs_of
from helpers.data import SAMPLE
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.dataset.read import read_dataset
from steelsight.imaging.regions import RegionRuns, find_regions


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


NESTED = np.array([[0, 1, 0, 0, 1], [1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]], bool)
WIDE = np.zeros((4, 90), bool)
WIDE[:, [0, 1, 40, 89]] = True


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 90)), fill=st.just(False)), st.integers(0, 1 << 30))
@example(NESTED, 0)  # two parts of one corner
@example(WIDE, 1)  # whole columns: a run goes on in the next one
@example(np.ones((1, 3), bool), 2)
@example(np.zeros((3, 50), bool), 3)
def test_regions_and_runs_are_as_defined(mask: Any, seed: int) -> None:
    map_ = np.random.default_rng(seed).integers(0, 256, mask.shape, dtype=np.uint8)
    assert [astuple(region)[1:] for region in find_regions(0, mask, map_)] == regions_of(mask, map_)
    found = RegionRuns.of_mask(mask)
    runs = found.runs()
    assert list(zip(runs.starts.tolist(), runs.lengths.tolist(), strict=True)) == runs_of(mask)
    parts = list(parts_of(mask))
    assert sorted(found.areas.tolist()) == sorted(map(len, parts))
    chosen = found.only(found.areas > 2)
    large = np.zeros(mask.shape, bool)
    for part in parts:
        if len(part) > 2:
            large[tuple(zip(*part, strict=True))] = True
    runs = chosen.runs()
    assert list(zip(runs.starts.tolist(), runs.lengths.tolist(), strict=True)) == runs_of(large)


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
