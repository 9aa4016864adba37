"""Names as people count: strip 9 before strip 10, and a day before the next one."""

import re

_NUMBER = re.compile(r"(\d+)")

Natural = tuple[tuple[int, int, str], ...]


def natural(name: str) -> Natural:
    """A key that sorts the numbers in names by their value.

    >>> sorted(["strip10.png", "strip9.png", "plate2.png"], key=natural)
    ['plate2.png', 'strip9.png', 'strip10.png']
    """
    parts = _NUMBER.split(name)
    # `\d` also matches digits of other scripts, which int() reads; the text decides between 7 and 07
    return tuple((0, int(part), part) if index % 2 else (1, 0, part) for index, part in enumerate(parts))
