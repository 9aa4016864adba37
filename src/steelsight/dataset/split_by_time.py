"""What came later is held back: a line changes, and images of one week promise more of each other than of the next.

The images after a moment are neither trained on nor decided by. Whole moments are held back (a day is not cut in two), the
latest ones, until they make up the share that is asked for. An image after that moment whose group (twin, coil) began before
it is not judged either: its surface was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.natural_order import natural
from steelsight.dataset.groups import KnownGroups

LATER_SHARE = 0.25
"""Of the images that is held back, if nobody says otherwise."""


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
            2026-11-28 14:05, day 9 before day 10.
        groups: int64 (N,), the joined groups of the images.
        share: of the images that is held back at least, in (0, 1).

    Raises:
        UserError: there is no such share or kind, an image has no time, or nothing would be left on one side.

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
    moments = sorted(set(times), key=natural)
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


def _how_many(moments: Sequence[str], kind: str) -> str:
    return (
        f"all images have the {kind} {moments[0]}" if len(moments) == 1 else f"the images have {len(moments)} of {kind}"
    )
