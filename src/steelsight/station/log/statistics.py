"""VerdictCounts over the log: verdicts over time, what waits for a reviewer, the classifiers' latest scores."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, Connection, Row, case, func, select

from steelsight.station.log.query import Query, conditions
from steelsight.station.log.tables import inspections, inspectors
from steelsight.station.log.values import from_microseconds

Per = Literal["hour", "day"]
"""Width of a bucket; both begin with the hour or day of UTC."""

_LOOKED_AT = 100_000
"""Of the log's latest inspections, in which stations and their images are looked for: they follow no index of their own."""
_WIDTHS = {"hour": 3_600_000_000, "day": 86_400_000_000}


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """How many images ended in which way; each counts once in the first five, and flagged ones once more.

    Attributes:
        none: judged without a policy.
        unreadable: could not be read; these count in no verdict.
        flagged: with anything unusual.
    """

    pass_: int = 0
    review: int = 0
    reject: int = 0
    none: int = 0
    unreadable: int = 0
    flagged: int = 0

    @property
    def images(self) -> int:
        """All of them."""
        return self.pass_ + self.review + self.reject + self.none + self.unreadable

    @classmethod
    def total(cls, counts: "Sequence[VerdictCounts]") -> Self:
        """The sum of many.

        >>> VerdictCounts.total([VerdictCounts(pass_=2), VerdictCounts(pass_=1, flagged=1)])
        VerdictCounts(pass_=3, review=0, reject=0, none=0, unreadable=0, flagged=1)
        """
        return cls(**{field.name: sum(getattr(one, field.name) for one in counts) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class TimeBucket:
    """The images accepted in one hour or day.

    Attributes:
        start: first moment of it, UTC.
    """

    start: datetime
    counts: VerdictCounts


def count_buckets(connection: Connection, query: Query, per: Per) -> list[TimeBucket]:
    """VerdictCounts by hour or day, the earliest first, where any came; a query's order and page do not count."""
    columns, width = inspections.c, _WIDTHS[per]
    start = (columns.at - columns.at % width).label("start")
    sums = (
        _sum("pass_", ~columns.unreadable & (columns.verdict == "pass")),
        _sum("review", ~columns.unreadable & (columns.verdict == "review")),
        _sum("reject", ~columns.unreadable & (columns.verdict == "reject")),
        _sum("none", ~columns.unreadable & columns.verdict.is_(None)),
        _sum("unreadable", columns.unreadable),
        _sum("flagged", columns.flagged),
    )
    wanted = conditions(query)
    statement = select(start, *sums).where(*wanted).group_by(start).order_by(start)
    return [_bucket(row) for row in connection.execute(statement)]


def count_reviewed(connection: Connection, query: Query) -> int:
    """Inspections that a person has looked at."""
    wanted = conditions(query.model_copy(update={"reviewed": True}))
    return connection.execute(select(func.count()).select_from(inspections).where(*wanted)).scalar_one()


def count_waiting(connection: Connection, query: Query) -> int:
    """Inspections whose verdict is review and that nobody has looked at."""
    # as a sum it is read off one index, in the order of time; as a condition on two columns it would be looked up row by row
    waits = _sum("waiting", (inspections.c.verdict == "review") & ~inspections.c.reviewed)
    statement = select(waits).where(*conditions(query))
    return connection.execute(statement).scalar_one() or 0


def latest_stations(connection: Connection) -> list[str]:
    """Names of the stations of the log's latest 100,000 inspections, in order."""
    latest = connection.execute(select(func.max(inspections.c.id))).scalar() or 0
    of_latest = select(inspections.c.station).where(inspections.c.id > latest - _LOOKED_AT).distinct()
    return sorted(connection.execute(of_latest).scalars())


def latest_scores(
    connection: Connection, inspector: str, last: int, stations: Collection[str], tried: Collection[str]
) -> dict[str, list[float]]:
    """fold_score, p_defect where there is none, of the latest readable images of an inspector at each of some stations, the
    newest first; see `InspectionLog.scores`."""
    number = select(inspectors.c.id).where(inspectors.c.fingerprint == inspector).scalar_subquery()
    columns = inspections.c
    latest = connection.execute(select(func.max(columns.id))).scalar() or 0
    wanted = (
        columns.inspector_id == number,
        columns.id > latest - _LOOKED_AT,
        columns.p_defect.is_not(None),
        ~((columns.door == "page") & columns.name.in_(sorted(tried))),
    )
    present = stations
    if len(stations) > 1:  # many a name may be a former one, and each would be looked for through all of them
        present = set(connection.execute(select(columns.station).where(*wanted).distinct()).scalars()) & set(stations)
    score = select(columns.id, func.coalesce(columns.fold_score, columns.p_defect)).where(*wanted)
    rows = {
        name: connection.execute(score.where(columns.station == name).order_by(columns.id.desc()).limit(last)).all()
        for name in sorted(present)
    }
    # a name that is used no more, as of a container that was replaced, would keep its last alarm for months
    full = max((those[-1].id for those in rows.values() if len(those) == last), default=0)
    return {name: [score for _, score in those] for name, those in rows.items() if those and those[0].id >= full}


def _sum(name: str, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0)).label(name)


def _bucket(row: Row[Any]) -> TimeBucket:
    return TimeBucket(
        from_microseconds(row.start), VerdictCounts(*(int(getattr(row, f.name)) for f in fields(VerdictCounts)))
    )
