"""A log of the present schema is known without Alembic."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from steelsight.station.log import migrations
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.schema import SCHEMA, is_current


def test_the_present_schema_is_that_of_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_only_a_log_of_the_present_schema_is_current(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    engine = create_engine(url)
    assert not is_current(engine)
    InspectionLog.open(url).close()
    assert is_current(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE steelsight_log_schema SET version_num = '9999'")
    assert not is_current(engine)
