"""Whether the audit trail is whole, and the reviews and inspectors of the log are those that it tells of.

Seen is what was changed, taken out, put in or moved. Not seen is that the end was cut off, or that the chain was computed
anew by one who can write to the database, unless a hash that was kept elsewhere is given: the trail must still have it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from steelsight.core.errors import UserError
from steelsight.core.files import replacing
from steelsight.station.log.audit import NOTHING, AuditEntry, entries, entries_after, review_digests
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.rows import texts
from steelsight.station.log.tables import inspections, inspectors, log_audit, reviews
from steelsight.station.log.values import from_microseconds

_FIELDS = tuple(AuditEntry.__dataclass_fields__)
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A whole trail.

    Attributes:
        entries: how many.
        head: hash of the last one, to be kept elsewhere; None where there is no entry.
        at: when that was made, ISO 8601, UTC.
        reviews: of the log, each as the trail tells of it; None where only a file was looked at.
    """

    entries: int
    head: str | None
    at: str | None
    reviews: int | None


def verify_log(log: InspectionLog, head: str | None = None) -> Verified:
    """Look at the trail of a log, and at what it tells of.

    Args:
        head: a hash that was kept elsewhere, which the trail must have.

    Raises:
        UserError: something was changed, in one sentence that names the first thing.
    """
    with log.reading(one_moment=True) as connection:
        _require_true_indexes(connection)
        chain = _Chain()
        told = _Told()
        for entry in chain.checked(entries(connection)):
            told.add(entry)
        _require_all(connection, log_audit, chain.count)
        chain.require(head)
        return Verified(chain.count, chain.head, chain.at, told.compare(connection, chain.count))


def verify_file(path: Path, head: str | None = None) -> Verified:
    """Look at a trail that was exported; what it tells of is not at hand.

    Raises:
        UserError: it is no such file; or something was changed.
    """
    chain = _Chain()
    for _ in chain.checked(_lines(path)):
        pass
    chain.require(head)
    return Verified(chain.count, chain.head, chain.at, None)


def write_trail(log: InspectionLog, path: Path) -> int:
    """Write the trail, an entry a line as JSON; how many.

    Raises:
        UserError: the disk is full or may not be written to; the database refuses.
    """
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for line in trail_lines(log):
            stream.write(line)
            count += 1
    return count


def trail_lines(log: InspectionLog) -> Iterator[str]:
    """The trail, an entry a line as JSON; no transaction is open between two portions, so that nobody is held up."""
    last = 0
    while True:
        with log.reading() as connection:
            some = entries_after(connection, last)
            lines = [json.dumps(entry.as_dict(), ensure_ascii=False) + "\n" for entry in some]
        if not some:
            return
        yield from lines
        last = some[-1].number


def _require_true_indexes(connection: Connection) -> None:
    """See that what SQLite finds by an index is what the table holds: a station reads by indexes.

    Raises:
        UserError: it is not.
    """
    if connection.dialect.name != "sqlite":
        return
    for table in (log_audit, reviews, inspectors):
        said = connection.execute(text(f"PRAGMA integrity_check('{table.name}')")).scalars().all()
        if said != ["ok"]:
            raise UserError(
                f"the table {table.name} was changed by another program, or is damaged: {str(said[0])[:200]}"
            )


def _require_all(connection: Connection, table: Table, seen: int) -> None:
    """See that a table has no rows beside those that were looked at, in the order of their numbers.

    Raises:
        UserError: it has.
    """
    count = connection.execute(
        select(func.count()).select_from(table).with_hint(table, "NOT INDEXED", "sqlite")
    ).scalar()
    if count != seen:
        raise UserError(
            f"the table {table.name} was changed: {count} rows are in it, and {seen} have the numbers that a station gives"
        )


class _Chain:
    """Entries, looked at one after another."""

    def __init__(self) -> None:
        self.count = 0
        self.head: str | None = None
        self.at: str | None = None
        self._hashes: set[str] = set()

    def checked(self, every: Iterable[AuditEntry]) -> Iterator[AuditEntry]:
        for entry in every:
            where = f"the audit trail was changed: entry {entry.number}"
            if entry.number != self.count + 1:
                raise UserError(f"{where} follows entry {self.count}, so that some are missing or stand elsewhere")
            if entry.hash != entry.computed:
                raise UserError(f"{where} is not what it was when it was made: its hash is another")
            if entry.previous != (self.head or NOTHING):
                raise UserError(f"{where} does not follow the one before it, by the hash that it carries")
            self.count, self.head = entry.number, entry.hash
            self.at = from_microseconds(entry.at).isoformat()
            self._hashes.add(entry.hash)
            yield entry

    def require(self, head: str | None) -> None:
        if head is None:
            return
        kept = head.strip().lower()
        if not _HASH.fullmatch(kept):
            raise UserError(
                f"`head={head[:80]}`: no hash of an entry, which has 64 hexadecimal digits; give all that verifying printed"
            )
        if kept not in self._hashes:
            raise UserError(
                f"the audit trail was changed: it has no entry with the hash {kept}, so that its end was cut off, or it was "
                "made anew"
            )


