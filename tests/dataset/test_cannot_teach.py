"""What images cannot teach or test is said: no good image, a class without any, and what single folds lack."""

from pathlib import Path

import numpy as np

from steelsight.dataset.cannot_teach import lacks, lacks_in_folds
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs, parse_runs


def _samples(*shown: set[int]) -> list[Sample]:
    some = parse_runs("1 4", None)
    return [
        Sample(f"{n}.jpg", Path(f"{n}.jpg"), (4, 4), tuple(some if c in of else Runs.empty() for c in range(2)))
        for n, of in enumerate(shown)
    ]


def test_no_good_image_and_a_class_without_any_are_said() -> None:
    assert lacks(("a", "b"), _samples(set(), {0}, {1})) == ()
    first, second = lacks(("a", "b"), _samples({0}, {0}))
    assert "Every image shows a defect" in first
    assert "No image shows class b" in second
    assert "its 2 pairs" in second
    assert lacks(("a",), []) == ()


def test_a_class_that_a_fold_lacks_is_said() -> None:
    samples = _samples(set(), {0}, {1}, set(), {0}, {1}, set(), {0}, set())
    folds, groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2]), np.arange(9)
    (said,) = lacks_in_folds(("a", "b"), samples, folds, groups)
    assert "No image with class b is in fold 2 (2 surfaces for 3 folds)" in said
    few = _samples(set(), {0}, {1}, set(), {0}, {0})
    (alone,) = lacks_in_folds(("a", "b"), few, np.array([0, 0, 0, 1, 1, 1]), groups[:6])
    assert "Only fold 0 has images with class b (1 surface for 2 folds)" in alone
