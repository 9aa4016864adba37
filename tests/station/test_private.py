"""A station's folder is closed to other accounts: a new one, and one that an older steelsight left open."""

import logging
import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from steelsight.station.log.identity import open_log
from steelsight.station.private import keep_private
from steelsight.station.settings import StationSettings
from steelsight.station.writers import note_writer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")


def modes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def old_station(data: Path) -> Path:
    open_log(StationSettings(data=data)).close()
    note_writer(data, "line 1")
    (data / "images" / "ab").mkdir(parents=True)
    (data / "images" / "ab" / "a.jpg").write_bytes(b"")
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return data


def test_an_older_station_is_closed_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = old_station(tmp_path / "data")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            open_log(StationSettings(data=data)).close()
    (said,) = [one.message for one in caplog.records]  # the log's own two files beside it are there while it is open
    assert said == f"{data}: other accounts could read it; 10 files and folders are now this account's alone"
    assert data.stat().st_mode & 0o777 == 0o700
    assert modes(data) == {
        "images": 0o700,
        "images/ab": 0o700,
        "images/ab/a.jpg": 0o600,
        "log.sqlite": 0o600,
        "station.json": 0o600,
        "stations": 0o700,
        f"stations/{next((data / 'stations').iterdir()).name}": 0o600,
    }


def test_a_folder_with_other_things_stays_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = old_station(tmp_path / "data")
    (data / "report.html").write_text("")
    (data / "report.html").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        keep_private(data, make_url(f"sqlite:///{data}/log.sqlite"))
    assert data.stat().st_mode & 0o777 == 0o755
    assert modes(data)["report.html"] == 0o644
    assert modes(data)["log.sqlite"] == 0o600
    assert "which stays so, since it holds other things too" in caplog.text


def test_images_that_are_not_the_stations_stay_as_they_are(tmp_path: Path) -> None:
    """A folder of data may have had images, as of a dataset, before a station worked in it."""
    data = old_station(tmp_path / "data")
    for name in ("images/a.jpg", "images/train/b.jpg", "maps/plan.png"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"")
    theirs = {"images", "images/a.jpg", "images/train", "images/train/b.jpg", "maps", "maps/plan.png"}
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_log(StationSettings(data=data)).close()
    assert data.stat().st_mode & 0o777 == 0o755
    assert {name for name, mode in modes(data).items() if mode & 0o077} == theirs


def test_a_folder_behind_a_link_is_closed_too(tmp_path: Path) -> None:
    data, link = old_station(tmp_path / "disk"), tmp_path / "data"
    link.symlink_to(data)
    open_log(StationSettings(data=link)).close()
    assert data.stat().st_mode & 0o777 == 0o700
    assert not any(mode & 0o077 for mode in modes(data).values())


def test_a_link_to_nothing_keeps_nothing_open(tmp_path: Path) -> None:
    data = old_station(tmp_path / "data")
    (data / "images" / "ab" / "b.jpg").symlink_to("nowhere")
    open_log(StationSettings(data=data)).close()
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "images" / "ab" / "a.jpg").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_account_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = old_station(tmp_path / "data")
    for path in (data, *data.rglob("*")):
        os.chown(path, 65534, -1)
    before = modes(data)
    with caplog.at_level(logging.WARNING):
        keep_private(data, make_url(f"sqlite:///{data}/log.sqlite"))
    assert modes(data) == before
    assert "which stays so, since it belongs to another account" in caplog.text
