"""Numbers in sentences: with so few digits that they can be read, and so many that the sentence is true."""

from math import ceil, floor, log10

_MOST = 17  # a double holds no more
_LEAST = 1e-6  # a smaller share is shown as this


def apart(*values: float, least: int = 2) -> list[str]:
    """Decimals, as many for all, with which different values look different and so stand in their order.

    Args:
        least: digits after the point.

    >>> apart(0.31, 0.04, 0.72)
    ['0.31', '0.04', '0.72']
    >>> apart(0.04001, 0.04)
    ['0.04001', '0.04000']
    """
    for digits in range(least, _MOST):
        texts = [f"{value:.{digits}f}" for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [repr(value) for value in values]


def at_most(share: float, limit: float | None = None) -> str:
    """A share as a percentage of two digits, rounded up, so that "at most" it is true.

    Args:
        limit: rounding does not lift the share above it.

    >>> at_most(0.0431), at_most(0.0496, 0.0499), at_most(0.1801), at_most(1.0), at_most(0.0)
    ('4.4 %', '4.99 %', '19 %', '100 %', '0 %')
    """
    if share <= 0:
        return "0 %"
    percentage = 100 * max(share, _LEAST)
    digits = max(0, 1 - floor(log10(percentage)))
    up = ceil(round(percentage * 10**digits, 10)) / 10**digits  # what is off in the 15th digit is not rounded up
    if limit is not None and share <= limit:
        up = min(up, 100 * limit)
    return f"{min(up, 100.0):.10g} %"


def percent(share: float) -> str:
    """A share as it was stated, as a percentage.

    >>> percent(0.07), percent(0.125)
    ('7 %', '12.5 %')
    """
    return f"{100 * share:.6g} %"


def about(share: float) -> str:
    """An estimate of a share as a percentage of two digits.

    >>> about(0.7877), about(0.0312), about(0.0004), about(0.996), about(0.0)
    ('79 %', '3.1 %', '0.04 %', '100 %', '0 %')
    """
    return f"{float(f'{100 * share:.2g}'):.10g} %"
