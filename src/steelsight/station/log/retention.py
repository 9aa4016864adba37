"""Retention: entries go by age, an image and its maps by size or with the last entry. What was reviewed stays.

A file is removed only because an entry of this log named it. What is let go is written into `expired_images` in the
transaction that changes the entry, before the files go: a kill between the two leaves nothing behind for good. A file that no
entry names is not this log's to remove: it is moved aside, be it that a kill came before its entry, or that the log is an
older backup; and moved back when an entry names it after all. Beside another log it stays for that one, and so does what both
name: a file that is stored again is only marked as used, so that nothing tells who stored it. Neither counts for the limit.
Known arrivals stay, so that an image that still lies in a watched folder is not inspected again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf

from sqlalchemy import ColumnElement, Connection, and_, case, delete, insert, or_, select, true, update
from sqlalchemy import func as sql

from steelsight.core.safe_names import shown
from steelsight.station.log.beside import Beside, read_beside
from steelsight.station.log.identity import claim, has_another_log
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.patience import PRUNE_SECONDS
from steelsight.station.log.tables import expired_images, inspections
from steelsight.station.log.values import from_microseconds, to_microseconds, written
from steelsight.station.settings import LOG_NAME, StationSettings
from steelsight.station.store import ASIDE, ImageStore, Stored
from steelsight.station.writers import writers_of

_AT_ONCE = 500
"""Entries that a transaction removes, so that nobody who wants to add waits for long."""
_FRESH = timedelta(hours=1)
"""A file of that age may still be waiting for its entry."""
_REMEMBERED = timedelta(days=7)
"""For which an image is known as let go: stations that prune under one name may have a data folder each."""
_GB = 1e9
_SHOWN = 3

Images = dict[str, list[Stored]]
"""The files of each image, by the image's SHA-256: itself and its maps."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning did.

    Attributes:
        inspections: entries of the log that are gone.
        images: images that are gone, with their maps.
        bytes: what these freed.
        aside: files that no entry names, moved aside.
        first: the names of the first few of them.
        back: files that were aside and that an entry names after all, moved back.
        beyond: bytes that the limit was not held to, since they are not this folder's to remove.
        whose: the stations whose entries name these.
        of_another_log: bytes that the limit was not held to: another log lies there and names them, or cannot be read, or no
            entry of this log names them.
        unread: why the other log there cannot be read, so that no image was removed; empty where it was, or there is none.
    """

    inspections: int
    images: int
    bytes: int
    aside: int = 0
    first: tuple[str, ...] = ()
    back: int = 0
    beyond: int = 0
    whose: tuple[str, ...] = ()
    of_another_log: int = 0
    unread: str = ""

    @property
    def names(self) -> str:
        """The names of what was moved aside, in words.

        >>> Pruned(0, 0, 0, aside=3, first=("a.jpg",)).names
        'a.jpg and 2 more'
        """
        more = self.aside - len(self.first)
        return ", ".join(self.first) + (f" and {more} more" if more else "")

    @property
    def left(self) -> str:
        """What the limit was not held to, in words; empty where there is none.

        >>> Pruned(0, 0, 0, beyond=84_560, whose=("line 1",)).left[:64]
        '0.1 MB of images there are named by entries of line 1, which has'
        """
        if not self.beyond:
            return ""
        more = len(self.whose) - _SHOWN
        names = shown(", ".join(self.whose[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
        verb = "has" if len(self.whose) == 1 else "have"
        return (
            f"{self.beyond / 1e6:.1f} MB of images there are named by entries of {names}, which {verb} not started on this "
            "folder: they stay and do not count for its limit"
        )

    @property
    def left_to_another_log(self) -> str:
        """What was left alone since it may be another log's, in words; empty where there is none.

        >>> Pruned(0, 0, 0, of_another_log=84_560).left_to_another_log[:75]
        '0.1 MB of images there are named by log.sqlite there, or by no entry of thi'
        >>> Pruned(0, 0, 0, unread="database is locked").left_to_another_log[:84]
        'log.sqlite there cannot be read (database is locked), and any image there may be its'
        """
        if self.unread:
            return (
                f"{LOG_NAME} there cannot be read ({shown(self.unread)}), and any image there may be its: none is removed or "
                "counts for the limit, and entries that name one stay; see to that file, put a backup of it in place, or "
                "move it away with what lies beside it (-wal, -shm)"
            )
        if not self.of_another_log:
            return ""
        return (
            f"{self.of_another_log / 1e6:.1f} MB of images there are named by {LOG_NAME} there, or by no entry of this log: "
            f"they stay for that one and do not count for the limit; once {LOG_NAME} is moved away, those that this log "
            f"names go as it says, and the others are moved to {ASIDE}, none removed"
        )


def prune(log: InspectionLog, store: ImageStore, settings: StationSettings, now: datetime | None = None) -> Pruned:
    """Remove what `settings` do not want kept. Others may use the log and the store meanwhile.

    A log in SQLite is one station's. In a shared database a station removes its own entries alone; and the images of all
    stations that write into its folder, but none that the entry of another one names, which may have this store as well.

    Raises:
        UserError: the data folder belongs to another log, and nothing was touched; or the database or the disk refuses.
    """
    at = now or datetime.now(UTC)
    if store.data.is_dir():
        claim(log, store)
    mine, here = list[ColumnElement[bool]](), list[ColumnElement[bool]]()
    if log.url.drivername != "sqlite":
        name = written(settings.name)
        mine.append(inspections.c.station == name)
        here.append(inspections.c.station.in_(sorted({name, *writers_of(store.data)})))
    beside = _beside(log, store)
    if beside is not None and beside.unread:
        mine += [~inspections.c.has_image, ~inspections.c.has_maps]
    gone = 0
    if settings.keep_days is not None:
        gone = _expire(log, mine, at - timedelta(days=settings.keep_days), to_microseconds(at), beside)
    back = _put_back(log, store)
    stored = _stored(store)
    images = freed = 0
    aside: list[str] = []
    for image, let_go in _strays(log, stored, (at - _FRESH).timestamp()):
        if _used(stored[image]) <= let_go and not (beside and beside.may_name(image)):
            images, freed = images + 1, freed + store.remove(image, last_used=_used(stored.pop(image)))
        elif beside is None:
            aside += [shown(file.path.name) for file in stored.pop(image) if store.set_aside(file)]
    limit, beyond, whose, of_another_log = settings.keep_gb * _GB, 0, tuple[str, ...](), 0
    if beside is not None and _size(stored) > limit:
        theirs = {image for image, _ in _strays(log, stored, inf)}
        theirs.update(filter(beside.may_name, stored))
        of_another_log = _size({image: stored.pop(image) for image in theirs})
    if here and _size(stored) > limit:
        of_others, whose = _of_others(log, here, stored)
        beyond = _size({image: stored.pop(image) for image in of_others})
    over_images, over_bytes = _shrink(log, store, stored, here, limit, to_microseconds(at))
    with log.writing(PRUNE_SECONDS) as connection:
        connection.execute(delete(expired_images).where(expired_images.c.at < to_microseconds(at - _REMEMBERED)))
    return Pruned(
        inspections=gone,
        images=images + over_images,
        bytes=freed + over_bytes,
        aside=len(aside),
        first=tuple(aside[:_SHOWN]),
        back=back,
        beyond=beyond,
        whose=whose,
        of_another_log=of_another_log,
        unread=beside.unread if beside else "",
    )


def set_unknown_aside(log: InspectionLog, store: ImageStore) -> int:
    """Move aside what no entry names, however fresh, and remove nothing; how many files that were. Beside another log nothing
    is moved."""
    if has_another_log(log, store.data):
        return 0
    stored = _stored(store)
    return sum(store.set_aside(file) for image, _ in _strays(log, stored, inf) for file in stored[image])


def _beside(log: InspectionLog, store: ImageStore) -> Beside | None:
    """What the other log in the folder names, if there is one."""
    if not has_another_log(log, store.data):
        return None
    return read_beside(store.data / LOG_NAME, {file.sha256 for part in (store, store.aside) for file in part.files()})


def _expire(
    log: InspectionLog, mine: Sequence[ColumnElement[bool]], before: datetime, at: int, beside: Beside | None
) -> int:
    columns = inspections.c
    unreviewed_old = (columns.at < to_microseconds(before), ~columns.reviewed, *mine)
    some = select(columns.id).where(*unreviewed_old).order_by(columns.at, columns.id).limit(_AT_ONCE)
    gone = 0
    while True:
        with log.writing(PRUNE_SECONDS) as connection:
            # the condition again: a reviewer may be faster
            going = delete(inspections).where(columns.id.in_(some), *unreviewed_old)
            removed = connection.execute(going.returning(columns.sha256, columns.has_image, columns.has_maps)).all()
            let_go = {row.sha256 for row in removed if row.has_image or row.has_maps}
            # what stays for another log is not let go: it would be removed once that one is moved away
            _let_go(connection, let_go - (beside.named if beside else frozenset()), at)
        gone += len(removed)
        if not removed:
            return gone


def _let_go(connection: Connection, images: Collection[str], at: int) -> None:
    if images:
        connection.execute(insert(expired_images), [{"sha256": image, "at": at} for image in sorted(images)])


def _put_back(log: InspectionLog, store: ImageStore) -> int:
    aside, back = _stored(store.aside), 0
    for some in _portions(aside):
        with log.reading() as connection:
            named = _named(connection, some)
        back += sum(store.put_back(file) for image in named for file in aside[image])
    return back


def _strays(log: InspectionLog, stored: Images, fresh: float) -> Iterator[tuple[str, float]]:
    """The images that no entry names and that were last used before `fresh`, with the time at which retention let each go:
    minus infinity where it did not."""
    for some in _portions([image for image, files in stored.items() if _used(files) < fresh]):
        with log.reading() as connection:
            named, let_go = _named(connection, some), _times_let_go(connection, some)
        yield from ((image, let_go.get(image, -inf)) for image in some if image not in named)


def _named(connection: Connection, images: Collection[str]) -> set[str]:
    """Those images that an entry says are stored."""
    kept = or_(inspections.c.has_image, inspections.c.has_maps)
    return set(connection.execute(select(inspections.c.sha256).where(inspections.c.sha256.in_(images), kept)).scalars())


def _times_let_go(connection: Connection, images: Collection[str]) -> Mapping[str, float]:
    columns = expired_images.c
    latest = select(columns.sha256, sql.max(columns.at)).where(columns.sha256.in_(images)).group_by(columns.sha256)
    return {image: from_microseconds(at).timestamp() for image, at in connection.execute(latest).tuples()}


def _of_others(
    log: InspectionLog, here: Sequence[ColumnElement[bool]], stored: Images
) -> tuple[set[str], tuple[str, ...]]:
    """The stored images that entries of other folders' stations name, and the names of these."""
    columns = inspections.c
    images, names = set[str](), set[str]()
    for some in _portions(stored):
        others = select(columns.sha256, columns.station).where(columns.sha256.in_(some), ~and_(*here)).distinct()
        with log.reading() as connection:
            for row in connection.execute(others):
                images.add(row.sha256)
                names.add(row.station)
    return images, tuple(sorted(names))