class _Told:
    """What a trail tells of the reviews and inspectors."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {"reviews": 0, "sha256": hashlib.sha256().hexdigest()}
        self._reviews: dict[tuple[int, int], str] = {}
        self._cards: dict[str, str] = {}

    def add(self, entry: AuditEntry) -> None:
        try:
            content = json.loads(entry.content)
            match entry.kind:
                case "begin":
                    self._before = {name: content[name] for name in self._before}
                case "review":
                    self._reviews[content["inspection"], content["version"]] = content["sha256"]
                case "inspector":  # the first word counts: a later one may be of a card that was changed meanwhile
                    self._cards.setdefault(content["fingerprint"], content["card"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"the audit trail was changed: entry {entry.number} is none that a station makes"
            ) from error

    def compare(self, connection: Connection, length: int) -> int:
        """How many reviews there are.

        Raises:
            UserError: the log has others than the trail tells of.
        """
        if not length:
            count = sum(1 for _ in review_digests(connection))
            _require_all(connection, reviews, count)
            return count
        count = before = 0
        digest, left = hashlib.sha256(), dict(self._reviews)
        latest: dict[int, int] = {}
        for number, version, found in review_digests(connection):
            count, latest[number] = count + 1, version
            told = left.pop((number, version), None)
            if told is None:
                before += 1
                digest.update(found.encode())
            elif told != found:
                raise _changed(number, version, "is not what the audit trail tells of it")
        if left:
            raise _changed(*min(left), "is missing, and the audit trail tells of it")
        _require_all(connection, reviews, count)
        if (before, digest.hexdigest()) != (self._before["reviews"], self._before["sha256"]):
            raise UserError(
                f"the reviews were changed: the log has {before} of which the audit trail does not tell, and had "
                f"{self._before['reviews']} when it began, or one of them is another now"
            )
        columns = inspections.c
        is_found = columns.reviewed.is_(True)  # as who asks for what was reviewed finds it
        shown = select(columns.id, columns.review_version, is_found).where(is_found | (columns.review_version != 0))
        versions = {number: version if found else None for number, version, found in connection.execute(shown).tuples()}
        for number in sorted(latest.keys() | versions.keys()):
            if number not in latest or latest[number] != versions.get(number):
                raise _changed(number, latest.get(number, 0), "is not the one that the inspection shows")
        self._compare_inspectors(connection)
        return count

    def _compare_inspectors(self, connection: Connection) -> None:
        left = dict(self._cards)
        for row in connection.execute(select(inspectors.c.fingerprint, inspectors.c.card, inspectors.c.classes)):
            card = left.pop(row.fingerprint, None)
            if card is None:
                continue
            if card != hashlib.sha256(row.card.encode()).hexdigest():
                raise UserError(
                    f"the inspector {row.fingerprint} was changed: its card is not the one that the audit trail tells of"
                )
            if list(texts(row.classes)) != json.loads(row.card).get("classes"):  # by which masks of reviews are called
                raise UserError(f"the inspector {row.fingerprint} was changed: its classes are not those of its card")
        if left:
            raise UserError(f"the inspector {min(left)} is missing, and the audit trail tells of it")


def _changed(number: int, version: int, how: str) -> UserError:
    return UserError(f"the reviews were changed: version {version} of inspection {number} {how}")


def _lines(path: Path) -> Iterator[AuditEntry]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    told = json.loads(line)
                    from_microseconds(told["at"])
                    entry = AuditEntry(**{name: told[name] for name in _FIELDS})
                    # halves of characters have no hash, and raise
                    if not (type(entry.number) is int and isinstance(entry.hash, str) and entry.computed):
                        raise TypeError(entry.number)
                except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
                    raise UserError(
                        f"{path}, line {number}: no entry of an audit trail; name a file that `steelsight log export` wrote"
                    ) from error
                yield entry
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); name a file that `steelsight log export` wrote") from error
