"""What images cannot teach or test is said: no good image, a class without any, and what single folds lack."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from steelsight.dataset.cannot_teach import cannot_test, lacks, lacks_in_folds
from steelsight.dataset.model import UNKNOWN, Dataset, Sample
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


def test_what_an_inspector_cannot_be_judged_on_is_said_and_labels_count() -> None:
    good, first = _samples(set(), {0})
    said, unnamed = (replace(good, image_id=name, shown=shown) for name, shown in (("c", (1,)), ("d", (UNKNOWN,))))
    whole = Dataset(Path("data"), "coco", ("a", "b"), (good, first), (), without_masks=(said, unnamed))
    assert cannot_test(("a", "b"), whole) == ()
    (of_class,) = cannot_test(("a", "b"), replace(whole, without_masks=(unnamed,)))
    assert "No image is known to show class b" in of_class
    all_bad, of_both = cannot_test(("a", "b"), replace(whole, samples=(), without_masks=(unnamed,)))
    assert "no limit on overkill can be kept" in all_bad
    assert "any of the classes a, b" in of_both
    (none,) = cannot_test(("a", "b"), replace(whole, samples=(good,), without_masks=()))
    assert "no limit on escapes can be kept" in none
    assert cannot_test(("a",), replace(whole, samples=(), without_masks=())) == ()


def test_a_class_that_a_fold_lacks_is_said() -> None:
    samples = _samples(set(), {0}, {1}, set(), {0}, {1}, set(), {0}, set())
    folds, groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2]), np.arange(9)
    (said,) = lacks_in_folds(("a", "b"), samples, folds, groups)
    assert "No image with class b is in fold 2 (2 groups for 3 folds)" in said
    few = _samples(set(), {0}, {1}, set(), {0}, {0})
    (alone,) = lacks_in_folds(("a", "b"), few, np.array([0, 0, 0, 1, 1, 1]), groups[:6])
    assert "Only fold 0 has images with class b (1 group for 2 folds)" in alone
