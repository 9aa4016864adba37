"""Retention: entries go by age; an image and its maps go by size, or when no entry names them. What was reviewed stays.

What the log says changes before the files go, and every pruning looks for files that no entry names: a kill between the
two leaves nothing behind for good. Known arrivals stay, so that an image that still lies in a watched folder is not
inspected again.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, and_, case, delete, select, true, update
from sqlalchemy import func as sql

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import inspections
from steelsight.station.log.values import to_microseconds, written
from steelsight.station.settings import LOG_NAME, StationSettings

_AT_ONCE = 500
"""Entries that a transaction removes, so that nobody who wants to add waits for long."""
_FRESH = timedelta(hours=1)
"""A file of that age may still be waiting for its entry."""
_GB = 1e9


class StoredFile(Protocol):
    """A stored image, or maps of one; `used`: when it was last stored, seconds since 1970."""

    @property
    def sha256(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def used(self) -> float: ...


class Store(Protocol):
    """Where a station keeps images and maps: `steelsight.station.store.ImageStore`."""

    def oldest(self) -> Sequence[StoredFile]:
        """Every stored image and map, the one longest unused first."""

    def remove(self, sha256: str, *, last_used: float) -> int:
        """Remove an image and all maps of it that were not stored again since; how many bytes that freed."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning removed: entries of the log, images (with their maps), and the bytes that these freed."""

    inspections: int
    images: int
    bytes: int


def prune(log: InspectionLog, store: Store, settings: StationSettings, now: datetime | None = None) -> Pruned:
    """Remove what `settings` do not want kept. Others may use the log and the store meanwhile.

    A log in SQLite is one station's; in a shared database a station removes only what it has written itself, and no image
    that another one's entry names, since both may have one store.

    Raises:
        UserError: the database refuses.
    """
    at = now or datetime.now(UTC)
    mine = [] if log.url.drivername == "sqlite" else [inspections.c.station == written(settings.name)]
    gone = 0
    if settings.keep_days is not None:
        gone = _expire(log, mine, at - timedelta(days=settings.keep_days))
    # beside another log, files that this one does not name are that one's
    fresh = -inf if _has_another_log(log, settings.data) else (at - _FRESH).timestamp()
    images, freed = _remove_files(log, store, mine, settings.keep_gb * _GB, fresh)
    return Pruned(gone, images, freed)


def _expire(log: InspectionLog, mine: Sequence[ColumnElement[bool]], before: datetime) -> int:
    unreviewed_old = (inspections.c.at < to_microseconds(before), ~inspections.c.reviewed, *mine)
    some = select(inspections.c.id).where(*unreviewed_old).order_by(inspections.c.at, inspections.c.id).limit(_AT_ONCE)
    gone = 0
    while True:
        with log.writing() as connection:
            # the condition again: a reviewer may be faster
            removed = connection.execute(
                delete(inspections).where(inspections.c.id.in_(some), *unreviewed_old)
            ).rowcount
        gone += removed
        if not removed:
            return gone


def _has_another_log(log: InspectionLog, data: Path) -> bool:
    """Whether the SQLite log in a data folder is not the one that is pruned, as after a move to a database."""
    there = data / LOG_NAME
    if not there.is_file():
        return False
    return log.url.drivername != "sqlite" or not there.samefile(str(log.url.database))


def _remove_files(
    log: InspectionLog, store: Store, mine: Sequence[ColumnElement[bool]], limit: float, fresh: float
) -> tuple[int, int]:
    sizes, used = defaultdict[str, int](int), dict[str, float]()
    for file in store.oldest():
        sizes[file.sha256] += file.bytes
        used[file.sha256] = max(file.used, used.get(file.sha256, 0.0))
    images, freed, total = 0, 0, sum(sizes.values())

    def chosen(connection: Connection, some: Sequence[str]) -> list[str]:
        named, removable = _named(connection, mine, some)
        over, found = total - limit, list[str]()
        for image in some:
            if (image not in named and used[image] < fresh) or (over > 0 and image in removable):
                over -= sizes[image]
                found.append(image)
        return found

    there = sorted(used, key=used.__getitem__)
    for start in range(0, len(there), _AT_ONCE):
        with log.reading() as connection:
            some = chosen(connection, there[start : start + _AT_ONCE])
        if some:
            with log.writing() as connection:  # looked at again, and marked at once: a review may come at any time
                some = chosen(connection, some)
                _mark(connection, mine, some)
            images += len(some)
            total -= sum(sizes[image] for image in some)
            freed += sum(store.remove(image, last_used=used[image]) for image in some)
    return images, freed


def _named(
    connection: Connection, mine: Sequence[ColumnElement[bool]], images: Collection[str]
) -> tuple[set[str], set[str]]:
    """The images that an entry names, and those of them that own ones alone name and nobody has reviewed."""
    latest, own = sql.max(inspections.c.review_version), sql.sum(case((and_(true(), *mine), 1), else_=0))
    by_image = select(inspections.c.sha256, latest, sql.count() - own).where(inspections.c.sha256.in_(images))
    found = connection.execute(by_image.group_by(inspections.c.sha256)).tuples().all()
    return {image for image, *_ in found}, {image for image, version, others in found if version == 0 == others}


def _mark(connection: Connection, mine: Sequence[ColumnElement[bool]], images: Collection[str]) -> None:
    if images:
        gone = update(inspections).where(inspections.c.sha256.in_(images), *mine)
        connection.execute(gone.values(has_image=False, has_maps=False))
