"""The station's log: every inspection and every reviewer's word, added in transactions that last."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from steelsight.station.inspection import Inspection, Result, Review, Word
from steelsight.station.log import audit
from steelsight.station.log.connect import (
    WRITES,
    NoLog,
    connect,
    damaged_content,
    database_errors,
    parse_url,
    shown,
    write_ahead,
)
from steelsight.station.log.patience import READ_SECONDS, WRITE_SECONDS, wait_at_most
from steelsight.station.log.query import FoundInspections, Query, page, write_cursor
from steelsight.station.log.rows import (
    REVIEW,
    as_kept,
    insert_results,
    select_inspections,
    to_inspection,
    to_review,
)
from steelsight.station.log.schema import is_current, refuse_programs
from steelsight.station.log.statistics import (
    Per,
    TimeBucket,
    count_buckets,
    count_reviewed,
    count_waiting,
    latest_scores,
    latest_stations,
)
from steelsight.station.log.tables import arrivals, inspections, inspectors, reviews
from steelsight.station.log.values import arrival_key, to_microseconds, utc, written

_RACES = 5  # times that another process may be faster with the same arrivals before the fault must be another


class OutdatedReview(Exception):  # noqa: N818 (not a fault, an answer)
    """Somebody else has reviewed the inspection since; `latest` is their version."""

    def __init__(self, latest: int) -> None:
        super().__init__(f"somebody else has reviewed this image meanwhile (version {latest}); look at theirs first")
        self.latest = latest


class UnknownInspection(LookupError):  # noqa: N818
    """The log has no inspection of this number, or not any more."""


class InspectionLog:
    """The log in a database. Threads may share it, and several processes and machines may open the same database.

    What `add` and `review` return stands in the database for good, power cuts included.
    """

    def __init__(self, engine: Engine, url: URL) -> None:
        self.url = url
        self._engine = engine
        self._inspectors: dict[str, tuple[int, tuple[str, ...]]] = {}

    @classmethod
    def open(cls, url: str, *, make: bool = True) -> Self:
        """Open the log of a SQLAlchemy URL; an older one is moved to the present schema.

        Args:
            make: whether to make a new one where there is none.

        Raises:
            UserError: it can not be reached, is damaged, is something else, or was written by a newer steelsight.
            NoLog: there is none and none is to be made.
        """
        parsed = parse_url(url)
        if not make and parsed.drivername == "sqlite" and not Path(str(parsed.database)).is_file():
            raise NoLog(f"{parsed.database}: there is no log; give the folder or database that a station writes to")
        engine = connect(parsed)
        try:
            with database_errors(parsed):
                refuse_programs(engine, shown(parsed))
                if not is_current(engine):
                    from steelsight.station.log.migrate import migrate  # Alembic takes as long to load as all the rest

                    migrate(engine, parsed, make=make)
                write_ahead(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, parsed)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register(self, fingerprint: str, classes: Sequence[str], card: str) -> None:
        """Make an inspector known, before results of it are added; again changes nothing.

        Args:
            fingerprint: hexadecimal.
            classes: its defect class names, in order.
            card: the inspector's card as JSON.
        """
        row = {"fingerprint": fingerprint, "classes": list(classes), "card": card}
        try:
            with self.writing() as connection:
                if self._find_inspector(connection, fingerprint) is None:
                    connection.execute(insert(inspectors), row)
        except IntegrityError:
            pass  # another process was faster

    def add(self, results: Sequence[Result]) -> list[Inspection]:
        """Add results in one transaction; when it returns they are kept for good, in the order given.

        An arrival that is known is not added again: the inspection that it has stands in its place, and where retention
        has removed that one, the result under the number that it had.

        Raises:
            KeyError: the inspector was not registered.
            UserError: the database refuses, e.g. since the disk is full; nothing was added.
        """
        kept = [as_kept(result) for result in results]
        for _ in range(_RACES):
            try:
                with self.writing() as connection:
                    return self._add(connection, kept)
            except IntegrityError as error:
                last = error
        raise last

    def _add(self, connection: Connection, results: Sequence[Result]) -> list[Inspection]:
        known = {name: self._inspector(connection, name) for name in {result.inspector for result in results}}
        keys = [None if one.arrival is None else arrival_key(one.arrival) for one in results]
        there = _known_arrivals(connection, [key for key in keys if key is not None])
        first = {key: place for place, key in reversed(list(enumerate(keys))) if key is not None and key not in there}
        new = [place for place, key in enumerate(keys) if key is None or first.get(key) == place]
        ids = insert_results(connection, [results[place] for place in new], known)
        added = {
            place: Inspection(number, results[place], known[results[place].inspector][1])
            for place, number in zip(new, ids, strict=True)
        }
        before = _read(connection, there.values())

        def answer(place: int, key: bytes | None, result: Result) -> Inspection:
            if key is None or key in first:
                return added[place if key is None else first[key]]
            return before.get(there[key]) or Inspection(there[key], result, known[result.inspector][1])

        return [answer(place, key, result) for place, (key, result) in enumerate(zip(keys, results, strict=True))]

    def get(self, number: int) -> Inspection | None:
        """The inspection of a number; None where there is none, or none any more."""
        if not 0 < number < 2**63:
            return None
        with self.reading() as connection:
            return _read(connection, [number]).get(number)

    def find(self, query: Query) -> FoundInspections:
        """A page of the inspections that a query asks for. Through all pages, what was there at the first comes once,
        whatever is added meanwhile.

        Raises:
            UserError: the cursor is none, or of another order.
        """
        statement = page(select_inspections(), query)
        with self.reading() as connection:
            rows = [to_inspection(row) for row in connection.execute(statement)]
        there = tuple(rows[: query.limit])
        return FoundInspections(there, write_cursor(query.order, there[-1]) if len(rows) > query.limit else None)

    def review(
        self,
        number: int,
        *,
        after_version: int,
        agrees: bool,
        word: Word,
        runs: Sequence[str] | None = None,
        reviewer: str = "",
        comment: str = "",
        at: datetime | None = None,
        actor: audit.Actor = audit.NOBODY,
    ) -> Review:
        """Add a reviewer's word, and an entry of the audit trail; earlier versions stay.

        Args:
            after_version: the version that the reviewer has seen; 0 for none.
            runs: the mask of each class as it should be; None where the reviewer agrees: the inspector's own.
            at: when; now if left out.
            actor: who does it, for the audit trail.

        Raises:
            OutdatedReview: somebody else has reviewed it since.
            UnknownInspection: there is no such inspection.
            UserError: the database refuses.
        """
        said = utc(at or datetime.now(UTC))
        with self.writing() as connection:
            row = None
            if 0 < number < 2**63:
                columns = (inspections.c.review_version, inspections.c.runs)
                row = connection.execute(select(*columns).where(inspections.c.id == number)).first()
            if row is None:
                raise UnknownInspection(f"no inspection {number} in the log")
            masks = tuple(row.runs if runs is None else runs)
            new = Review(after_version + 1, said, written(reviewer), agrees, word, masks, written(comment))
            # the condition is checked again under the lock that the update takes
            matching = (inspections.c.id == number, inspections.c.review_version == row.review_version)
            moved = update(inspections).where(*matching).values(review_version=new.version, reviewed=True)
            if row.review_version != after_version or connection.execute(moved).rowcount == 0:
                latest = select(inspections.c.review_version).where(inspections.c.id == number)
                version = connection.execute(latest).scalar()
                if version is None:  # retention was faster
                    raise UnknownInspection(f"no inspection {number} in the log")
                raise OutdatedReview(version)
            audit.begin(connection)  # before the review, which is none of those that were there already
            connection.execute(
                insert(reviews).values(
                    inspection_id=number,
                    version=new.version,
                    at=to_microseconds(said),
                    reviewer=new.reviewer,
                    agrees=agrees,
                    word=word,
                    comment=new.comment,
                    runs=list(masks),
                )
            )
            audit.append(connection, "review", audit.review_content(number, new), actor)
        return new

    def reviews(self, number: int) -> list[Review]:
        """All versions of what was said of an inspection, the first one first."""
        if not 0 < number < 2**63:
            return []
        statement = select(*REVIEW).where(reviews.c.inspection_id == number).order_by(reviews.c.version)
        with self.reading() as connection:
            return [to_review(row) for row in connection.execute(statement)]

    def buckets(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        per: Per = "day",
        station: str | None = None,
    ) -> list[TimeBucket]:
        """How many images ended in which way, by hour or day, the earliest first; of one station where it is named."""
        with self.reading() as connection:
            return count_buckets(connection, Query(since=since, until=until, station=station), per)

    def reviewed(self, since: datetime | None = None, until: datetime | None = None, station: str | None = None) -> int:
        """How many images a person has looked at."""
        with self.reading() as connection:
            return count_reviewed(connection, Query(since=since, until=until, station=station))

    def waiting(self, since: datetime | None = None, until: datetime | None = None, station: str | None = None) -> int:
        """How many images have the verdict review and nobody has looked at them."""
        with self.reading() as connection:
            return count_waiting(connection, Query(since=since, until=until, station=station))

    def stations(self) -> list[str]:
        """Names of the stations of the latest 100,000 inspections, in order."""
        with self.reading() as connection:
            return latest_stations(connection)

    def scores(
        self, inspector: str, last: int, stations: Collection[str], tried: Collection[str] = ()
    ) -> dict[str, list[float]]:
        """What drift is measured by, of an inspector's latest readable images at each of some stations, the newest first.

        Args:
            stations: their names. One without such an image among the log's latest 100,000 is left out, and so is one that
                has had none since another's `last` began.
            tried: names of images that the page offers to try: those that it sent are no line's.
        """
        with self.reading() as connection:
            return latest_scores(connection, inspector, last, {written(one) for one in stations}, tried)

    @contextmanager
    def reading(self, *, one_moment: bool = False) -> Iterator[Connection]:
        """A transaction that only reads; what is read is taken apart within it, which tells of damage.

        Args:
            one_moment: whether all statements of it see the log as it was at the first, as they always do in SQLite.
        """
        with (
            damaged_content(self.url),
            database_errors(self.url),
            self._engine.connect() as connection,
        ):
            if one_moment and self._engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            wait_at_most(connection, READ_SECONDS)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, seconds: float = WRITE_SECONDS) -> Iterator[Connection]:
        """A transaction that writes: all of it stands when the block ends, nothing when it raises.

        Args:
            seconds: the most that a server may take for one statement.
        """
        with (
            database_errors(self.url),
            self._engine.connect().execution_options(**WRITES) as connection,
            connection.begin(),
        ):
            wait_at_most(connection, seconds)
            yield connection

    def _inspector(self, connection: Connection, fingerprint: str) -> tuple[int, tuple[str, ...]]:
        known = self._inspectors.get(fingerprint) or self._find_inspector(connection, fingerprint)
        if known is None:
            raise KeyError(f"inspector {fingerprint} was not registered")
        self._inspectors[fingerprint] = known
        return known

    def _find_inspector(self, connection: Connection, fingerprint: str) -> tuple[int, tuple[str, ...]] | None:
        statement = select(inspectors.c.id, inspectors.c.classes).where(inspectors.c.fingerprint == fingerprint)
        row = connection.execute(statement).first()
        return None if row is None else (row.id, tuple(row.classes))


def _known_arrivals(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, int]:
    if not keys:
        return {}
    statement = select(arrivals.c.key, arrivals.c.inspection_id).where(arrivals.c.key.in_(keys))
    return {bytes(row.key): row.inspection_id for row in connection.execute(statement)}


def _read(connection: Connection, numbers: Iterable[int]) -> dict[int, Inspection]:
    wanted = list(numbers)
    if not wanted:
        return {}
    statement = select_inspections().where(inspections.c.id.in_(wanted))
    return {row.id: to_inspection(row) for row in connection.execute(statement)}
