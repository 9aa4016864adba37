"""What came later is held back: whole moments, without images of earlier groups; and what cannot be split is refused."""

from contextlib import suppress
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.split_by_time import split_by_time


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=2, max_size=40),
    st.sampled_from([0.1, 0.25, 0.5]),
)
def test_no_moment_is_cut_in_two_and_no_group_is_on_both_sides(images: list[tuple[int, int]], share: float) -> None:
    days = [str(date(2026, 9, 20) + timedelta(days=day)) for day, _ in images]
    groups = np.array([group for _, group in images])
    assume(len(set(days)) > 1)
    with suppress(UserError):  # all of one day, or of groups that began before
        held_apart(days, groups, share)


def held_apart(days: list[str], groups: NDArray[np.int64], share: float) -> None:
    split = split_by_time({"day": days}, "day", groups, share)
    assert split.earlier.any()
    assert split.later.any()
    assert not (split.earlier & split.later).any()
    assert not set(groups[split.earlier]) & set(groups[split.later])
    assert all((day < split.first) == earlier for day, earlier in zip(days, split.earlier.tolist(), strict=True))
    assert (~split.earlier).sum() >= share * len(days)
    # with one moment more on the earlier side, less than the share would be held back
    assert sum(day > split.first for day in days) < share * len(days)


def test_numbers_count_by_their_value() -> None:
    split = split_by_time({"shift": ["shift 9", "shift 10", "shift 8"]}, "shift", np.arange(3), 0.3)
    assert (split.first, split.later.tolist()) == ("shift 10", [False, True, False])


@pytest.mark.parametrize(
    ("known", "groups", "said"),
    [
        ({"coil": ["a", "b"]}, [0, 1], "`groups=` knows coil; name what says when"),
        ({"day": ["1", ""]}, [0, 1], "1 of 2 images have no day"),
        ({"day": ["1", "1"]}, [0, 1], "all images have the day 1"),
        ({"day": ["1", "2"]}, [0, 0], "every image from 2 on is a twin or of the group of an earlier one"),
    ],
)
def test_what_cannot_be_split_is_refused(known: dict[str, list[str]], groups: list[int], said: str) -> None:
    with pytest.raises(UserError, match=said):
        split_by_time(known, "day", np.array(groups), 0.25)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UserError, match="give a share between 0 and 1"):
        split_by_time({"day": ["1", "2"]}, "day", np.arange(2), share)


@pytest.mark.parametrize(
    ("days", "named"),
    [
        (["28.10.2026", "01.12.2026"], "28.10.2026"),
        (["10/28/2026", "1/2/2027"], "10/28/2026"),
        (["28.10.26 14:05", "01.12.26 02:10"], "28.10.26 14:05"),
        (["28-10-2026", "01-12-2026"], "28-10-2026"),
        (["28 Oct 2026", "1 Dec 2026"], "28 Oct 2026"),
        (["28_10_2026", "01_11_2026"], "28_10_2026"),
        (["28. Okt 2026", "01. Dez 2026"], "28. Okt 2026"),
        (["28.Okt.2026", "01.Dez.2026"], "28.Okt.2026"),
        (["28OCT2026", "01NOV2026"], "28OCT2026"),
        (["28 10 2026", "01 11 2026"], "28 10 2026"),
        (["28-10-26", "01-11-26"], "28-10-26"),
        (["28-10-26 14:05", "01-11-26 02:10"], "28-10-26 14:05"),
        (["28102026", "01112026"], "28102026"),
        (["28 octobre 2026", "1 décembre 2026"], "28 octobre 2026"),
        (["28. März", "1. April"], "28. März"),
        (["2026-Nov-28", "2026-Oct-01"], "2026-Nov-28"),
        (["14:05 2026-10-28", "02:10 2026-11-01"], "14:05 2026-10-28"),
        (["line 1 28_10_2026", "line 1 28_01_2027"], "line 1 28_10_2026"),
        (["week 44 of 2026", "week 2 of 2027"], "week 44 of 2026"),
        (["2026-10-28 11:05 am", "2026-10-28 2:05 pm"], "2026-10-28 11:05 am"),
        (["10-28-26", "01-02-27"], "10-28-26"),  # no month 28
        (["28-12-26", "02-01-27"], "28-12-26"),
    ],
)
def test_a_day_whose_numbers_are_not_in_order_is_refused(days: list[str], named: str) -> None:
    with pytest.raises(UserError, match=f"'{named}' does not say which day comes later; write the year first"):
        split_by_time({"day": days}, "day", np.arange(2), 0.5)


def test_what_may_be_a_decimal_fraction_is_refused() -> None:
    with pytest.raises(UserError, match=r"'12\.5' may be a decimal fraction"):
        split_by_time({"hour": ["12", "12.5", "12.25"]}, "hour", np.arange(3), 0.3)


@pytest.mark.parametrize(
    "times",
    [
        ["2026.10.9", "2026.10.28"],
        ["2026/9/28", "2026/10/1"],
        ["1.9", "1.10"],
        ["12.25", "12.50"],
        ["12.25", "13.5"],
        ["2026-10-28 1905", "2026-11-01 2010"],  # no years
        ["20261028", "20261101"],
        ["line 1 2026-10-28", "line 1 2026-11-01"],
        ["26-10-28", "26-11-01"],
        ["mark 9", "mark 10"],
        ["coil 12-03-07", "coil 12-03-08"],
        ["14:05:33", "14:06:01"],
        ["1999", "2000"],
        ["0002026", "0002027"],
        ["2026-W44", "2026-W45"],
        ["early", "late"],
        ["26-10-28 14:05", "26-10-28 15:10"],
        ["26_10_28_140501", "26_10_28_140502"],
        ["26-10-01", "26-11-01", "26-12-01"],
        ["cam 1 26-10-28", "cam 1 26-10-29", "cam 1 26-10-30"],
        ["1_5_20_001", "1_5_20_002"],
        ["25-12-31", "26-01-31", "26-02-28"],  # or three years of days of which two are one behind the other
        ["12-31-05", "13-01-04"],  # coils: no reading makes days of both
    ],
)
def test_what_is_in_order_is_taken(times: list[str]) -> None:
    split = split_by_time({"day": times}, "day", np.arange(len(times)), 0.5)
    assert (split.first, split.later.tolist()) == (times[1], [place > 0 for place in range(len(times))])


def test_an_offset_from_utc_counts() -> None:
    times = ["2026-10-25T09:00+01:00", "2026-10-25T08:30+00:00", "2026-10-25T08:10Z"]
    split = split_by_time({"at": times}, "at", np.arange(3), 0.3)
    assert split.first == times[1]
    assert split.earlier.tolist() == [True, False, True]
    with pytest.raises(UserError, match="has an offset from UTC and '2026-10-25 10:00' has none"):
        split_by_time({"at": [*times, "2026-10-25 10:00"]}, "at", np.arange(4), 0.3)
    with pytest.raises(UserError, match="is no time with an offset from UTC"):
        split_by_time({"at": [times[0], "2026-10-25 25:00+01:00"]}, "at", np.arange(2), 0.5)
