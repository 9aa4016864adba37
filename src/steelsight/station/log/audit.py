"""The audit trail: who did what, as a chain in which each entry carries the SHA-256 of the one before.

To change, leave out or move an entry, all that follow must be computed anew, and the hash of the last one becomes another.
What a chain cannot show by itself is that its end was cut off, or that all of it was computed anew: for that the last hash
is kept elsewhere, see `steelsight.station.log.verify`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Connection, Row, insert, select, text

from steelsight.station.inspection import Review
from steelsight.station.log.connect import damaged_content
from steelsight.station.log.rows import REVIEW, to_review
from steelsight.station.log.tables import log_audit, reviews
from steelsight.station.log.values import from_microseconds, to_microseconds, written

NOTHING = "0" * 64
"""What the first entry carries in place of a hash."""
_LOCK_NUMBER = 7_358_031_148
"""Of PostgreSQL's advisory lock; any number that no one else uses."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something.

    Attributes:
        name: of the token; empty where there are no names.
        role: of the token, or `shell` of one who works with the files of the station.
        station: its name.
    """

    name: str = ""
    role: str = ""
    station: str = ""


NOBODY = Actor()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry.

    Attributes:
        number: from 1, without a gap.
        at: microseconds since 1970, UTC.
        station, who, role: see `Actor`.
        kind: `begin`, `inspector`, `tokens`, `review`, `export`, `prune` or `adopt`.
        content: what was done, as JSON.
        previous: hash of the entry before.
        hash: of this one.
    """

    number: int
    at: int
    station: str
    who: str
    role: str
    kind: str
    content: str
    previous: str
    hash: str

    @property
    def computed(self) -> str:
        """The hash that it must have: SHA-256 of all else of it, as a list in JSON without spaces, in UTF-8."""
        told = [self.number, self.at, self.station, self.who, self.role, self.kind, self.content, self.previous]
        return hashlib.sha256(_json(told).encode()).hexdigest()

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """An entry from a row of the table."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """For a line of JSON: the time in ISO 8601 as well, the content as it was hashed."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**told, "time": from_microseconds(self.at).isoformat()}


def append(connection: Connection, kind: str, content: Mapping[str, Any], actor: Actor = NOBODY) -> AuditEntry:
    """Add an entry, in a transaction that writes: it stands if all of that stands.

    Other transactions that add one wait until this one ends, so that all make one chain.

    Raises:
        UserError: see `begin`.
    """
    last = begin(connection)
    with damaged_content(connection.engine.url):
        return _append(connection, last, kind, content, actor)


def begin(connection: Connection) -> AuditEntry:
    """Keep others from adding entries until the transaction ends; gives the last entry, and makes the first.

    The first one says what reviews the log had before: from then on these cannot be changed unseen either.

    Raises:
        UserError: the last entry, or a review of before, holds what no station writes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
    with damaged_content(connection.engine.url):
        last = last_entry(connection)
        if last is not None:
            return last
        count, digest = 0, hashlib.sha256()
        for _, _, of_review in review_digests(connection):
            count += 1
            digest.update(of_review.encode())
        return _append(connection, None, "begin", {"reviews": count, "sha256": digest.hexdigest()}, NOBODY)


def last_entry(connection: Connection, kind: str | None = None, station: str | None = None) -> AuditEntry | None:
    """The last entry, of a kind and of a station if wanted; None where there is none."""
    statement = select(log_audit).order_by(log_audit.c.number.desc()).limit(1)
    if kind is not None:
        statement = statement.where(log_audit.c.kind == kind)
    if station is not None:
        statement = statement.where(log_audit.c.station == written(station))
    row = connection.execute(statement).first()
    return None if row is None else AuditEntry.of(row)


def entries(connection: Connection) -> Iterator[AuditEntry]:
    """All entries, the first one first."""
    last = 0
    while some := entries_after(connection, last):
        yield from some
        last = some[-1].number


def entries_after(connection: Connection, number: int) -> list[AuditEntry]:
    """The next few hundred entries behind one; none where that is the last."""
    some = select(log_audit).where(log_audit.c.number > number).order_by(log_audit.c.number).limit(_AT_ONCE)
    return [AuditEntry.of(row) for row in connection.execute(some)]


def review_digests(connection: Connection) -> Iterator[tuple[int, int, str]]:
    """Of each review its inspection's number, its version and its digest, in the order of these numbers."""
    columns, last = reviews.c, (0, 0)
    while True:
        after = (columns.inspection_id > last[0]) | ((columns.inspection_id == last[0]) & (columns.version > last[1]))
        some = select(columns.inspection_id, *REVIEW).where(after).order_by(columns.inspection_id, columns.version)
        rows = connection.execute(some.limit(_AT_ONCE)).all()
        for row in rows:
            yield row.inspection_id, row.review_version, digest_of(row.inspection_id, to_review(row))
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].inspection_id, rows[-1].review_version


def digest_of(number: int, review: Review) -> str:
    """SHA-256 of all that a review of an inspection says, hexadecimal."""
    told = [number, review.version, to_microseconds(review.at), review.reviewer, review.agrees, review.word]
    return hashlib.sha256(_json([*told, review.comment, list(review.runs)]).encode()).hexdigest()


def review_content(number: int, review: Review) -> dict[str, Any]:
    """What the trail says of a review: its words, and a digest that stands for the masks too."""
    return {
        "inspection": number,
        "version": review.version,
        "reviewer": review.reviewer,
        "agrees": review.agrees,
        "word": review.word,
        "comment": review.comment,
        "sha256": digest_of(number, review),
    }


def text_of(content: Mapping[str, Any]) -> str:
    """What was done, as an entry holds it."""
    return written(_json(content))


def _append(
    connection: Connection, last: AuditEntry | None, kind: str, content: Mapping[str, Any], actor: Actor
) -> AuditEntry:
    new = AuditEntry(
        number=1 if last is None else last.number + 1,
        at=to_microseconds(datetime.now(UTC)),
        station=written(actor.station),
        who=written(actor.name),
        role=actor.role,
        kind=kind,
        content=text_of(content),
        previous=NOTHING if last is None else last.hash,
        hash="",
    )
    told = {name: getattr(new, name) for name in AuditEntry.__dataclass_fields__} | {"hash": new.computed}
    connection.execute(insert(log_audit).values(**told))
    return AuditEntry(**told)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
