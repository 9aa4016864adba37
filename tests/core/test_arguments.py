"""What a program passes: right values are taken, wrong ones are told in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelsight.core.arguments import check_choice, check_length, check_list, check_names, check_size, check_whole
from steelsight.core.errors import UserError


def whole(value: object) -> None:
    check_whole("parallel", value, 1, "jobs side by side", otherwise="auto")


def choice(value: object) -> None:
    check_choice("device", value, ["auto", "cpu", "cuda"])


def length(value: object) -> None:
    check_length("mm_per_pixel", value, "the size of a pixel")


def size(value: object) -> None:
    check_size("size", value)


def listed(value: object) -> None:
    check_list("trust", value)


def test_what_can_be_gone_through_but_once_is_no_list_of_names() -> None:
    with pytest.raises(UserError, match="`classes`: generator in place of a list; give a list of names"):
        check_names("classes", (name for name in ["1"]))


def names(value: Any) -> None:
    check_names("classes", value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (whole, 1),
        (whole, np.int64(3)),
        (choice, "cpu"),
        (length, 1),
        (length, np.float32(0.5)),
        (size, (64, 320)),
        (size, [np.int64(64), 320]),
        (listed, []),
        (listed, ("a.pem", Path("b.pem"))),
        (listed, Path().glob("*.pem")),
        (names, ["1", "scratch"]),
    ],
)
def test_what_is_right_is_taken(check: Callable[[object], None], value: object) -> None:
    check(value)


@pytest.mark.parametrize(
    ("check", "value", "said"),
    [
        (whole, 0, "`parallel=0`: jobs side by side are a whole number from 1 on; give one, or auto"),
        (whole, -3, "`parallel=-3`:"),
        (whole, "2", "`parallel=2`:"),
        (whole, 1.5, "`parallel=1.5`:"),
        (whole, True, "`parallel=True`:"),
        (choice, "cda", "`device=cda`: did you mean 'cuda'?"),
        (choice, None, "`device=None`: it must be one of: auto, cpu, cuda"),
        (length, 0, "`mm_per_pixel=0`: the size of a pixel is a number above 0"),
        (length, float("inf"), "`mm_per_pixel=inf`:"),
        (length, "1", "`mm_per_pixel=1`:"),
        (size, "64x320", "`size=64x320`: no height and width"),
        (size, (0, 320), r"`size=\(0, 320\)`:"),
        (size, (-64, -320), "`size="),
        (size, (64,), "`size="),
        (size, (64, 320, 3), "`size="),
        (size, (64.0, 320.0), "`size="),
        (size, 64, "`size=64`:"),
        (listed, "x.pem", r"`trust=x\.pem`: one text in place of a list.*; give \['x\.pem'\]"),
        (listed, Path("x.pem"), r"give \['x\.pem'\]"),
        (listed, b"x.pem", "`trust="),
        (names, "12", r"give \['12'\]"),
        (names, [1, 2], "`classes=1`: int in place of a name; names are texts: give '1'"),
    ],
)
def test_what_is_wrong_is_told(check: Callable[[object], None], value: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check(value)
