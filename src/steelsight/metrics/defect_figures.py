"""What marks are worth in whole defects: the share found and the false alarms, by class and by area."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.defects import Defects
from steelsight.metrics.intervals import Interval, bootstrap_ratios, without_spread


@dataclass(frozen=True)
class DefectCounts:
    """Counts of connected defects; a share of none is nan.

    Attributes:
        annotated: annotated defects.
        found: of these, with any pixel marked as their class; `half_found` with at least half of their pixels.
        marked: marked regions.
        false_alarms: of these, that touch no annotated defect of their class.
        images: on which all of this was counted.
        metres: of strip that these images show; None where the size of a pixel is not known.
    """

    annotated: int
    found: int
    half_found: int
    marked: int
    false_alarms: int
    images: int
    metres: float | None

    @property
    def found_share(self) -> float:
        return self.found / self.annotated if self.annotated else math.nan

    @property
    def half_found_share(self) -> float:
        return self.half_found / self.annotated if self.annotated else math.nan

    @property
    def false_alarms_per_image(self) -> float:
        return self.false_alarms / self.images

    @property
    def false_alarms_per_metre(self) -> float | None:
        return None if self.metres is None else self.false_alarms / self.metres

    def as_dict(self) -> dict[str, Any]:
        """Counts and rates for JSON; None where a rate is nan."""
        shares = {"found_share": self.found_share, "half_found_share": self.half_found_share}
        return {
            "annotated": self.annotated,
            "found": self.found,
            "half_found": self.half_found,
            **{name: None if math.isnan(value) else value for name, value in shares.items()},
            "marked": self.marked,
            "false_alarms": self.false_alarms,
            "false_alarms_per_image": self.false_alarms_per_image,
            "false_alarms_per_metre": self.false_alarms_per_metre,
        }


@dataclass(frozen=True)
class AreaCounts:
    """The counts of one decade of areas: from `least` pixels to `most`, both included."""

    least: int
    most: int
    all: DefectCounts
    per_class: tuple[DefectCounts, ...]

    def as_dict(self) -> dict[str, Any]:
        of = {"least": self.least, "most": self.most, **self.all.as_dict()}
        return {**of, "per_class": [one.as_dict() for one in self.per_class]}


@dataclass(frozen=True)
class DefectFigures:
    """Connected defects over all classes, by class, and by decade of area (annotated defects and false alarms each by their
    own), from the smallest that occurs to the largest."""

    all: DefectCounts
    per_class: tuple[DefectCounts, ...]
    by_area: tuple[AreaCounts, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and lists for JSON."""
        return {
            **self.all.as_dict(),
            "metres": self.all.metres,
            "per_class": [one.as_dict() for one in self.per_class],
            "by_area": [one.as_dict() for one in self.by_area],
        }


@dataclass(frozen=True)
class DefectIntervals:
    """95 % intervals over draws of groups.

    Draws of a sample in which all or none were found say nothing of how sure that is: `found` and `half_found` are then
    Clopper and Pearson's of as many groups as have a defect, and nan where fewer than two have one.
    `false_alarms_per_image` is nan where there is none.
    """

    found: Interval
    half_found: Interval
    false_alarms_per_image: Interval


