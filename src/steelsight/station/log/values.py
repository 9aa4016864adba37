"""Values as every database can keep them: times as whole microseconds, texts without what is no text, names as bytes."""

import hashlib
from datetime import UTC, datetime, timedelta

from steelsight.station.inspection import Arrival

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Microseconds since 1970 of a time, which is UTC where it has no zone.

    >>> to_microseconds(datetime(1970, 1, 1, 0, 0, 1, 5))
    1000005
    """
    return (utc(at) - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The time, in UTC, of so many microseconds since 1970."""
    return _EPOCH + count * _MICROSECOND


def utc(at: datetime) -> datetime:
    """The same time in UTC; one without a zone is taken for UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def written(text: str) -> str:
    r"""A text as the log keeps it: what is not Unicode, and the NUL that PostgreSQL refuses, as escapes.

    >>> print(written("a\udcff\0"))
    a\udcff\x00
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def to_bytes(path: str) -> bytes:
    """A file's name or path as bytes, from which `from_bytes` gives exactly the same, be it text or not."""
    return path.encode("utf-8", "surrogatepass")


def from_bytes(path: bytes) -> str:
    """What `to_bytes` was given."""
    return path.decode("utf-8", "surrogatepass")


def arrival_key(arrival: Arrival) -> bytes:
    """32 bytes that stand for all that an arrival is."""
    return _key(arrival.folder, arrival.name, str(arrival.size), str(arrival.modified_ns), arrival.sha256)


def file_key(folder: str, name: str) -> bytes:
    """32 bytes that stand for a file of a watched folder, whatever its content at a time."""
    return _key(folder, name)


def _key(*parts: str) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        encoded = to_bytes(part)
        digest.update(len(encoded).to_bytes(8) + encoded)
    return digest.digest()
