"""What a watched folder asks of the log: which of its files are known, and which inspections are its own.

The log knows a folder by its path alone, which may be another folder on another machine. So it says by which station a file
was inspected, and with which content.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from steelsight.station.inspection import Inspection
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.rows import select_inspections, to_inspection
from steelsight.station.log.tables import arrivals, folders, inspections
from steelsight.station.log.values import file_key, from_bytes, to_bytes

_AT_ONCE = 500
_LOOKED_AT = 100_000
"""Of the log's latest inspections, among which another station's are looked for."""

Stamp = tuple[str, int, int]
"""Name, size and time of the last change in nanoseconds of a file."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log has of the files of one folder's path, name, size and time; more than one where contents differ.

    Attributes:
        sha256: of the contents.
        stations: names of the stations that inspected them; None: retention has removed the inspection.
    """

    sha256: frozenset[str]
    stations: frozenset[str | None]


def known_files(log: InspectionLog, folder: str, names: Sequence[str]) -> Mapping[Stamp, Logged]:
    """Those of a folder's files that are known, under these names: asked before a file is read, so without its hash."""
    columns = (arrivals.c.name, arrivals.c.size, arrivals.c.modified_ns, arrivals.c.sha256, inspections.c.station)
    statement = select(*columns).outerjoin(inspections, inspections.c.id == arrivals.c.inspection_id)
    known: dict[Stamp, Logged] = {}
    with log.reading() as connection:
        for start in range(0, len(names), _AT_ONCE):
            wanted = [file_key(folder, name) for name in names[start : start + _AT_ONCE]]
            for row in connection.execute(statement.where(arrivals.c.file_key.in_(wanted))):
                stamp = (from_bytes(row.name), row.size, row.modified_ns)
                before = known.get(stamp, Logged(frozenset(), frozenset()))
                known[stamp] = Logged(before.sha256 | {row.sha256}, before.stations | {row.station})
    return known


def another_station(log: InspectionLog, folder: str, own: Collection[str]) -> str | None:
    """A station under none of these names that has inspected files of a folder's path lately; None where there is none."""
    latest = latest_number(log)
    with log.reading() as connection:
        others = (
            select(inspections.c.station)
            .join(arrivals, arrivals.c.inspection_id == inspections.c.id)
            .join(folders, folders.c.id == arrivals.c.folder_id)
            .where(folders.c.path == to_bytes(folder), arrivals.c.inspection_id > latest - _LOOKED_AT)
            .where(inspections.c.station.not_in(sorted(own)))
            .limit(1)
        )
        return connection.execute(others).scalar()


def latest_number(log: InspectionLog) -> int:
    """The number of the log's latest inspection; 0 where there is none."""
    with log.reading() as connection:
        return connection.execute(select(func.max(inspections.c.id))).scalar() or 0


def count_watched(
    log: InspectionLog, after: int, until: int, stations: Collection[str] | None = None
) -> Counter[tuple[str, bool]]:
    """How many watched images have numbers beyond `after` up to `until`, by verdict, `none` without one, and by whether a
    network gave no probability (`Result.is_unjudged`).

    Args:
        stations: names of those that inspected them; None: whichever.
    """
    columns = inspections.c
    unjudged = columns.error.is_not(None) & columns.height.is_not(None)
    counted = (
        select(func.coalesce(columns.verdict, "none"), unjudged, func.count())
        .where(columns.id > after, columns.id <= until, columns.door == "watch")
        .group_by(columns.verdict, unjudged)
    )
    if stations is not None:
        counted = counted.where(columns.station.in_(sorted(stations)))
    with log.reading() as connection:
        return Counter(
            {(verdict, bool(is_unjudged)): count for verdict, is_unjudged, count in connection.execute(counted)}
        )


def numbers_of(log: InspectionLog, folder: str, stations: Collection[str] | None = None) -> Iterator[tuple[int, bool]]:
    """The number of every inspection of a folder's files, growing, and whether retention has left it in the log and one of
    these stations made it.

    Args:
        stations: their names; None: whichever.
    """
    numbered = (
        select(arrivals.c.inspection_id, inspections.c.station)
        .join(folders, folders.c.id == arrivals.c.folder_id)
        .outerjoin(inspections, inspections.c.id == arrivals.c.inspection_id)
        .where(folders.c.path == to_bytes(folder))
        .order_by(arrivals.c.inspection_id)
        .limit(_AT_ONCE)
    )
    last = 0
    while True:
        with log.reading() as connection:
            rows = connection.execute(numbered.where(arrivals.c.inspection_id > last)).all()
        for row in rows:
            yield row.inspection_id, row.station is not None and (stations is None or row.station in stations)
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].inspection_id


def read_inspections(log: InspectionLog, numbers: Sequence[int]) -> Iterator[Inspection]:
    """The inspections of these numbers that are in the log, in the order of their numbers."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _AT_ONCE):
        wanted = inspections.c.id.in_(ordered[start : start + _AT_ONCE])
        with log.reading() as connection:
            rows = connection.execute(select_inspections().where(wanted).order_by(inspections.c.id))
            found = [to_inspection(row) for row in rows]
        yield from found
