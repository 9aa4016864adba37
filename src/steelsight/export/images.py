"""Which images an export is measured on: the run's own, or others that the user names."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from steelsight.cascade.sources import Source, find_sources, sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.run.record import Record
from steelsight.run.run import Run

_T = TypeVar("_T")


def spread(items: Sequence[_T], most: int) -> tuple[_T, ...]:
    """At most that many items, evenly spread over the sequence, in its order.

    >>> spread("abcdefg", 3)
    ('a', 'd', 'g')
    """
    if len(items) <= most:
        return tuple(items)
    return tuple(items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int).tolist())


def of_fold(record: Record, fold: int) -> tuple[Sample, ...]:
    """Samples of a fold: those that its networks did not see."""
    return tuple(record.samples[index] for index in np.flatnonzero(record.folds == fold).tolist())


def steering_and_judging(record: Record, fold: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Samples of a fold in two halves, so that what is chosen by one is judged by the other; see `in_second_half`.

    Where all are of one group they are parted image by image, and one image alone stands in both.
    """
    samples = of_fold(record, fold)
    second = in_second_half(record.groups[record.folds == fold].tolist())
    if not any(second):
        second = [place % 2 == 1 for place in range(len(samples))]
    judging = tuple(sample for sample, belongs in zip(samples, second, strict=True) if belongs)
    return tuple(sample for sample, belongs in zip(samples, second, strict=True) if not belongs), judging or samples


def in_second_half(groups: Sequence[int]) -> list[bool]:
    """Whether each image is of the second half, no group being in both: each group, as it first appears, is put where fewer
    images are. Where all groups have one image that is every second image.

    >>> in_second_half([0, 1, 2, 3])
    [False, True, False, True]
    >>> in_second_half([0, 0, 1, 2, 0])
    [False, False, True, True, False]
    """
    sizes = Counter(groups)
    images, second = [0, 0], dict[int, bool]()
    for group, size in sizes.items():
        second[group] = images[1] < images[0]
        images[second[group]] += size
    return [second[group] for group in groups]


def over_folds(record: Record, most: int) -> tuple[Sample, ...]:
    """At most that many samples, spread evenly over the folds and within each."""
    folds = np.unique(record.folds).tolist()
    shares = np.diff(np.linspace(0, most, len(folds) + 1).round().astype(int)).tolist()
    return tuple(
        sample for fold, share in zip(folds, shares, strict=True) for sample in spread(of_fold(record, fold), share)
    )


def are_there(record: Record) -> bool:
    """Whether every image of the run is still where its record says."""
    return all(sample.path.is_file() for sample in record.samples)


def require(run: Run, record: Record, why: str) -> None:
    """See that the run's images are where its record says.

    Raises:
        UserError: one is not.
    """
    missing = [sample.path for sample in record.samples if not sample.path.is_file()]
    if missing:
        raise UserError(
            f"{missing[0]}: not there, as are {len(missing)} of the {len(record.samples)} images of {run}, and {why}; "
            f"bring them back, or write in `root` of {run.dataset_file} where they are now"
        )


def images_for_parity(run: Run, record: Record, given: Sequence[str], most: int) -> tuple[Source, ...]:
    """The images on which torch and the export are compared: those given, or the run's own.

    Raises:
        UserError: nothing is where it should be.
    """
    if given:
        return find_sources(given)
    require(run, record, "without `images=` the export is compared with torch on them")
    return sources_of(over_folds(record, most))
