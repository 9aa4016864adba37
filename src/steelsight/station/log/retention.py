"""Retention: entries go by age; an image and its maps go by size, or when no entry names them. What was reviewed stays.

Entries go before their files, and every pruning looks for files that no entry names: a kill between the two leaves nothing
behind for good. Known arrivals stay, so that an image that still lies in a watched folder is not inspected again.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy import func as sql

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import inspections
from steelsight.station.log.values import to_microseconds, written
from steelsight.station.settings import StationSettings

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

    def remove(self, sha256: str) -> int:
        """Remove an image and all maps of it; how many bytes that freed."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning removed: entries of the log, images (with their maps), and the bytes that these freed."""

    inspections: int
    images: int
    bytes: int


def prune(log: InspectionLog, store: Store, settings: StationSettings, now: datetime | None = None) -> Pruned:
    """Remove what `settings` do not want kept. Others may use the log and the store meanwhile.

    A log in SQLite is one station's; in a shared database a station removes only what it has written itself.

    Raises:
        UserError: the database refuses.
    """
    at = now or datetime.now(UTC)
    mine = [] if log.url.drivername == "sqlite" else [inspections.c.station == written(settings.name)]
    gone = 0
    if settings.keep_days is not None:
        gone = _expire(log, mine, at - timedelta(days=settings.keep_days))
    images, freed = _remove_files(log, store, mine, settings.keep_gb * _GB, (at - _FRESH).timestamp())
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


def _remove_files(
    log: InspectionLog, store: Store, mine: Sequence[ColumnElement[bool]], limit: float, fresh: float
) -> tuple[int, int]:
    sizes, used = defaultdict[str, int](int), dict[str, float]()
    for file in store.oldest():
        sizes[file.sha256] += file.bytes
        used[file.sha256] = max(file.used, used.get(file.sha256, 0.0))
    there = sorted(used, key=used.__getitem__)
    images, total = 0, sum(sizes.values())
    freed_in_all = 0
    for start in range(0, len(there), _AT_ONCE):
        some = there[start : start + _AT_ONCE]
        reviewed = _named(log, mine, some)
        unnamed = {one for one in some if one not in reviewed and used[one] < fresh}
        removed = []
        for image in some:
            if image in unnamed or (total > limit and reviewed.get(image) is False):
                freed_in_all += store.remove(image)
                total -= sizes[image]
                removed.append(image)
        images += len(removed)
        _mark(log, mine, removed)
    return images, freed_in_all


def _named(log: InspectionLog, mine: Sequence[ColumnElement[bool]], images: Collection[str]) -> dict[str, bool]:
    """Of each image that entries name, whether one of these was reviewed."""
    latest = sql.max(inspections.c.review_version)
    statement = select(inspections.c.sha256, latest).where(inspections.c.sha256.in_(images), *mine)
    with log.reading() as connection:
        rows = connection.execute(statement.group_by(inspections.c.sha256)).all()
    return {image: version > 0 for image, version in rows}


def _mark(log: InspectionLog, mine: Sequence[ColumnElement[bool]], images: Collection[str]) -> None:
    if images:
        gone = update(inspections).where(inspections.c.sha256.in_(images), *mine)
        with log.writing() as connection:
            connection.execute(gone.values(has_image=False, has_maps=False))
