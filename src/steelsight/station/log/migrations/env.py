"""What Alembic runs around the migrations: on the connection, and in the transaction, of the one who opens the log."""

from alembic import context

from steelsight.station.log.tables import VERSION_TABLE, metadata


def run() -> None:
    """Bring the connection given by `steelsight.station.log.migrate` to the wanted schema."""
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
    )
    context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file; an import for its own sake does nothing
    run()
