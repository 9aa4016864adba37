"""How long a database is waited for: kept on this side, since a server that hangs keeps no limit of its own.

A stopped server still acknowledges what it is sent, so that neither its `statement_timeout` nor TCP's keepalives end a wait.
"""

import time
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 5.0
"""For a connection, and for the question whether one that was idle still answers."""
WRITE_SECONDS = 10.0
"""For one statement of a transaction that writes, and for another writer to end."""
READ_SECONDS = 30.0
"""For one statement that reads."""
PRUNE_SECONDS = 60.0
"""For one statement of retention, which nobody waits for."""
MIGRATE_SECONDS = 3600.0
"""For one statement that moves an older log forward, and within it a minute for another station that does so."""

SERVER_SETTINGS = {
    "lock_timeout": f"{WRITE_SECONDS - 2:.0f}s",
    "statement_timeout": f"{PRUNE_SECONDS:.0f}s",
    "idle_in_transaction_session_timeout": f"{PRUNE_SECONDS:.0f}s",
}
"""So that a PostgreSQL that lives gives up as well, and lets go of what a station that hangs has locked."""
TRANSPORT = {
    "connect_timeout": int(CONNECT_SECONDS),
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": int(1000 * WRITE_SECONDS),
}
"""What libpq is told, unless the database's URL says something else: a machine that is gone is noticed in 25 s."""


def wait_at_most(connection: Connection, seconds: float) -> None:
    """Let no statement of this transaction take longer; SQLite's has a limit of its own."""
    driver = connection.connection.driver_connection
    if driver is not None and hasattr(driver, "patience"):
        driver.patience = seconds


def forget_patience(driver: DBAPIConnection | None, _: object) -> None:
    """A connection that goes back to the pool is next asked whether it still answers."""
    if driver is not None:
        driver.patience = CONNECT_SECONDS


@cache
def patient_connection() -> "type[psycopg.Connection[Any]]":
    """The class of PostgreSQL's connections that end when the server is silent for `patience` seconds.

    Raises:
        ModuleNotFoundError: psycopg is not installed.
    """
    import psycopg

    class Patient(psycopg.Connection[Any]):
        """One that hangs is closed: what it was asked to do may have been done or not."""

        patience = CONNECT_SECONDS

        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
            """Await what the server answers."""
            try:
                return super().wait(_until(gen, self.patience), *args, **kwargs)
            except _SilentError:
                self.pgconn.finish()
                raise psycopg.OperationalError(
                    f"no answer for {self.patience:g} s; see whether the server runs and can be reached"
                ) from None

    return Patient


class _SilentError(Exception):
    """Nothing came in time."""


def _until(asked: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """The same, ended after so many seconds; psycopg looks in ten times a second, with nothing ready."""
    last = time.monotonic() + seconds
    try:
        wanted = next(asked)
        while True:
            ready = yield wanted
            if time.monotonic() > last:
                asked.close()
                raise _SilentError
            wanted = asked.send(ready)
    except StopIteration as end:
        return end.value
