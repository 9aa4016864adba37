"""What came later is held back: a line changes, and images of one week promise more of each other than of the next.

The images after a moment are neither trained on nor decided by. Whole moments are held back (a day is not cut in two), the
latest ones, until they make up the share that is asked for. An image after that moment whose group (twin, coil) began before
it is not judged either: its surface was trained on.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.natural_order import natural
from steelsight.dataset.groups import KnownGroups

LATER_SHARE = 0.25
"""Of the images that is held back, if nobody says otherwise."""

_OFFSET = re.compile(r"\d[T ]\d\d.*(?:Z|[+-]\d\d:?\d\d)$", re.ASCII | re.IGNORECASE)
_OUT_OF_ORDER = re.compile(
    r"(?<![\d.])\d{1,2}([./])\d{1,2}\1(?:\d{4}|\d{2})(?!\d|\.\d)"  # 28.10.2026, 10/28/26
    r"|(?<!\d)\d{1,2}-\d{1,2}-\d{4}(?!\d)"
    r"|\d:\d\d(?::\d\d)?\s*[ap]\.?m\b",  # 2:05 pm
    re.ASCII | re.IGNORECASE,
)
"""Times that are written so cannot be put in order by their numbers from the left to the right."""
_MONTH = re.compile(
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|m(?:ä|ae|a)?rz|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|sept?(?:ember)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)",
    re.IGNORECASE,
)
"""A word that stands for a month; those of other languages are known by a year behind them."""
_PARTS = re.compile(r"[0-9]+|[^\W\d_]+")
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_DAY_FIRST = re.compile(r"(?:0[1-9]|[12]\d|3[01]){2}(?:19|20)\d\d", re.ASCII)  # 28102026
_SHORT_YEAR = re.compile(r"\D*(\d{1,2})[-_\s]+(\d{1,2})[-_\s]+(\d\d)(?!\d)", re.ASCII)  # 28-10-26, or 26-10-28
_DECIMAL = re.compile(r"\d+(?:[.,](\d+))?", re.ASCII)


@dataclass(frozen=True, eq=False)
class SplitByTime:
    """Which images are which.

    Attributes:
        first: the moment with which the later ones begin, as it is written.
        earlier, later: bool (N,); images that are neither are later ones of an earlier group.
    """

    first: str
    earlier: NDArray[np.bool_]
    later: NDArray[np.bool_]


def split_by_time(known: KnownGroups, kind: str, groups: NDArray[np.int64], share: float) -> SplitByTime:
    """Hold back the later images.

    Args:
        known: the groups that the user knows, of every image.
        kind: the one of them that says when an image was taken: in an order in which numbers count by their value, as in
            2026-11-28 14:05, day 9 before day 10. Of times with an offset from UTC the moment counts.
        groups: int64 (N,), the joined groups of the images.
        share: of the images that is held back at least, in (0, 1).

    Raises:
        UserError: there is no such share or kind, an image has no time, times are written so that their numbers are not in
            order (28.10.2026), or may not be (12.25 beside 12.5), or nothing would be left on one side.

    >>> coils = np.array([0, 0, 1, 1, 2])
    >>> split = split_by_time({"day": ["1", "2", "2", "10", "10"]}, "day", coils, 0.3)
    >>> split.first, split.earlier.tolist(), split.later.tolist()
    ('10', [True, True, True, False, False], [False, False, False, False, True])
    """
    if not 0 < share < 1:
        raise UserError(
            f"`later={share:g}`: nothing would be left on one side; give a share between 0 and 1, such as {LATER_SHARE}"
        )
    if kind not in known:
        raise UserError(
            f"`split_by_time={kind}`: `groups=` knows {', '.join(known) or 'nothing'}; name what says when an image was taken"
        )
    times = known[kind]
    if "" in times:
        raise UserError(
            f"`split_by_time={kind}`: {times.count('')} of {len(times)} images have no {kind}; give each one"
        )
    order = _order(kind, times)
    moments = sorted(set(times), key=lambda time: order[time])
    place = {moment: index for index, moment in enumerate(moments)}
    at = np.array([place[time] for time in times], np.int64)
    behind = len(times) - np.cumsum(np.bincount(at))  # images after each moment
    enough = np.flatnonzero(behind >= share * len(times))
    if not enough.size:
        raise UserError(
            f"`split_by_time={kind}`: {_how_many(moments, kind)}, and nothing would be left to train on; ask for a smaller "
            "share by `later=`, or give times that tell more images apart"
        )
    cut = int(enough[-1])
    earlier = at <= cut
    later = ~earlier & ~np.isin(groups, groups[earlier])
    if not later.any():
        raise UserError(
            f"`split_by_time={kind}`: every image from {moments[cut + 1]} on is a twin or of the group of an earlier one, "
            "and nothing is left to judge; ask for a larger share by `later=`"
        )
    return SplitByTime(moments[cut + 1], earlier, later)


def _order(kind: str, times: Sequence[str]) -> dict[str, Any]:
    """What puts each time in its place."""
    different = dict.fromkeys(times)
    if odd := _out_of_order(list(different)):
        raise UserError(
            f"`split_by_time={kind}`: {odd!r} does not say which day comes later; write the year first, then month and day, "
            "such as 2026-10-28 14:05"
        )
    if _may_be_decimals(list(different)):
        fraction = next(time for time in different if not time.isdigit())
        raise UserError(
            f"`split_by_time={kind}`: {fraction!r} may be a decimal fraction, or two numbers and a point, which "
            "come in another order; give all as many digits behind the point"
        )
    with_offset = [time for time in different if _OFFSET.search(time)]
    if not with_offset:
        return {time: natural(time) for time in different}
    if lacking := next((time for time in different if time not in with_offset), None):
        raise UserError(
            f"`split_by_time={kind}`: {with_offset[0]!r} has an offset from UTC and {lacking!r} has none, so that nobody can "
            "tell which comes later; write all with one, or all without"
        )
    return {time: (_moment(kind, time), time) for time in different}


def _out_of_order(different: Sequence[str]) -> str | None:
    """A time whose numbers, from the left to the right, do not say which comes later; None where there is none."""
    parts = [_PARTS.findall(time) for time in different]
    for time, of_time in zip(different, parts, strict=True):
        if _OUT_OF_ORDER.search(time) or (len(of_time) > 1 and any(map(_MONTH.fullmatch, of_time))):
            return time
    alike = 0  # parts at the beginning that are the same in all: of one line, of one year
    while len({tuple(of_time[: alike + 1]) for of_time in parts}) == 1 and alike < len(parts[0]):
        alike += 1
    years = [_place_of_year(of_time) for of_time in parts]
    if all(year is not None and year > alike for year in years) or all(map(_DAY_FIRST.fullmatch, different)):
        return different[0]
    short = [
        (int(found[1]), int(found[2]), int(found[3]))
        for found in map(_SHORT_YEAR.match, different)
        if found is not None
    ]
    if len(short) == len(different) and _may_end_with_the_year(short):
        return different[0]
    return None


def _place_of_year(parts: Sequence[str]) -> int | None:
    return next((place for place, part in enumerate(parts) if _YEAR.fullmatch(part)), None)


def _may_end_with_the_year(numbers: Sequence[tuple[int, int, int]]) -> bool:
    """Whether three numbers of each time are rather a day, a month and a year than a year, a month and a day."""
    firsts, _, thirds = map(set, zip(*numbers, strict=True))
    if len(firsts) < max(2, len(thirds)):  # of which numbers there are fewer, these are the years; one orders nothing
        return False
    year_first = _days_between(numbers)
    year_last = min(
        _days_between([(year, month, day) for day, month, year in numbers]),
        _days_between([(year, month, day) for month, day, year in numbers]),
    )
    return math.isfinite(year_last) and year_last <= year_first  # images of a data set are taken close to each other


def _days_between(dates: Sequence[tuple[int, int, int]]) -> float:
    """Days from the first to the last of dates of year, month and day, about; infinite where one is no date."""
    if not all(1 <= month <= 12 and 1 <= day <= 31 for _, month, day in dates):
        return math.inf
    days = [(year * 12 + month) * 31 + day for year, month, day in dates]
    return max(days) - min(days)


def _may_be_decimals(different: Sequence[str]) -> bool:
    """Whether times are numbers that come in another order as decimal fractions: 12.25 before 12.5. With a 0 at the end, as
    in 1.10 beside 1.9, they are none."""
    found = [_DECIMAL.fullmatch(time) for time in different]
    if not all(found) or any((one[1] or "").endswith("0") for one in found if one):
        return False
    return sorted(different, key=natural) != sorted(different, key=lambda time: (Decimal(time.replace(",", ".")), time))


def _moment(kind: str, time: str) -> datetime:
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        raise UserError(
            f"`split_by_time={kind}`: {time!r} is no time with an offset from UTC; write it as 2026-10-28T14:05+01:00"
        ) from None


def _how_many(moments: Sequence[str], kind: str) -> str:
    return (
        f"all images have the {kind} {moments[0]}" if len(moments) == 1 else f"the images have {len(moments)} of {kind}"
    )
