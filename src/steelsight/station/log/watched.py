"""What a watched folder asks of the log: which of its files are known, and which inspections are its own."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from steelsight.station.inspection import Inspection
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.rows import select_inspections, to_inspection
from steelsight.station.log.tables import arrivals, folders, inspections
from steelsight.station.log.values import file_key, from_bytes, to_bytes

_AT_ONCE = 500

Stamp = tuple[str, int, int]
"""Name, size and time of the last change in nanoseconds of a file."""


def known_files(log: InspectionLog, folder: str, names: Sequence[str]) -> set[Stamp]:
    """Those of a folder's files that are known, under these names: asked before a file is read, so without its hash."""
    statement = select(arrivals.c.name, arrivals.c.size, arrivals.c.modified_ns)
    known: set[Stamp] = set()
    with log.reading() as connection:
        for start in range(0, len(names), _AT_ONCE):
            wanted = [file_key(folder, name) for name in names[start : start + _AT_ONCE]]
            for row in connection.execute(statement.where(arrivals.c.file_key.in_(wanted))):
                known.add((from_bytes(row.name), row.size, row.modified_ns))
    return known


def numbers_of(log: InspectionLog, folder: str) -> Iterator[tuple[int, bool]]:
    """The number of every inspection of a folder's files, growing, and whether retention has left it in the log."""
    numbered = (
        select(arrivals.c.inspection_id, inspections.c.id)
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
        yield from ((row.inspection_id, row.id is not None) for row in rows)
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
