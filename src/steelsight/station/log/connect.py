"""Connections to the log's database, and its faults in one sentence for the user."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import OperationalError as SqliteOperationalError

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors
from steelsight.core.private_files import create_private_file, make_private_folder
from steelsight.station.log.patience import (
    SERVER_SETTINGS,
    TRANSPORT,
    WRITE_SECONDS,
    forget_patience,
    patient_connection,
)

PATIENCE = 60.0
"""Seconds for which the opening of a log waits for another process to end its writing."""
_CONNECTIONS = 100
"""To a log, of one process at most: more than it has threads, so that a writer never waits for readers."""
_JOURNAL = 64_000_000  # bytes to which the write-ahead log is cut when it is empty
WRITES = {"steelsight_writes": True}
"""Execution options of a connection that will write."""


class NoLog(UserError):  # noqa: N818 (not a fault, an answer)
    """There is no log in a database, and none is to be made."""


def parse_url(text: str) -> URL:
    """Read a database's URL.

    Raises:
        UserError: it is none, or names a database that is neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # the second where the port is no number
        raise UserError(
            "`database=`: not a URL of a database; write e.g. sqlite:////data/log.sqlite or "
            "postgresql://user:password@host/name"
        ) from error
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite" if url.database not in (None, "", ":memory:"):
            return url.set(drivername="sqlite")
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return url.set(drivername="postgresql+psycopg")
    raise UserError(
        f"`database={_without_passwords(url)}`: the log is kept in a SQLite file or in PostgreSQL; write e.g. "
        "sqlite:////data/log.sqlite or postgresql://user:password@host/name"
    )


def shown(url: URL) -> str:
    """How a message names a log: a SQLite file by its path, a server without the password."""
    return str(url.database) if url.drivername == "sqlite" else _without_passwords(url)


def _without_passwords(url: URL) -> str:
    """Without the one before the host, and those that libpq takes behind the name."""
    query = {name: "..." if "password" in name.lower() else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def connect(url: URL) -> Engine:
    """An engine that keeps what it commits: SQLite with a write-ahead log that is synced at every commit.

    Raises:
        UserError: the database can not be reached, or its driver is not installed.
    """
    if url.drivername == "sqlite":
        path = Path(str(url.database))
        with disk_errors(path):
            try:
                make_private_folder(path.parent)
                create_private_file(path)
            except (FileExistsError, NotADirectoryError) as error:
                raise UserError(f"{path}: {path.parent} is no folder; name another place for the log") from error
        engine = create_engine(url, connect_args={"timeout": WRITE_SECONDS}, max_overflow=_CONNECTIONS)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        patient = patient_connection()
        told = {name: value for name, value in TRANSPORT.items() if name not in url.query}
        engine = create_engine(url, pool_pre_ping=True, connect_args=told, max_overflow=_CONNECTIONS)
    except ModuleNotFoundError as error:
        raise UserError(
            f"`database={shown(url)}`: PostgreSQL needs {error.name}, which is not installed; "
            "pip install 'steelsight[postgres]'"
        ) from error
    event.listen(engine, "do_connect", lambda _, record, args, options: patient.connect(*args, **options))
    event.listen(engine, "connect", _set_up_postgresql)
    event.listen(engine, "checkin", forget_patience)
    return engine


def write_ahead(engine: Engine) -> None:
    """Let a SQLite log be read while it is written; for good, and only once it is known to be a log."""
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + PATIENCE
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except SqliteOperationalError as error:  # SQLite does not wait here, whatever its timeout is
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise UserError(f"{engine.url.database}: {_sentence(str(error))}") from error
                time.sleep(0.01)
    finally:
        connection.close()


def _set_up_sqlite(connection: SqliteConnection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, not where the driver guesses
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(
        "PRAGMA trusted_schema=OFF"
    )  # what the file defines calls no function that does more than compute
    connection.execute(f"PRAGMA journal_size_limit={_JOURNAL}")


def _set_up_postgresql(connection: DBAPIConnection, _: object) -> None:
    for name, value in SERVER_SETTINGS.items():
        connection.cursor().execute(f"SET {name} = '{value}'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    # a writer that begins as a reader is turned away when another has written meanwhile, however long it would wait
    writes = connection.get_execution_options().get("steelsight_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn what a database refuses to do into one sentence for the user; the engine may be used on."""
    try:
        yield
    except IntegrityError:
        raise
    except NoConnection as error:
        raise UserError(
            f"{shown(url)}: all connections to the log have been busy for half a minute; ask again"
        ) from error
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        sentence = _sentence(said) if url.drivername == "sqlite" else f"the database refuses or is silent: {said}"
        raise UserError(f"{shown(url)}: {sentence}") from error


@contextmanager
def damaged_content(url: URL) -> Iterator[None]:
    """Turn what comes of a value that no station writes into one sentence for the user."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        said = " ".join(str(error).split())[:100]
        raise UserError(
            f"{shown(url)}: the log holds something that no station writes ({said}); {_PUT_BACK}"
        ) from error


_PUT_BACK = (
    "stop the station, move this file away together with the -wal and -shm files beside it, and put a backup in its "
    "place: images newer than the backup are kept"
)


def _sentence(said: str) -> str:
    for words, sentence in (
        ("disk is full", "the disk is full; free some space (nothing was half-written)"),
        (
            "file is not a database",
            f"this file is no SQLite database; name another, or, if it was the log, {_PUT_BACK}; `steelsight log adopt` "
            "begins a new log if there is no backup, and removes no image either",
        ),
        (
            "malformed",
            f"the log is damaged; {_PUT_BACK}; `sqlite3 FILE .recover` saves what is readable; without either, `steelsight "
            "log adopt` begins a new log and removes no image",
        ),
        ("disk I/O error", "the disk can not be read or written; look at the disk and its connection"),
        (
            "database is locked",
            f"another program has held the log for {WRITE_SECONDS:.0f} s; end it, or wait until it is done",
        ),
        ("readonly database", "the log may not be written to; change its rights or those of its folder"),
        ("unable to open", "the log can not be opened; look whether its folder is there and may be written to"),
    ):
        if words in said:
            return sentence
    return f"the database refuses: {said}"
