"""Who may write into a watched folder: dates that no database counts, pipes in an image's place, links to files elsewhere."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import IMAGES

from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import Query
from steelsight.station.watch.content import Content, ReadFault, read_whole
from steelsight.station.watch.move_files import move
from steelsight.station.watch.scan import Entry, scan

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "line"
    made.mkdir()
    return made


def watch_once(inspector: Any, folder: Path, data: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "steelsight.cli.main", "watch", inspector, folder, "--data", data, "--once"]
    more = ["--settle", "0", "--patience", "1", "--threads", "1"]
    return subprocess.run([*map(str, command), *more], capture_output=True, text=True, timeout=100, check=False)


def names(data: Path) -> list[str]:
    with InspectionLog.open(f"sqlite:///{data}/log.sqlite") as log:
        return [one.result.name for one in log.find(Query(limit=100)).inspections]


@pytest.mark.parametrize("seconds", [2**34, -(2**31)])  # 2514 and 1901
def test_a_file_of_any_date_is_inspected_once(
    inspector_folder: Any, folder: Path, tmp_path: Path, seconds: int
) -> None:
    shutil.copy(IMAGES[0], folder / "a.jpg")
    os.utime(folder / "a.jpg", (seconds, seconds))
    for _ in range(2):
        done = watch_once(inspector_folder, folder, tmp_path / "data")
        assert done.returncode == 0, done.stderr
    assert names(tmp_path / "data") == ["a.jpg"]


def test_a_link_that_leads_out_is_named_and_not_read(inspector_folder: Any, folder: Path, tmp_path: Path) -> None:
    shutil.copy(IMAGES[0], tmp_path / "private.jpg")
    (folder / "a.jpg").symlink_to("../private.jpg")
    shutil.copy(IMAGES[1], folder / "b.jpg")
    (folder / "c.jpg").symlink_to("b.jpg")
    done = watch_once(inspector_folder, folder, tmp_path / "data")
    assert done.returncode == 3
    assert "a.jpg: left out: a link to a file outside of the folder, which is not followed" in done.stderr
    assert sorted(names(tmp_path / "data")) == ["b.jpg", "c.jpg"]


def test_no_name_steers_the_terminal_or_makes_a_line_of_its_own(
    inspector_folder: Any, folder: Path, tmp_path: Path
) -> None:
    for name in ("\x1b[2Jred.jpg", "a\nb.jpg", "\u202egpj.jpg"):
        (folder / name).write_bytes(b"no image")
    (folder / "\x1b[2Jsub").mkdir()
    (folder / "\x1b[2Jsub" / "c.jpg").write_bytes(b"")
    said = watch_once(inspector_folder, folder, tmp_path / "data").stderr
    assert all(line.isprintable() for line in said.splitlines())
    assert r"a\x0ab.jpg: not an image but text" in said
    assert r"\x1b[2Jsub: left out: a subfolder" in said
    assert not [line for line in said.splitlines() if line.startswith("b.jpg")]


def in_time(work: Any) -> Any:
    """What a function gives, which must not wait for ever."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(20)
    assert found, "it waits for ever"
    return found[0]


def seen(folder: Path, name: str = "a.jpg") -> Entry:
    return scan(folder, below=True).entries[name]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path) -> None:
    shutil.copy(IMAGES[0], folder / "a.jpg")
    entry = seen(folder)
    (folder / "a.jpg").unlink()
    os.mkfifo(folder / "a.jpg")
    found = in_time(lambda: read_whole(folder, entry, most=10_000_000))
    assert isinstance(found, ReadFault)
    assert "it is no file but a pipe, a device or a folder" in found.sentence


def test_a_link_in_the_place_of_a_file_or_of_a_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (folder / "sub").mkdir()
    for place in (folder / "a.jpg", folder / "sub" / "b.jpg", tmp_path / "away" / "b.jpg"):
        shutil.copy2(IMAGES[0], place)
    first, second = seen(folder), seen(folder, "sub/b.jpg")
    assert isinstance(read_whole(folder, first, most=10_000_000), Content)
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to("../away/b.jpg")
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to("../away")
    for entry in (first, second):
        found = read_whole(folder, entry, most=10_000_000)
        assert isinstance(found, ReadFault)
        assert "it leads to a file outside of the folder" in found.sentence


def test_a_link_that_leads_out_is_not_moved_either(folder: Path, tmp_path: Path) -> None:
    shutil.copy2(IMAGES[0], tmp_path / "private.jpg")
    shutil.copy2(IMAGES[0], folder / "a.jpg")
    entry = seen(folder)
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to("../private.jpg")
    with pytest.raises(OSError, match="it leads to a file outside of the folder"):
        move(folder, entry, tmp_path / "done")
    assert not list((tmp_path / "done").iterdir())


def test_a_folder_that_is_exchanged_for_a_link_gives_no_file_of_elsewhere_away(tmp_path: Path) -> None:
    """Between the inspection and the move; the other file has the same name, size and time."""
    watched, elsewhere = tmp_path / "watched", tmp_path / "elsewhere"
    for folder in (watched / "line", elsewhere):
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(folder.name[:4].encode())
        os.utime(folder / "a.jpg", ns=(0, 10**18))
    entry = scan(watched, below=True).entries["line/a.jpg"]
    (watched / "line").rename(tmp_path / "away")
    (watched / "line").symlink_to(elsewhere)
    assert (watched / "line" / "a.jpg").stat().st_size == entry.size
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        move(watched, entry, tmp_path / "done")
    assert (elsewhere / "a.jpg").read_bytes() == b"else"
    assert not list((tmp_path / "done").rglob("*.jpg"))
