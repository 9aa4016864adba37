"""What is asked of the log, and the pages in which it answers."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_

from steelsight.core.errors import UserError
from steelsight.core.model import Model
from steelsight.station.inspection import Channel, Inspection
from steelsight.station.log.tables import found, inspections, inspectors
from steelsight.station.log.values import to_microseconds, written
from steelsight.verdicts.policy import VerdictAnswer

Order = Literal["newest", "oldest", "doubt"]
"""The latest first, the earliest first, or what should be reviewed first."""

MOST = 1000
"""Inspections on a page."""


class Query(Model):
    """Which inspections are wanted, in which order, and which page of them; every filter left out lets all through.

    Attributes:
        verdicts: any of these; `none` is an image judged without a policy.
        name: a part of the image's name, in upper or lower case.
        since: not accepted before this time; until: accepted before this time. UTC where no zone is given.
        defect_class: shows a defect of this class.
        inspector: first digits of an inspector's fingerprint.
        door: see `Channel`.
        station: the name of the station that inspected it.
        reviewed: whether a person has looked.
        flagged: whether anything about the image is unusual.
        order: see `Order`.
        limit: inspections on a page.
        cursor: `FoundInspections.next` of the page before; None for the first.
    """

    verdicts: tuple[VerdictAnswer | Literal["none"], ...] = ()
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    defect_class: str | None = None
    inspector: str | None = None
    door: Channel | None = None
    station: str | None = None
    reviewed: bool | None = None
    flagged: bool | None = None
    order: Order = "newest"
    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FoundInspections:
    """One page.

    Attributes:
        inspections: in the order asked for.
        next: cursor of the next page; None where this is the last.
    """

    inspections: tuple[Inspection, ...]
    next: str | None


def conditions(query: Query) -> list[ColumnElement[bool]]:
    """The filters, on rows of the table of inspections."""
    columns, wanted = inspections.c, list[ColumnElement[bool]]()
    if query.verdicts:
        wanted.append(_of_verdict(query.verdicts))
    if query.name:
        wanted.append(columns.name.icontains(written(query.name), autoescape=True))
    if query.since is not None:
        wanted.append(columns.at >= to_microseconds(query.since))
    if query.until is not None:
        wanted.append(columns.at < to_microseconds(query.until))
    if query.defect_class is not None:
        of_class = and_(found.c.inspection_id == columns.id, found.c["class"] == written(query.defect_class))
        wanted.append(select(found.c.inspection_id).where(of_class).exists())
    if query.inspector is not None:
        own = inspectors.alias()
        starts = own.c.fingerprint.startswith(written(query.inspector), autoescape=True)
        # not a list of numbers: by these an index would give rows that have yet to be sorted
        wanted.append(select(own.c.id).where(own.c.id == columns.inspector_id, starts).exists())
    if query.door is not None:
        wanted.append(columns.door == query.door)
    if query.station is not None:
        wanted.append(columns.station == written(query.station))
    if query.reviewed is not None:
        wanted.append(columns.reviewed.is_(query.reviewed))
    if query.flagged is not None:
        wanted.append(columns.flagged.is_(query.flagged))
    return wanted


def _of_verdict(verdicts: Sequence[str]) -> ColumnElement[bool]:
    verdict = inspections.c.verdict
    if len(set(verdicts)) == 1:
        return verdict.is_(None) if verdicts[0] == "none" else verdict == verdicts[0]
    # of several verdicts the index would give rows that have yet to be sorted; this keeps databases from taking it
    return func.coalesce(verdict, "none").in_(verdicts)


def page(statement: Select[Any], query: Query) -> Select[Any]:
    """A statement over the table of inspections, cut to the rows of a page and one more, in the query's order.

    Raises:
        UserError: the cursor is none, or of another order.
    """
    first = inspections.c.doubt if query.order == "doubt" else inspections.c.at
    key = (first, inspections.c.id)
    if query.cursor is not None:
        after = tuple_(*read_cursor(query.cursor, query.order))
        statement = statement.where(tuple_(*key) > after if query.order == "oldest" else tuple_(*key) < after)
    order = key if query.order == "oldest" else (first.desc(), inspections.c.id.desc())
    return statement.where(*conditions(query)).order_by(*order).limit(query.limit + 1)


def write_cursor(order: Order, last: Inspection) -> str:
    """The place after an inspection in an order, as text."""
    first = last.result.doubt if order == "doubt" else to_microseconds(last.result.at)
    return base64.urlsafe_b64encode(json.dumps([order, first, last.id]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: Order) -> tuple[float, int]:
    """The place that a cursor names: doubt or microseconds, and number.

    Raises:
        UserError: the cursor is none, or of another order.
    """
    try:
        of, first, number = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        fits = of == order and type(number) is int and type(first) in ((int, float) if order == "doubt" else (int,))
        if fits and abs(first) < 2**63 and abs(number) < 2**63:
            return first, number
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise UserError(
        f"cursor {cursor[:80]!r}: not one of this list; give the `next` of an answer in the same order, or none"
    )
