"""Order of arrival: first seen first, then the older file, then names as people count."""

import re

from steelsight.station.watch.scan import Entry

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


def arrival_key(seen: int, entry: Entry) -> tuple[int, int, Natural]:
    """A key that sorts files by their arrival.

    Args:
        seen: number of the scan that saw the file first.
    """
    return seen, entry.modified_ns, natural(entry.name)