def defect_figures(defects: Defects, images: int, classes: int, metres: float | None = None) -> DefectFigures:
    """Sum up the defects of `images` images, at least 1.

    Args:
        metres: of strip that the images show together.

    >>> rows = np.array([[0, 0, 90, 50], [1, 0, 900, 0]])
    >>> figures = defect_figures(Defects(rows, np.array([[1, 0, 7, 0]])), images=2, classes=1)
    >>> figures.all.found_share, figures.all.false_alarms_per_image, [one.least for one in figures.by_area]
    (0.5, 0.5, [1, 10, 100])
    """

    def counts(annotated: NDArray[np.bool_], marked: NDArray[np.bool_]) -> DefectCounts:
        return DefectCounts(
            annotated=int(annotated.sum()),
            found=int((annotated & defects.found).sum()),
            half_found=int((annotated & defects.half_found).sum()),
            marked=int(marked.sum()),
            false_alarms=int((marked & defects.false).sum()),
            images=images,
            metres=metres,
        )

    def per_class(annotated: NDArray[np.bool_], marked: NDArray[np.bool_]) -> tuple[DefectCounts, ...]:
        return tuple(
            counts(annotated & (defects.annotated[:, 1] == place), marked & (defects.marked[:, 1] == place))
            for place in range(classes)
        )

    true, said = (np.ones(len(rows), np.bool_) for rows in (defects.annotated, defects.marked))
    decade_true, decade_said = (decade_of(rows[:, 2]) for rows in (defects.annotated, defects.marked))
    seen = np.concatenate([decade_true, decade_said])
    by_area = []
    for decade in range(int(seen.min()), int(seen.max()) + 1) if seen.size else ():
        chosen = decade_true == decade, decade_said == decade
        by_area.append(AreaCounts(10**decade, 10 ** (decade + 1) - 1, counts(*chosen), per_class(*chosen)))
    return DefectFigures(counts(true, said), per_class(true, said), tuple(by_area))


def defect_intervals(
    defects: Defects, groups: NDArray[np.integer[Any]], classes: int
) -> tuple[DefectIntervals, tuple[DefectIntervals, ...]]:
    """How far the figures may be off, over all classes and by class, from the bootstrap over twin groups.

    Args:
        groups: int (images,), the group of each image.
    """
    images = len(groups)
    columns, places = [], (None, *range(classes))
    for place in places:
        true, said = (
            np.ones(len(rows), np.bool_) if place is None else rows[:, 1] == place
            for rows in (defects.annotated, defects.marked)
        )
        columns += [
            _per_image(defects.annotated, true & defects.found, images),
            _per_image(defects.annotated, true & defects.half_found, images),
            _per_image(defects.marked, said & defects.false, images),
            _per_image(defects.annotated, true, images),
        ]
    parts = np.stack(columns, axis=1).reshape(images, len(places), 4)
    annotated, one = parts[:, :, 3], np.ones((images, len(places)), np.int64)
    wholes = np.stack([annotated, annotated, one], axis=2)
    drawn = bootstrap_ratios(parts[:, :, :3].reshape(images, -1), wholes.reshape(images, -1), groups)
    found = []
    for number in range(len(places)):
        any_part, half_part, false = (parts[:, number, column] for column in range(3))
        any_found, half_found, rate = drawn[3 * number : 3 * number + 3]
        found.append(
            DefectIntervals(
                without_spread(any_part, annotated[:, number], groups) or any_found,
                without_spread(half_part, annotated[:, number], groups) or half_found,
                rate if false.any() else Interval(math.nan, math.nan),
            )
        )
    return found[0], tuple(found[1:])


def _per_image(rows: NDArray[np.int64], chosen: NDArray[np.bool_], images: int) -> NDArray[np.int64]:
    return np.bincount(rows[chosen, 0], minlength=images)


def decade_of(areas: NDArray[np.int64]) -> NDArray[np.int64]:
    """The power of ten below each area: 0 for 1 to 9 pixels, 1 for 10 to 99, and so on; int64.

    >>> decade_of(np.array([1, 9, 10, 999, 1000])).tolist()
    [0, 0, 1, 2, 3]
    """
    powers = 10 ** np.arange(1, 19, dtype=np.int64)  # a logarithm may fall just short of a whole number
    return np.searchsorted(powers, areas, side="right").astype(np.int64)


def metres_of(widths: Sequence[int] | NDArray[np.int64], mm_per_pixel: float | None) -> float | None:
    """Metres of strip that images show, which runs along their width; None without the size of a pixel.

    >>> metres_of([1600, 1600], 0.5)
    1.6
    """
    return None if mm_per_pixel is None else float(np.sum(widths)) * mm_per_pixel / 1000
