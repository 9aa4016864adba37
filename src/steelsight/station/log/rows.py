"""Results, inspections and reviews as rows of the log's tables, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, insert, select

from steelsight.imaging.regions import Region
from steelsight.imaging.rle import parse_runs
from steelsight.station.inspection import Arrival, Inspection, Result, Review
from steelsight.station.log.tables import arrivals, folders, found, inspections, inspectors, reviews
from steelsight.station.log.values import (
    arrival_key,
    file_key,
    from_bytes,
    from_microseconds,
    to_bytes,
    to_microseconds,
    utc,
    written,
)

REVIEW = [reviews.c[name].label(f"review_{name}") for name in ("version", "reviewer", "agrees", "word", "comment")]
REVIEW += [reviews.c.at.label("review_at"), reviews.c.runs.label("review_runs")]
ARRIVAL = [folders.c.path, arrivals.c.name.label("file"), arrivals.c.size, arrivals.c.modified_ns]
ARRIVAL += [arrivals.c.sha256.label("file_sha256")]

_ADD = insert(inspections).returning(inspections.c.id, sort_by_parameter_order=True)
_NUMBERS_OF = attrgetter(*(one.name for one in fields(Region)))


def select_inspections() -> Select[Any]:
    """All that `to_inspection` needs, of every inspection with the latest review and the arrival that it may have."""
    latest = and_(
        reviews.c.inspection_id == inspections.c.id,
        reviews.c.version == inspections.c.review_version,
    )
    columns = [column for column in inspections.c if column.name not in ("unreadable", "reviewed", "review_version")]
    return (
        select(*columns, inspectors.c.fingerprint, inspectors.c.classes, *REVIEW, *ARRIVAL)
        .join(inspectors, inspectors.c.id == inspections.c.inspector_id)
        .outerjoin(reviews, latest)
        .outerjoin(arrivals, arrivals.c.inspection_id == inspections.c.id)
        .outerjoin(folders, folders.c.id == arrivals.c.folder_id)
    )


def to_inspection(row: Row[Any]) -> Inspection:
    """An inspection from a row of `select_inspections`, within `InspectionLog.reading`, which tells of damage."""
    result = Result(
        at=from_microseconds(row.at),
        door=row.door,
        station=row.station,
        name=row.name,
        sha256=row.sha256,
        bytes=row.bytes,
        inspector=row.fingerprint,
        size=None if row.height is None else (row.height, row.width),
        p_defect=row.p_defect,
        probability=row.probability,
        verdict=row.verdict,
        reason=row.reason,
        flags=texts(row.flags),
        runs=texts(row.runs),
        regions=_regions(row.regions),
        error=row.error,
        seconds=row.seconds,
        doubt=row.doubt,
        has_image=row.has_image,
        has_maps=row.has_maps,
        fold_score=row.fold_score,
        arrival=None
        if row.file is None
        else Arrival(from_bytes(row.path), from_bytes(row.file), row.size, row.modified_ns, row.file_sha256),
        suspected=_regions(row.suspected or []),
        suspected_runs=texts(row.suspected_runs or []),
        counted=row.counted,
    )
    review = None if row.review_version is None else to_review(row)
    return Inspection(row.id, result, texts(row.classes), review)


def texts(stored: Any) -> tuple[str, ...]:
    """A list of texts that the log keeps.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(stored, list) or not all(isinstance(one, str) for one in stored):
        raise ValueError("no list of texts where there must be one")
    return tuple(stored)


def _regions(stored: Any) -> tuple[Region, ...]:
    """Regions, each as its seven numbers."""
    if not all(isinstance(number, int | float) for values in stored for number in values):
        raise ValueError("no numbers where a defect must be")
    return tuple(Region(*values) for values in stored)


def to_review(row: Row[Any]) -> Review:
    """A review from a row with the columns `REVIEW`."""
    return Review(
        row.review_version,
        from_microseconds(row.review_at),
        row.review_reviewer,
        row.review_agrees,
        row.review_word,
        texts(row.review_runs),
        row.review_comment,
    )


def as_kept(result: Result) -> Result:
    """A result as it is read back from the log: times in UTC, texts as `written`."""
    return replace(
        result,
        at=utc(result.at),
        station=written(result.station),
        name=written(result.name),
        reason=written(result.reason),
        error=None if result.error is None else written(result.error),
        flags=tuple(map(written, result.flags)),
    )


def insert_results(
    connection: Connection, results: Sequence[Result], known: Mapping[str, tuple[int, tuple[str, ...]]]
) -> list[int]:
    """Add results, `as_kept`, whose arrivals are not there yet; gives their numbers.

    Args:
        known: number and classes of their inspectors, by fingerprint.

    Raises:
        IntegrityError: another transaction has added one of the arrivals meanwhile.
    """
    if not results:
        return []
    rows = [_row(result, known[result.inspector][0]) for result in results]
    ids = [int(number) for number in connection.execute(_ADD, rows).scalars()]
    shown = [
        {"inspection_id": number, "class": written(name), "area": parse_runs(runs, None).area}
        for number, result in zip(ids, results, strict=True)
        for name, runs in zip(known[result.inspector][1], result.runs, strict=bool(result.runs))
        if runs
    ]
    if shown:
        connection.execute(insert(found), shown)
    _insert_arrivals(connection, {number: one.arrival for number, one in zip(ids, results, strict=True) if one.arrival})
    return ids


def _insert_arrivals(connection: Connection, new: Mapping[int, Arrival]) -> None:
    numbers = {path: _folder(connection, path) for path in sorted({to_bytes(one.folder) for one in new.values()})}
    rows: list[dict[str, Any]] = [
        {
            "key": arrival_key(one),
            "file_key": file_key(one.folder, one.name),
            "folder_id": numbers[to_bytes(one.folder)],
            "name": to_bytes(one.name),
            "size": one.size,
            "modified_ns": one.modified_ns,
            "sha256": one.sha256,
            "inspection_id": number,
        }
        for number, one in new.items()
    ]
    if rows:
        # in one order, or two processes that add the same ones could wait for each other
        connection.execute(insert(arrivals), sorted(rows, key=lambda row: bytes(row["key"])))


def _folder(connection: Connection, path: bytes) -> int:
    known = connection.execute(select(folders.c.id).where(folders.c.path == path)).scalar()
    if known is None:
        known = connection.execute(insert(folders).values(path=path).returning(folders.c.id)).scalar_one()
    return int(known)


def _row(result: Result, inspector_id: int) -> dict[str, Any]:
    height, width = result.size or (None, None)
    return {
        "at": to_microseconds(result.at),
        "door": result.door,
        "station": result.station,
        "name": result.name,
        "sha256": result.sha256,
        "bytes": result.bytes,
        "inspector_id": inspector_id,
        "height": height,
        "width": width,
        "p_defect": result.p_defect,
        "fold_score": result.fold_score,
        "probability": result.probability,
        "verdict": result.verdict,
        "reason": result.reason,
        "flagged": bool(result.flags),
        "error": result.error,
        "seconds": result.seconds,
        "doubt": result.doubt,
        "has_image": result.has_image,
        "has_maps": result.has_maps,
        "unreadable": result.size is None,
        "reviewed": False,
        "review_version": 0,
        "flags": list(result.flags),
        "runs": list(result.runs),
        "regions": list(map(_NUMBERS_OF, result.regions)),
        "suspected": list(map(_NUMBERS_OF, result.suspected)),
        "suspected_runs": list(result.suspected_runs),
        "counted": result.counted,
    }
