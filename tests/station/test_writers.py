"""A data folder knows the names of the stations that write into it."""

import os
import stat
from pathlib import Path

import pytest

from steelsight.core.errors import UserError
from steelsight.station.log.log import InspectionLog
from steelsight.station.settings import StationSettings
from steelsight.station.writers import FOLDER, note_writer, own_names, writers_of


def test_names_are_read_back_as_the_log_keeps_them(tmp_path: Path) -> None:
    assert writers_of(tmp_path / "new") == frozenset()
    for name in ("line1", "Ω/../x", "a\udcff", "line1"):
        note_writer(tmp_path / "new", name)
    assert writers_of(tmp_path / "new") == {"line1", "Ω/../x", "a\\udcff"}
    files = list((tmp_path / "new" / FOLDER).iterdir())
    assert len(files) == 3
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_is_no_name_is_passed_over(tmp_path: Path) -> None:
    note_writer(tmp_path, "line1")
    (tmp_path / FOLDER / "00.txt").touch()
    (tmp_path / FOLDER / ".ab.part.txt").write_text("half")
    assert writers_of(tmp_path) == {"line1"}


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER / "ab.txt").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be read"):
        writers_of(tmp_path)


def test_all_entries_of_a_log_that_lies_in_the_folder_are_its_own(tmp_path: Path) -> None:
    note_writer(tmp_path, "line1")
    for database, own in ((None, None), (f"sqlite:///{tmp_path}/other.sqlite", {"page", "line1"})):
        settings = StationSettings(data=tmp_path, name="page", database=database)
        with InspectionLog.open(settings.url) as log:
            assert own_names(log, settings) == own
