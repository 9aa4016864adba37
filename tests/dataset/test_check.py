"""What `data check` counts."""

from pathlib import Path

import numpy as np
import pytest
from helpers.data import SAMPLE

from steelsight.dataset.check import summarise
from steelsight.dataset.model import Dataset, Fault, Sample
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import Runs, parse_runs

FAULT = Fault("run-overlap", Path("train.csv"), 3, "x.jpg", "")


def _dataset(*areas: tuple[int, int]) -> Dataset:
    """One sample of 10 x 10 per pair of areas."""
    samples = tuple(
        Sample(f"{index}.jpg", Path(f"{index}.jpg"), (10, 10 + index // 3), tuple(_runs(area) for area in pair))
        for index, pair in enumerate(areas)
    )
    return Dataset(Path("data"), "severstal", ("1", "2"), samples, (FAULT, FAULT))


def _runs(area: int) -> Runs:
    return parse_runs(f"1 {area}", None) if area else Runs.empty()


def test_classes_sizes_and_faults_are_counted() -> None:
    summary = summarise(_dataset((0, 0), (10, 0), (30, 5), (50, 0)))
    assert (summary.images, summary.defect_free) == (4, 1)
    first, second = summary.classes
    assert (first.name, first.images, first.share) == ("1", 3, 0.75)
    assert first.areas == (10, 20, 30, 40, 50)
    assert (second.images, second.share, set(second.areas)) == (1, 0.25, {5})
    assert summary.classes_per_image == {0: 1, 1: 2, 2: 1}
    assert summary.sizes == (((10, 10), 3), ((10, 11), 1))
    assert summary.fault_kinds == {"run-overlap": 2}
    assert summary.twins is None


def test_twins_and_those_that_differ_are_counted() -> None:
    dataset = _dataset((1, 0), (2, 0), (0, 0), (0, 3), (0, 4), (9, 9))
    twins = summarise(dataset, np.array([0, 0, 1, 2, 2, 2])).twins
    assert twins is not None
    assert (twins.groups, twins.images, twins.largest) == (2, 5, 3)
    assert twins.differing == (("3.jpg", "4.jpg", "5.jpg"),)


@pytest.mark.parametrize("groups", [None, np.empty(0, np.int64)])
def test_a_dataset_without_a_usable_image_has_a_summary(groups: np.ndarray | None) -> None:
    summary = summarise(_dataset(), groups)
    assert (summary.images, summary.defect_free, summary.sizes) == (0, 0, ())
    assert [row.areas for row in summary.classes] == [(), ()]


def test_the_sample_is_counted() -> None:
    summary = summarise(read_dataset(SAMPLE, decode=False))
    assert (summary.images, summary.defect_free) == (66, 28)
    assert [row.images for row in summary.classes] == [9, 4, 23, 4]
    assert summary.classes_per_image == {0: 28, 1: 36, 2: 2}
    assert summary.sizes == (((256, 1600), 66),)
