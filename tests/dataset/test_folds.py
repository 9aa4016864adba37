"""Folds of real and of arbitrary data: twins stay together, classes spread evenly, impossible wishes are refused."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs

TABLE = SHARED / "severstal" / "annotations" / "image_labels_all_12568.csv"
PIXEL = Runs(np.zeros(1, np.int64), np.ones(1, np.int64))


def sample(number: int, classes: set[int], count: int = 4) -> Sample:
    runs = tuple(PIXEL if index in classes else Runs.empty() for index in range(count))
    return Sample(f"{number}.png", Path(f"{number}.png"), (4, 4), runs)


labelled_groups = st.lists(
    st.tuples(st.integers(0, 30), st.sets(st.integers(0, 3), max_size=3)), min_size=2, max_size=120
)


@settings(deadline=None, max_examples=150)
@given(labelled_groups, st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_no_group_is_split_and_no_fold_is_empty(images: list[tuple[int, set[int]]], folds: int, seed: int) -> None:
    groups = np.array([group for group, _ in images])
    samples = [sample(number, classes) for number, (_, classes) in enumerate(images)]
    if len(np.unique(groups)) < folds:
        with pytest.raises(UserError, match=r"share no surface|are of one group"):
            assign_folds(samples, groups, folds, seed)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assigned = assign_folds(samples, groups, folds, seed)
    assert assigned.dtype == np.int64
    assert set(assigned.tolist()) == set(range(folds))
    for group in np.unique(groups):
        assert len(set(assigned[groups == group].tolist())) == 1
    np.testing.assert_array_equal(assigned, assign_folds(samples, groups, folds, seed))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([(), (0,), (1,), (0, 1)]), min_size=20, max_size=200), st.integers(2, 5))
def test_folds_of_images_without_twins_are_of_even_size_and_mix(classes: list[tuple[int, ...]], folds: int) -> None:
    samples = [sample(number, set(of_image)) for number, of_image in enumerate(classes)]
    assigned = assign_folds(samples, np.arange(len(samples)), folds, 0)
    for combination in set(classes):
        has = np.array([of_image == combination for of_image in classes])
        if has.sum() >= folds:
            share = np.bincount(assigned[has], minlength=folds)
            assert share.max() - share.min() <= 4  # scikit-learn's greedy search left 3 in 16 of 4,000 cases


def test_one_rare_defect_per_fold() -> None:
    samples = [sample(number, {3} if number < 3 else set()) for number in range(60)]
    assigned = assign_folds(samples, np.arange(60), 3, 7)
    assert sorted(assigned[:3].tolist()) == [0, 1, 2]


def test_a_group_counts_as_its_rarest_combination() -> None:
    groups = np.repeat(np.arange(20), 2)
    samples = [sample(number, {1} if number in (0, 2, 4, 6) else set()) for number in range(40)]
    assigned = assign_folds(samples, groups, 4, 0)
    assert sorted(assigned[[0, 2, 4, 6]].tolist()) == [0, 1, 2, 3]


def test_the_seed_decides() -> None:
    samples = [sample(number, set()) for number in range(50)]
    first, second = (assign_folds(samples, np.arange(50), 5, seed) for seed in (1, 2))
    assert (first != second).any()


def test_wrong_wishes_are_refused() -> None:
    samples = [sample(number, set()) for number in range(4)]
    with pytest.raises(UserError, match="1 is too few"):
        assign_folds(samples, np.arange(4), 1, 0)
    with pytest.raises(UserError, match=r"5 folds need at least 5 groups .* the 4 images are of 4; .* at most 4 folds"):
        assign_folds(samples, np.arange(4), 5, 0)
    with pytest.raises(UserError, match=r"all 4 images are of one group, .* groups that tell the surfaces apart"):
        assign_folds(samples, np.zeros(4), 2, 0)
    with pytest.raises(ValueError, match="4 samples"):
        assign_folds(samples, np.arange(3), 2, 0)


@needs_shared
def test_whole_severstal_table_is_stratified() -> None:
    with TABLE.open() as file:
        present = [{index for index in range(4) if row[f"has_{index + 1}"] == "1"} for row in csv.DictReader(file)]
    samples = [sample(number, classes) for number, classes in enumerate(present)]
    assigned = assign_folds(samples, np.arange(len(samples)), 5, 0)
    assert np.ptp(np.bincount(assigned)) <= 15
    for index in range(4):
        of_class = np.bincount(assigned[[index in classes for classes in present]], minlength=5)
        assert np.ptp(of_class) <= 10
