"""The schema of a log: made in a new one, moved forward in an older one, refused when newer or foreign."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, inspect, text

from steelsight.core.errors import UserError
from steelsight.station.log.connect import PATIENCE, WRITES, NoLog, shown
from steelsight.station.log.patience import MIGRATE_SECONDS, WRITE_SECONDS, wait_at_most
from steelsight.station.log.tables import VERSION_TABLE, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_NUMBER = 7_358_031_147
"""Of PostgreSQL's advisory lock; any number that no one else uses."""
_alembic = Lock()  # it keeps the migration that is under way in a global


def migrate(engine: Engine, url: URL, *, make: bool = True) -> None:
    """Bring a log to the present schema, in one transaction that others wait for.

    Args:
        make: whether to make a log where there is none.

    Raises:
        UserError: the log is of a newer steelsight, or the database holds something else; or there is none and none is to be
            made.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _schema(connection) == scripts.get_current_head():
            return
    with (
        _alembic,
        engine.connect().execution_options(**WRITES) as connection,
        _rows_stay(connection),
        _more_patient(connection),
        connection.begin(),
    ):
        wait_at_most(connection, MIGRATE_SECONDS)
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE:.0f}s'"))
            connection.execute(text(f"SET LOCAL statement_timeout = '{MIGRATE_SECONDS:.0f}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        _check(connection, url, scripts, make)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _rows_stay(connection: Connection) -> Iterator[None]:
    """Keep what hangs on a table's rows while SQLite makes the table anew, as it must for most changes: the old one's end
    would take along found and reviews. To be entered before the transaction, within which the switch does nothing."""
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


@contextmanager
def _more_patient(connection: Connection) -> Iterator[None]:
    """Wait longer for another process that moves a SQLite log forward than for one that writes a result."""
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute(f"PRAGMA busy_timeout={1000 * PATIENCE:.0f}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout={1000 * WRITE_SECONDS:.0f}")


def _schema(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _check(connection: Connection, url: URL, scripts: ScriptDirectory, make: bool) -> None:
    schema = _schema(connection)
    if schema is None:
        there = set(inspect(connection).get_table_names())
        # a SQLite file is one program's own; a server's database may well be shared
        foreign = there if connection.dialect.name == "sqlite" else there & set(metadata.tables)
        if foreign:
            raise UserError(
                f"{shown(url)}: this database is not a log of steelsight (it has the table {min(foreign)!r}); "
                "name another one"
            )
        if not make:
            raise NoLog(f"{shown(url)}: there is no log; give the folder or database that a station writes to")
    elif schema not in {script.revision for script in scripts.walk_revisions()}:
        raise UserError(
            f"{shown(url)}: the log has schema {schema}, which a newer steelsight wrote (this one knows up to "
            f"{scripts.get_current_head()}); update steelsight"
        )
