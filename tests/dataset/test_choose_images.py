"""A part of labelled images: whole groups, no more than asked for, every combination of classes in it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.choose_images import choose_images
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs

DEFECT = Runs(np.array([0]), np.array([3]))


def sample(number: int, classes: tuple[int, ...]) -> Sample:
    runs = tuple(DEFECT if index in classes else Runs.empty() for index in range(3))
    return Sample(f"{number}.jpg", Path(f"{number}.jpg"), (8, 8), runs)


@given(
    images=st.lists(st.tuples(st.sets(st.integers(0, 2)), st.integers(0, 12)), min_size=1, max_size=60),
    limit=st.integers(1, 60),
    seed=st.integers(0, 3),
)
def test_groups_stay_whole_and_the_limit_is_kept(images: list[tuple[set[int], int]], limit: int, seed: int) -> None:
    samples = [sample(number, tuple(sorted(classes))) for number, (classes, _) in enumerate(images)]
    groups = np.unique([group for _, group in images], return_inverse=True)[1]
    if limit < np.bincount(groups).min():
        with pytest.raises(UserError, match="give a larger limit"):
            choose_images(samples, groups, limit, seed)
        return
    chosen = choose_images(samples, groups, limit, seed)
    assert 0 < len(chosen) <= limit
    assert np.array_equal(chosen, np.unique(chosen))
    taken = np.isin(np.arange(len(samples)), chosen)
    for group in np.unique(groups):
        assert len(set(taken[groups == group].tolist())) == 1
    assert np.array_equal(chosen, choose_images(samples, groups, limit, seed))
    if limit >= len(samples):
        assert taken.all()


def test_what_is_rare_comes_first_and_the_rest_in_its_share() -> None:
    samples = [sample(number, (0,) if number < 300 else (1,) if number < 303 else ()) for number in range(1203)]
    chosen = choose_images(samples, np.arange(1203), 120, 0)
    assert len(chosen) == 120
    kinds = [samples[index].classes for index in chosen]
    assert kinds.count((1,)) == 2
    assert kinds.count((0,)) == pytest.approx(30, abs=2)
    assert set(chosen.tolist()) != set(choose_images(samples, np.arange(1203), 120, 1).tolist())


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(UserError, match="from 1 on"):
        choose_images([sample(0, ())], np.arange(1), 0, 0)