def _shrink(
    log: InspectionLog,
    store: ImageStore,
    stored: Images,
    here: Sequence[ColumnElement[bool]],
    limit: float,
    at: int,
) -> tuple[int, int]:
    """Remove the images longest unused until all take no more than the limit; how many that were, and their bytes."""
    sizes = {image: sum(file.bytes for file in files) for image, files in stored.items()}
    images, freed, total = 0, 0, sum(sizes.values())

    def chosen(connection: Connection, some: Sequence[str]) -> list[str]:
        nonlocal total
        removable, let_go = _removable(connection, here, some)
        total -= sum(sizes.pop(image, 0) for image in let_go)  # by another process since they were listed
        over, found = total - limit, list[str]()
        for image in some:
            if over > 0 and image in removable:
                over -= sizes[image]
                found.append(image)
        return found

    for portion in _portions(sorted(stored, key=lambda image: _used(stored[image]))):
        if total <= limit:
            break
        with log.reading() as connection:
            some = chosen(connection, portion)
        if some:
            # looked at again, and marked at once: a review may come at any time, and waits then
            with log.writing(PRUNE_SECONDS) as connection:
                _hold(connection, some)
                some = chosen(connection, some)
                _mark(connection, here, some, at)
            images += len(some)
            total -= sum(sizes[image] for image in some)
            freed += sum(store.remove(image, last_used=_used(stored[image])) for image in some)
    return images, freed


