"""Images that stand for the others: evenly spread."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.model import Sample
from steelsight.export.images import in_second_half, spread, steering_and_judging
from steelsight.run.record import Record


@given(st.integers(0, 50), st.integers(1, 60))
def test_a_spread_is_even_ascending_and_keeps_both_ends(count: Any, most: Any) -> None:
    chosen = spread(range(count), most)
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) == min(count, most)
    if most > 1 and count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
    steps = np.diff(chosen)
    assert steps.size == 0 or steps.max() - steps.min() <= 1


@given(st.lists(st.integers(0, 12), max_size=40))
def test_no_group_is_in_both_halves_and_they_are_as_even_as_the_groups_allow(groups: list[int]) -> None:
    second = in_second_half(groups)
    halves = [
        {group for group, belongs in zip(groups, second, strict=True) if belongs is half} for half in (False, True)
    ]
    assert not halves[0] & halves[1]
    assert abs(second.count(True) - second.count(False)) <= max((groups.count(group) for group in groups), default=0)


@pytest.mark.parametrize(
    ("groups", "steering", "judging"),
    [([1, 1, 2, 2, 3], "014", "23"), ([5, 5, 5, 5], "02", "13"), ([5], "0", "0")],
)
def test_a_fold_is_parted_by_its_groups(groups: list[int], steering: str, judging: str) -> None:
    samples = tuple(Sample(str(place), Path(f"{place}.png"), (8, 8), ()) for place in range(len(groups)))
    other = Sample("of another fold", Path("x.png"), (8, 8), ())
    folds = np.array([1] * len(groups) + [0])
    record = Record(Path(), "severstal", (), (*samples, other), folds, np.array([*groups, 9]), (), "0" * 64)
    halves = steering_and_judging(record, 1)
    assert ["".join(sample.image_id for sample in half) for half in halves] == [steering, judging]


def test_images_without_twins_take_turns() -> None:
    assert in_second_half([4, 7, 2, 9, 1]) == [False, True, False, True, False]
