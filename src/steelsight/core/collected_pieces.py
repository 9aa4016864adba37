"""A file that is sent while it is written, so that it lies nowhere as a whole."""


class CollectedPieces:
    """A file to write to, from which what was written is taken piece by piece."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = 0

    def write(self, part: bytes) -> int:
        """Take a part."""
        self.parts.append(bytes(part))
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        """How many bytes were written."""
        return self._at

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """What was written can still be taken."""

    def take(self) -> bytes:
        """What was written since."""
        parts, self.parts = self.parts, []
        return b"".join(parts)
