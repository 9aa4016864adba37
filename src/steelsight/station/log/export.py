"""The log as one table, CSV or Parquet: a row for each inspection, the earliest first, in pieces as they are made.

Whole pages are held in memory, never the log, and no transaction is open between two pages: who writes is not held up.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import select

from steelsight.core.collected_pieces import CollectedPieces
from steelsight.core.errors import UserError
from steelsight.core.files import replacing
from steelsight.imaging.rle import parse_runs
from steelsight.results.tables import line
from steelsight.station.inspection import Inspection
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import MOST, Query
from steelsight.station.log.rows import texts
from steelsight.station.log.tables import inspectors
from steelsight.station.log.values import from_microseconds

if TYPE_CHECKING:
    import pyarrow as pa

Cell: TypeAlias = str | int | float | bool | datetime | None

_GROUP = 20_000
"""Rows of a row group of Parquet."""
_FIRST = {
    **{"id": "int64", "at": "time", "door": "string", "station": "string", "name": "string", "sha256": "string"},
    **{"bytes": "int64", "inspector": "string", "height": "int32", "width": "int32", "p_defect": "double"},
    **{"probability": "double", "verdict": "string", "reason": "string", "flags": "string", "error": "string"},
    **{"seconds": "double", "doubt": "double", "has_image": "bool", "has_maps": "bool", "classes": "string"},
}
_LAST = {
    **{"review_version": "int32", "review_at": "time", "reviewer": "string", "agrees": "bool"},
    **{"word": "string", "comment": "string"},
}
_END = {"file_at": "time"}


def export_csv(log: InspectionLog, query: Query) -> Iterator[bytes]:
    """The rows that a query's filters let through as CSV in UTF-8, with a header; its order and page do not count."""
    classes = _classes(log)
    yield line(list(columns(classes)))
    for page in _pages(log, query):
        yield b"".join(line([_text(cell) for cell in row(one, classes)]) for one in page)


def export_parquet(log: InspectionLog, query: Query) -> Iterator[bytes]:
    """The same as Parquet: true types, times as UTC timestamps of microseconds, empty cells as nulls."""
    import pyarrow as pa
    from pyarrow import parquet

    classes = _classes(log)
    types = {"time": pa.timestamp("us", tz="UTC"), "bool": pa.bool_(), "string": pa.string(), "double": pa.float64()}
    types |= {"int32": pa.int32(), "int64": pa.int64()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns(classes).items()])
    made = CollectedPieces()
    with parquet.ParquetWriter(pa.PythonFile(made, mode="w"), schema, compression="zstd") as writer:
        waiting: list[list[Cell]] = []
        for page in _pages(log, query):
            waiting += [row(one, classes) for one in page]
            if len(waiting) >= _GROUP:
                writer.write_batch(_batch(waiting, schema))
                waiting = []
            if made.parts:
                yield made.take()
        if waiting:
            writer.write_batch(_batch(waiting, schema))
    yield made.take()


def write_export(log: InspectionLog, query: Query, path: Path) -> int:
    """Write CSV or Parquet, as the path's suffix says; gives the file's size in bytes.

    Raises:
        UserError: another suffix; the disk is full or may not be written to; the database refuses.
    """
    match path.suffix.lower():
        case ".csv":
            parts = export_csv(log, query)
        case ".parquet":
            parts = export_parquet(log, query)
        case suffix:
            raise UserError(f"`out={path}`: {suffix or 'no suffix'!r} is no format of the log; use .csv or .parquet")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        return sum(stream.write(part) for part in parts)


def columns(classes: Sequence[str]) -> dict[str, str]:
    """Names and types of the columns: of each class the pixels of its mask, of its corrected mask, and how many regions and
    pixels are suspected; last, a watched file's own time."""
    areas = {f"area_{name}": "int64" for name in classes}
    suspected = {f"suspected_{what}_{name}": "int64" for what in ("count", "area") for name in classes}
    return {**_FIRST, **areas, **_LAST, **{f"review_{name}": kind for name, kind in areas.items()}, **suspected, **_END}


def row(one: Inspection, classes: Sequence[str]) -> list[Cell]:
    """An inspection's cells; None where there is nothing to say."""
    result, review = one.result, one.review
    height, width = result.size or (None, None)
    found = _areas(one.classes, result.runs) if result.error is None else {}  # 0 would say that it is clean
    first: list[Cell] = [one.id, result.at, result.door, result.station, result.name, result.sha256, result.bytes]
    first += [result.inspector, height, width, result.p_defect, result.probability, result.verdict, result.reason]
    first += [";".join(result.flags), result.error, result.seconds, result.doubt, result.has_image, result.has_maps]
    first += [";".join(name for name, area in found.items() if area), *(found.get(name) for name in classes)]
    file_at = None if result.arrival is None else from_microseconds(result.arrival.modified_ns // 1000)
    last = [*_suspected(one, classes), file_at]
    if review is None:
        return [*first, *[None] * (len(_LAST) + len(classes)), *last]
    corrected = _areas(one.classes, review.runs)
    said: list[Cell] = [review.version, review.at, review.reviewer, review.agrees, review.word, review.comment]
    return [*first, *said, *(corrected.get(name) for name in classes), *last]


def _suspected(one: Inspection, classes: Sequence[str]) -> list[Cell]:
    """Suspected regions of each class, then their pixels; nothing of an image that was not judged."""
    known = dict.fromkeys(one.classes if one.result.error is None else (), 0)
    counts, areas = dict(known), dict(known)
    for region in one.result.suspected:
        name = one.classes[region.class_index]
        counts[name] = counts.get(name, 0) + 1
        areas[name] = areas.get(name, 0) + region.area
    return [*(counts.get(name) for name in classes), *(areas.get(name) for name in classes)]


def _areas(classes: Sequence[str], runs: Sequence[str]) -> dict[str, int]:
    """Empty for an image that could not be read, which has no masks."""
    return {name: parse_runs(text, None).area for name, text in zip(classes, runs, strict=False)}


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.isoformat(timespec="microseconds")
        case str():
            return cell
        case _:
            return str(cell)


def _classes(log: InspectionLog) -> list[str]:
    with log.reading() as connection:
        rows = connection.execute(select(inspectors.c.classes).order_by(inspectors.c.id))
        every = [texts(row.classes) for row in rows]
    return list(dict.fromkeys(name for classes in every for name in classes))


def _pages(log: InspectionLog, query: Query) -> Iterator[Sequence[Inspection]]:
    wanted = query.model_copy(update={"order": "oldest", "limit": MOST, "cursor": None})
    while True:
        page = log.find(wanted)
        yield page.inspections
        if page.next is None:
            return
        wanted = wanted.model_copy(update={"cursor": page.next})


def _batch(rows: Sequence[Sequence[Cell]], schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    cells = zip(*rows, strict=True)
    return pa.record_batch([pa.array(list(of), field.type) for of, field in zip(cells, schema, strict=True)], schema)
