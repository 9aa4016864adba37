"""An image as it comes in through a channel."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from steelsight.station.inspection import Arrival, Channel

_UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)  # and what turns the text's direction
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Incoming:
    """An image to be inspected.

    Attributes:
        name: as its sender gave it: shown, never used as a path.
        content: of the file.
        door: see `Channel`.
        arrival: of a watched file.
        at: when it came in, UTC.
        fault: why the file could not be read from the disk; it is then unreadable, whatever the content.
        is_last_try: of a watched file that cannot be read: whether that is logged. Else the future raises `ImageError`, as
            at the other doors, so that it can be tried again.
    """

    name: str
    content: bytes
    door: Channel
    arrival: Arrival | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    fault: str | None = None
    is_last_try: bool = True

    @property
    def shown_name(self) -> str:
        """The name without what no table or page can hold, at most 255 characters.

        >>> Incoming("a\\n\\udce4.jpg", b"", "http").shown_name
        'a��.jpg'
        """
        return _UNFIT.sub("\ufffd", self.name)[:_LONGEST]
