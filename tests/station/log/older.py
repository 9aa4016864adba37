"""A log as the first schema left it."""

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import VERSION_TABLE, expired_images, log_identity


def make_older(url):
    """Take back from a log what came with the second schema."""
    with InspectionLog.open(url) as log:
        with log.writing() as connection:
            for table in (log_identity, expired_images):
                table.drop(connection)
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
        log._engine.dispose()
