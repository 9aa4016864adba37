"""Whether a database has the present schema, asked without Alembic, which nearly all starts can do without."""

from sqlalchemy import Engine, inspect, text

from steelsight.station.log.tables import VERSION_TABLE

SCHEMA = "0002"
"""Revision of the latest file in migrations/versions."""


def is_current(engine: Engine) -> bool:
    """Whether a log is there and has the present schema."""
    with engine.connect() as connection, connection.begin():
        if not inspect(connection).has_table(VERSION_TABLE):
            return False
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
    return list(found) == [SCHEMA]
