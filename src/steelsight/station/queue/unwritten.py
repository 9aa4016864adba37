"""Images that were accepted and are not in the log, for the sentence that a stop ends with."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_NAMED = 3


@dataclass
class Unwritten:
    """How many images, and the names of the first few.

    >>> some = Unwritten()
    >>> some.add(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    >>> str(some)
    '4 images (a.jpg, b.jpg, c.jpg and 1 more)'
    """

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, names: Iterable[str]) -> None:
        """Further images."""
        every = list(names)
        self.count += len(every)
        self.names += every[: _NAMED - len(self.names)]

    def __str__(self) -> str:
        more = self.count - len(self.names)
        named = ", ".join(self.names) + (f" and {more} more" if more else "")
        return f"{self.count} image{'s' if self.count != 1 else ''} ({named})"
