"""Order of arrival: first seen first, then the older file, then names as people count."""

from steelsight.core.natural_order import Natural, natural
from steelsight.station.watch.scan import Entry


def arrival_key(seen: int, entry: Entry) -> tuple[int, int, Natural]:
    """A key that sorts files by their arrival.

    Args:
        seen: number of the scan that saw the file first.
    """
    return seen, entry.modified_ns, natural(entry.name)
