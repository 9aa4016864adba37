"""Where to look in an image that does not pass, beside what was found: the strongest places of its maps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from steelsight.cascade.masks import CombinedMaps
from steelsight.imaging.regions import Region, RegionRuns, strength
from steelsight.imaging.rle import Runs
from steelsight.rule.rule import Rule

LEAST, OF_IMAGE = 4, 2048
"""A suspected region has at least this part (one fourth) of its class's minimum area, or this part (.05 %) of the image, if
that is less: single specks are not listed, and a rule that asks for a large area does not hide where to look."""

MOST = 5
"""Suspected regions of an image that are listed, the strongest ones."""

UNSEEN = 2
"""Levels up to this one show nothing: the outermost ones of 8 bit are as far as networks' log odds go, see
`steelsight.imaging.combine`, so that a combined map may have it everywhere."""

Places = dict[int, RegionRuns]
"""Regions by class."""


class Suspected(NamedTuple):
    """Where to look.

    Attributes:
        runs: of each class.
        regions: the connected ones of all classes, the strongest first.
        is_faint: whether nothing stands out, and this is but the strongest place of the maps.
    """

    runs: tuple[Runs, ...]
    regions: tuple[Region, ...]
    is_faint: bool = False


def suspect(maps: CombinedMaps, found: Sequence[Runs], rule: Rule) -> Suspected:
    """What lies above the lower threshold in the classes without a mask, whatever kept them from it: the gate, the upper
    threshold or the minimum area.

    A region counts that has `least_area` pixels and somewhere at least half of the greatest level of all that was found or
    counts; of these the `MOST` with the greatest sum of levels, which is how many of their pixels can be expected to be
    defective. Where nothing was found, and none counts, it is the strongest place of the maps: the region above half of
    their greatest level, around it.

    Args:
        found: the masks of all classes.
    """
    few = strongest_few(*_above_lower(maps, found, rule))
    if few or any(runs.area for runs in found):
        return _described(few, rule.classes)
    place = _strongest_place(maps)
    return _described(place, rule.classes, is_faint=bool(place))


def least_area(min_area: int, size: tuple[int, int]) -> int:
    """The pixels that a suspected region of an image of (height, width) has at least.

    >>> strip = (256, 1600)
    >>> least_area(48, strip), least_area(27, strip), least_area(1, strip), least_area(12_000, strip)
    (12, 7, 1, 200)
    """
    return max(1, min(-(-min_area // LEAST), size[0] * size[1] // OF_IMAGE))


def strongest_few(places: Mapping[int, RegionRuns], found: int) -> Places:
    """The `MOST` strongest regions, of those with at least half of the greatest level; of equally strong ones those of the
    first class, then those that begin further left, then above.

    Args:
        found: the greatest level of what was found.

    >>> map_ = np.array([[9, 9, 0, 4, 0, 5]], np.uint8)
    >>> [few] = strongest_few({2: RegionRuns.of_mask(map_ > 0, map_)}, 0).values()
    >>> few.sums.tolist()
    [9, 9, 5]
    """
    greatest = max([found, *(int(of_class.peaks.max(initial=0)) for of_class in places.values())])
    ranked = sorted(
        (-total, index, begin, number)
        for index, of_class in places.items()
        for number, (total, peak, begin) in enumerate(of_class.strengths())
        if 2 * peak >= greatest
    )[:MOST]
    return {
        index: of_class.only(np.isin(np.arange(of_class.areas.size), chosen))
        for index, of_class in places.items()
        if (chosen := [number for _, of, _, number in ranked if of == index])
    }


def _above_lower(maps: CombinedMaps, found: Sequence[Runs], rule: Rule) -> tuple[Places, int]:
    """All that is large enough in classes without a mask, and the greatest level of those with one."""
    places, greatest = Places(), 0
    for index in np.flatnonzero(maps.may_exceed(rule.lower)).tolist():
        columns = maps.above(index, rule.lower[index])
        if found[index].area:
            greatest = max(greatest, int(columns.levels.max(initial=0)))
        else:
            every = RegionRuns.of(columns, columns.levels > rule.lower[index])
            places[index] = every.only(every.areas >= least_area(rule.min_area[index], maps.size))
    return places, greatest


def _strongest_place(maps: CombinedMaps) -> Places:
    """Around the greatest level of all classes; none where it shows nothing."""
    index, greatest = maps.strongest()
    if greatest <= UNSEEN:
        return {}
    level = max(greatest // 2, UNSEEN)
    columns = maps.above(index, level)
    every = RegionRuns.of(columns, columns.levels > level)
    strengths = enumerate(every.strengths())
    *_, chosen = min((-total, begin, number) for number, (total, peak, begin) in strengths if peak == greatest)
    return {index: every.only(np.arange(every.areas.size) == chosen)}


def _described(places: Places, classes: int, *, is_faint: bool = False) -> Suspected:
    runs = tuple(places[index].runs() if index in places else Runs.empty() for index in range(classes))
    regions = [region for index in sorted(places) for region in places[index].describe(index)]
    return Suspected(runs, tuple(sorted(regions, key=strength, reverse=True)), is_faint)