def _hold(connection: Connection, images: Collection[str]) -> None:
    """Let nobody review these images until the transaction ends, as in SQLite nobody can; in one order, as others do."""
    entries = select(inspections.c.id).where(inspections.c.sha256.in_(images)).order_by(inspections.c.id)
    connection.execute(entries.with_for_update())


def _removable(
    connection: Connection, here: Sequence[ColumnElement[bool]], images: Collection[str]
) -> tuple[set[str], set[str]]:
    """The stored images: the unreviewed ones that only entries of this folder's stations refer to; and those that were let
    go."""
    columns = inspections.c
    own = sql.sum(case((and_(true(), *here), 1), else_=0))
    kept = sql.sum(case((or_(columns.has_image, columns.has_maps), 1), else_=0))
    by_image = select(columns.sha256, sql.max(columns.review_version), sql.count() - own, kept)
    found = connection.execute(by_image.where(columns.sha256.in_(images)).group_by(columns.sha256)).tuples().all()
    free = {image for image, version, others, stored in found if version == 0 == others and stored}
    return free, {image for image, _, _, stored in found if not stored}


def _mark(connection: Connection, here: Sequence[ColumnElement[bool]], images: Collection[str], at: int) -> None:
    if images:
        gone = update(inspections).where(inspections.c.sha256.in_(images), *here)
        connection.execute(gone.values(has_image=False, has_maps=False))
        _let_go(connection, images, at)


def _stored(store: ImageStore) -> Images:
    found = defaultdict[str, list[Stored]](list)
    for file in store.files():
        found[file.sha256].append(file)
    return dict(found)


def _size(images: Images) -> int:
    return sum(file.bytes for files in images.values() for file in files)


def _used(files: Sequence[Stored]) -> float:
    return max(file.used for file in files)


def _portions(images: Iterable[str]) -> Iterator[list[str]]:
    every = list(images)
    return (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE))
