"""What a worker tells goes together: each parcel costs worker, node and driver some milliseconds, whatever is in it."""

import time
from collections.abc import Iterator

from steelsight.cluster.files_back import Message
from steelsight.cluster.shipped import CHUNK

_EVERY = 0.5  # seconds between two parcels, unless one is full


class Parcel:
    """Messages that wait to be sent, in order; images that were trained on are added up and come first."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._images, self._bytes, self._sent_at = 0, 0, time.monotonic()

    def count(self, images: int) -> None:
        """So many images were trained on."""
        self._images += images

    def add(self, message: Message) -> Iterator[list[Message]]:
        """Put a message in; what was in before is given out where it would grow beyond a chunk of a file."""
        content = message.get("content")
        size = 0 if content is None else content.nbytes
        if self._messages and self._bytes + size > CHUNK:
            yield self.take()
        self._messages.append(message)
        self._bytes += size

    def is_due(self) -> bool:
        """Whether something is in it, and has been for long enough."""
        return bool(self._messages or self._images) and time.monotonic() - self._sent_at >= _EVERY

    def take(self) -> list[Message]:
        """All that is in it, which then is empty."""
        counted: list[Message] = [{"images": self._images}] if self._images else []
        taken = counted + self._messages
        self._messages, self._images, self._bytes, self._sent_at = [], 0, 0, time.monotonic()
        return taken
