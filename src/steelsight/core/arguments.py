"""Arguments that a program passes, looked at where they come in: a wrong one is told in one sentence, and never guessed at.

The command line keeps to the same rules by its options; what it cannot know is checked below both of them.
"""

from collections.abc import Collection, Iterable, Sequence
from math import isfinite
from numbers import Integral, Real
from os import PathLike

from steelsight.core.errors import UserError, nearest


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """See that a value is one of a few words.

    Raises:
        UserError: it is not.

    >>> check_choice("layout", "foo", ["severstal", "coco"])
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `layout=foo`: it must be one of: coco, severstal
    """
    words = list(choices)
    if not (isinstance(value, str) and value in words):
        raise UserError(f"`{name}={value}`: {nearest(str(value), words)}")


def check_whole(name: str, value: object, least: int, what: str, *, otherwise: str) -> None:
    """See that a value is a whole number of at least `least`.

    Args:
        what: what it counts.
        otherwise: what else may be given.

    Raises:
        UserError: it is not.

    >>> check_whole("threads", 0, 1, "threads of the processor", otherwise="None for all")
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `threads=0`: threads of the processor are a whole number from 1 on; give one, or None \
for all
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise UserError(f"`{name}={value}`: {what} are a whole number from {least} on; give one, or {otherwise}")


def check_length(name: str, value: object, what: str) -> None:
    """See that a value is a length: a number above 0 that is not infinite.

    Raises:
        UserError: it is not.

    >>> check_length("mm_per_pixel", float("nan"), "the size of a pixel")
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `mm_per_pixel=nan`: the size of a pixel is a number above 0; give it in mm, such as 0.5
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value) or value <= 0:
        raise UserError(f"`{name}={value}`: {what} is a number above 0; give it in mm, such as 0.5")


def check_size(name: str, value: object) -> None:
    """See that a value is (height, width) in pixels.

    Raises:
        UserError: it is not.

    >>> check_size("size", "64x320")
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `size=64x320`: no height and width in pixels; give two whole numbers from 1 on, as in \
(256, 1600)
    """
    sides = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    right = [isinstance(side, Integral) and not isinstance(side, bool) and int(side) > 0 for side in sides]
    if len(right) != 2 or not all(right):
        raise UserError(
            f"`{name}={value}`: no height and width in pixels; give two whole numbers from 1 on, as in (256, 1600)"
        )


def check_list(name: str, value: object) -> None:
    """See that a value is not one text or path where a list of them is meant: its letters would be taken one by one.

    Raises:
        UserError: it is.

    >>> check_list("ignore_class", "12")
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `ignore_class=12`: one text in place of a list, which would be taken letter by letter; \
give ['12']
    """
    if isinstance(value, str | bytes | PathLike):
        text = value if isinstance(value, bytes) else str(value)
        raise UserError(
            f"`{name}={value!s}`: one text in place of a list, which would be taken letter by letter; give [{text!r}]"
        )


def check_names(name: str, value: Iterable[object]) -> None:
    """See that a value is a list of names.

    Raises:
        UserError: it is one text, can be gone through but once, or not all that is in it are texts.

    >>> check_names("classes", ["1", 2])
    Traceback (most recent call last):
    steelsight.core.errors.UserError: `classes=2`: int in place of a name; names are texts: give '2'
    """
    check_list(name, value)
    if not isinstance(value, Collection):
        raise UserError(f"`{name}`: {type(value).__name__} in place of a list; give a list of names")
    wrong = [one for one in value if not isinstance(one, str)]
    if wrong:
        raise UserError(
            f"`{name}={wrong[0]}`: {type(wrong[0]).__name__} in place of a name; names are texts: give '{wrong[0]}'"
        )
