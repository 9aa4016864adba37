"""What requests ask for: numbers, times and filters, each within the bounds that the log can answer."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from steelsight.core.errors import UserError
from steelsight.core.model import Model
from steelsight.station.inspection import Channel
from steelsight.station.log.query import MOST, Order, read_cursor
from steelsight.station.log.query import Query as LogQuery
from steelsight.verdicts.policy import VerdictAnswer

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _no_nul(text: str) -> str:
    """Databases have no text with such a character."""
    if "\x00" in text:
        raise ValueError("text may not contain the character NUL")
    return text


def _no_number(value: object) -> object:
    """A number would be taken for seconds since 1970, and so would a year without month and day."""
    if isinstance(value, str) and not _DATE.match(value):
        raise ValueError("a time is written as 2026-05-17 or 2026-05-17T13:45:00Z")
    return value


def _utc(at: datetime) -> datetime:
    """In UTC, which a time without a zone is taken for."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is outside the calendar") from error


InspectionId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of an inspection in the log.")]
ClassNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of a class, from 1.")]
Version = Annotated[int, Query(ge=1, le=2**31 - 1, description="Version of a review.")]
HttpDoor = Annotated[Literal["page", "http"], Query(description="Who sends: the page, or a program.")]
Text = Annotated[str, Field(max_length=300), AfterValidator(_no_nul)]
Time = Annotated[
    datetime,
    BeforeValidator(_no_number),
    AfterValidator(_utc),
    Field(description="ISO 8601; UTC if no zone is given."),
]


class Filters(Model):
    """Which inspections are wanted; a filter that is left out matches all. See `steelsight.station.log.query.Query`."""

    verdict: list[VerdictAnswer | Literal["none"]] = Field([])
    name: Text = ""
    since: Time | None = None
    until: Time | None = None
    defect_class: Text | None = Field(default=None, alias="class")
    inspector: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")] | None = None
    door: Channel | None = None
    station: Text | None = None
    reviewed: bool | None = None
    flagged: bool | None = None

    def query(self) -> LogQuery:
        """The same as the log is asked."""
        wanted = {name: value for name, value in self if name != "verdict"}
        return LogQuery(verdicts=tuple(self.verdict), **wanted)


class HistoryPage(Filters):
    """A page of the history."""

    order: Order = "newest"
    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _cursor_fits(self) -> "HistoryPage":
        if self.cursor is not None:
            try:
                read_cursor(self.cursor, self.order)
            except UserError as error:
                raise ValueError(str(error)) from error
        return self
