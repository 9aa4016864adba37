"""A log as an earlier schema left it."""

from typing import Any

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import VERSION_TABLE, expired_images, inspections, log_audit, log_identity


def make_older(url: Any, schema: str = "0001") -> None:
    """Take back from a log what came after an earlier schema."""
    with InspectionLog.open(url) as log:
        with log.writing() as connection:
            columns = ["counted", *(("suspected", "suspected_runs") if schema < "0003" else ())]
            for name in columns:
                connection.exec_driver_sql(f"ALTER TABLE {inspections.name} DROP COLUMN {name}")
            tables = [log_audit] if schema < "0004" else []
            for table in (*tables, *((log_identity, expired_images) if schema < "0002" else ())):
                table.drop(connection)
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{schema}'")
        log._engine.dispose()
