"""Whether a database has the present schema, asked without Alembic, which nearly all starts can do without."""

from sqlalchemy import Engine, inspect, text

from steelsight.core.errors import UserError
from steelsight.station.log.tables import VERSION_TABLE, metadata

SCHEMA = "0005"
"""Revision of the latest file in migrations/versions."""


def refuse_programs(engine: Engine, name: str) -> None:
    """See that a SQLite file holds nothing that acts by itself, or that passes for a table of the log: a log has no trigger.

    Args:
        name: of the log in the message.

    Raises:
        UserError: it does.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection, connection.begin():
        found = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).all()
    own = {*metadata.tables, VERSION_TABLE}
    for kind, called, sql in found:
        is_virtual = kind == "table" and not str(sql).upper().startswith("CREATE TABLE")
        if kind == "trigger" or (str(called).lower() in own and (kind == "view" or is_virtual)):
            what = "virtual table" if is_virtual else kind
            raise UserError(
                f"{name}: it holds the {what} {called!r}, which no steelsight makes, so it is not used as a log; remove it "
                "with the program that made it, or put a backup in its place"
            )


def is_current(engine: Engine) -> bool:
    """Whether a log is there and has the present schema."""
    with engine.connect() as connection, connection.begin():
        if not inspect(connection).has_table(VERSION_TABLE):
            return False
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
    return list(found) == [SCHEMA]
