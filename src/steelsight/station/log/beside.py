"""Another log in a data folder: which of the images there it names, so that retention leaves them to it.

It is read, of whatever schema it is, and nothing else: it is not moved forward, and no journal is left beside it. SQLite
would lay a write-ahead log beside one that is only read, and never take it away: so a log at rest, to which no journal
belongs, is read as a file that nobody changes, without a lock, and not believed if somebody did. Where a write-ahead log lies
there, it may hold entries: then the log is read as any reader does beside a station at work, and the index of that journal,
`-shm`, is made if it is missing.
"""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from steelsight.station.log.patience import WRITE_SECONDS
from steelsight.station.log.tables import VERSION_TABLE

_AT_ONCE = 500
"""Images that one question asks for: it is short, and does not keep a writer waiting."""
_PATIENCE = WRITE_SECONDS
_JOURNALS = ("-wal", "-journal")

_State = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of a log and its journals; None of one that is empty or not there."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Another log in a data folder.

    Attributes:
        named: of the images there, those that one of its entries says are stored, and those that it was told a review of.
        unread: why it cannot be read, so that any image may be its; empty where it was.
    """

    named: frozenset[str] = frozenset()
    unread: str = ""

    def may_name(self, image: str) -> bool:
        """Whether an image, by its SHA-256, is to stay for that log."""
        return bool(self.unread) or image in self.named


def read_beside(path: Path, images: Collection[str]) -> Beside:
    """Ask a log in SQLite which of these images it names."""
    try:
        return Beside(frozenset(_read(path.resolve(strict=True), images)))
    except (sqlite3.Error, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        return Beside(unread=" ".join((said or str(error)).split()))
    except UnicodeError:  # so does SQLite's own word on a damaged schema, which quotes it
        return Beside(unread="it holds text that is no UTF-8")


def _read(path: Path, images: Collection[str]) -> set[str]:
    # any file may lie among the images: no log names one without a SHA-256, and not all names can be asked for
    every = [image for image in images if image.isascii()]
    named = set[str]()
    before = _state(path)
    is_at_rest = not any(before[1:])
    uri = f"{path.as_uri()}?mode=ro{'&immutable=1' if is_at_rest else ''}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        _require_log(connection)
        for start in range(0, len(every), _AT_ONCE):
            some = every[start : start + _AT_ONCE]
            asked = (
                f"SELECT DISTINCT sha256 FROM inspections WHERE sha256 IN ({', '.join('?' * len(some))}) "
                "AND (has_image OR has_maps OR review_version <> 0)"
            )
            named.update(image for (image,) in connection.execute(asked, some))
    if is_at_rest and _state(path) != before:
        raise sqlite3.OperationalError("another program writes it at this moment")
    return named


def _state(path: Path) -> _State:
    """What changes when a log is written to. It is not opened for that: a file that is closed drops SQLite's locks on it."""

    def of(file: Path) -> tuple[int, int, int] | None:
        try:
            found = file.stat()
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None

    return (of(path), *(of(path.with_name(path.name + suffix)) for suffix in _JOURNALS))


def _require_log(connection: sqlite3.Connection) -> None:
    asked = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN (?, ?) AND sql LIKE 'CREATE TABLE%'"
    (count,) = connection.execute(asked, ("inspections", VERSION_TABLE)).fetchone()
    if count != 2:
        raise sqlite3.DatabaseError("it is no log of steelsight")
