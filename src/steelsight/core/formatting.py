"""Numbers in sentences: with so few digits that they can be read, and so many that the sentence is true."""

from decimal import Decimal
from math import ceil, floor, isnan, log10

_MOST = 17  # a double holds no more
_CLOSE = 7  # so many digits are too many to tell a share from 0 or 1
_LEAST = 1e-6  # a smaller share is shown as this by `at_most`
_STATED = 6  # digits of a share that somebody stated
_OFF = 1e-12  # sums of many shares are off by less


def apart(*values: float, least: int = 2) -> list[str]:
    """Decimals, as many for all, with which different values look different and so stand in their order, and with which a
    share that is not quite 0 or 1 does not look as if it were.

    Args:
        least: digits after the point.

    >>> apart(0.31, 0.04, 0.72)
    ['0.31', '0.04', '0.72']
    >>> apart(0.04001, 0.04)
    ['0.04001', '0.04000']
    >>> apart(0.9968, 0.95), apart(0.003), apart(1.0, 0.95)
    (['0.997', '0.950'], ['0.003'], ['1.00', '0.95'])
    """
    for digits in range(least, _CLOSE):
        texts = [f"{value:.{digits}f}" for value in values]
        ends = any(float(text) in (0, 1) and value not in (0, 1) for text, value in zip(texts, values, strict=True))
        if len(set(texts)) == len(set(values)) and not ends:
            return texts
    for digits in range(least, _MOST):
        texts = [f"{value:.{digits}f}" for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [repr(value) for value in values]


def at_most(share: float, limit: float | None = None) -> str:
    """A share as a percentage of two digits, or of more by the rule of `percent`, rounded up, so that "at most" it is true.

    Args:
        limit: rounding does not lift the share above it.

    >>> at_most(0.0431), at_most(0.0496, 0.0499), at_most(0.1801), at_most(0.9951), at_most(1.0), at_most(0.0)
    ('4.4 %', '4.99 %', '19 %', '99.6 %', '100 %', '0 %')
    """
    if share <= 0:
        return "0 %"
    percentage = 100 * max(share, _LEAST)
    digits = max(0, 1 - floor(log10(percentage)))
    up = _up(percentage, digits)
    while not _is_true(f"{up}", share):
        digits += 1
        up = _up(percentage, digits)
    if limit is not None and share <= limit:
        up = min(up, 100 * limit)
    return f"{min(up, 100.0):.10g} %"


def _up(percentage: float, digits: int) -> float:
    unit = float(10**digits)
    return ceil(round(percentage * unit, 10)) / unit  # what is off in the 15th digit is not rounded up


def percent(share: float, digits: int | None = None) -> str:
    """A share as a percentage. 0 % is said of nothing and 100 % of all alone: a share that rounds to one of them gets more
    digits, up to those in which the computer itself may be off.

    Args:
        share: nan is a dash.
        digits: after the point. If left out, the share is one that somebody stated, and stands as it was.

    >>> percent(0.07), percent(0.125), percent(0.0123, 1), percent(0.5, 1), percent(float("nan"))
    ('7 %', '12.5 %', '1.2 %', '50.0 %', '–')
    >>> percent(0.996, 0), percent(0.0004, 1), percent(1.0, 1), percent(0.0, 2), percent(0.1 + 0.2)
    ('99.6 %', '0.04 %', '100.0 %', '0.00 %', '30 %')
    """
    if isnan(share):
        return "–"
    share = round(share) if abs(share - round(share)) < _OFF else share
    if digits is None:
        stated = f"{Decimal(f'{100 * share:.{_STATED}g}'):f}"
        return f"{stated} %" if _is_true(stated, share) else percent(share, _STATED - 2)
    return next(f"{text} %" for n in range(digits, digits + _MOST) if _is_true(text := f"{100 * share:.{n}f}", share))


def about(share: float) -> str:
    """An estimate of a share as a percentage of two digits, or of more by the rule of `percent`.

    >>> about(0.7877), about(0.0312), about(0.0004), about(0.03), about(0.996), about(0.0)
    ('79 %', '3.1 %', '0.04 %', '3 %', '99.6 %', '0 %')
    """
    return percent(float(f"{share:.2g}")) if _is_true(f"{100 * share:.2g}", share) else percent(share, 0)


def _is_true(percentage: str, share: float) -> bool:
    """Whether it is neither 0 nor 100 unless the share is, but for what is off in its last digits."""
    return float(percentage) not in (0, 100) or abs(share - round(share)) < _OFF
