"""A log as an earlier schema left it."""

from typing import Any

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import VERSION_TABLE, expired_images, inspections, log_audit, log_identity


def make_older(url: Any, schema: str = "0001") -> None:
    """Take back from a log what came after an earlier schema."""
    with InspectionLog.open(url) as log:
        with log.writing() as connection:
            log_audit.drop(connection)
            if schema == "0003":
                connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{schema}'")
                return
            for name in ("suspected", "suspected_runs"):
                connection.exec_driver_sql(f"ALTER TABLE {inspections.name} DROP COLUMN {name}")
            if schema == "0001":
                for table in (log_identity, expired_images):
                    table.drop(connection)
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{schema}'")
        log._engine.dispose()
