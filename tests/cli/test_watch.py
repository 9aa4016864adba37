"""`steelsight watch` as a user runs it, and kills it."""

import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from csv import DictReader
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE, run_cli, start_cli
from helpers.serving import make_judging_inspector
from helpers.tiny_inspector import make_inspector

from steelsight.cli.watch import watch
from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images
from steelsight.imaging.roi import Polygons, Roi
from steelsight.inspector.artifact import write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector

IMAGES = list_images(SAMPLE / "train_images")
QUICK = ("--settle", "0.1", "--poll", "0.1", "--device", "cpu", "--threads", "1")


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    (tmp_path / "line").mkdir()
    return tmp_path / "line"


def logged(data: Any) -> Any:
    """Names in the log, in the order of their numbers."""
    if not (data / "log.sqlite").is_file():
        return []
    with closing(sqlite3.connect(data / "log.sqlite", timeout=10)) as connection:
        try:
            return [name for (name,) in connection.execute("SELECT name FROM inspections ORDER BY id")]
        except sqlite3.OperationalError:  # the tables are not there yet
            return []


def rows(out: Any) -> Any:
    with (out / "images.csv").open(encoding="utf-8", newline="") as stream:
        return [(int(row["LogId"]), row["ImageId"]) for row in DictReader(stream)]


def until(holds: Any, process: Any) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_again_and_again_every_image_is_inspected_exactly_once(
    inspector: Any, folder: Any, tmp_path: Path
) -> None:
    draw, data, out, done = random.Random(3), tmp_path / "data", tmp_path / "out", tmp_path / "done"
    names = [path.name for path in IMAGES[:36]]
    command = ("watch", inspector, folder, "--data", data, "--out", out, *QUICK)
    for number in range(3):
        for path in IMAGES[12 * number : 12 * number + 12]:
            shutil.copy(path, folder)
        process = start_cli(*command, *(("--move", done) if number % 2 else ()))
        wanted = len(logged(data)) + draw.randint(1, 8)
        until(lambda wanted=wanted: len(logged(data)) >= wanted, process)
        time.sleep(draw.uniform(0, 0.05))
        process.kill()
        process.wait()
        process.stderr.close()
    (folder / "broken.jpg").write_bytes(IMAGES[60].read_bytes()[:9000])
    finished = run_cli(*command, "--move", done, "--once", "--patience", "0.2")
    assert finished.returncode == 3, finished.stderr
    assert "broken.jpg: the decoder says: Premature end of JPEG file (9000 bytes)" in finished.stderr
    assert sorted(logged(data)) == sorted([*names, "broken.jpg"])
    assert sorted(rows(out)) == list(enumerate(logged(data), start=1))
    assert list(folder.iterdir()) == []
    assert {path.name: path.read_bytes() for path in done.iterdir() if path.name != "broken.jpg"} == {
        path.name: path.read_bytes() for path in IMAGES[:36]
    }


def test_its_tables_say_what_inspect_says_also_of_a_region_of_interest(folder: Any, tmp_path: Path) -> None:
    inspector = make_judging_inspector(tmp_path / "inspector")
    card = Inspector.open(inspector).card
    left = Roi(polygons=Polygons(inside=(((0, 0), (0.4, 0), (0.4, 1), (0, 1)),)))
    write_card(inspector, card.with_roi(left).with_policy(card.policy))
    write_checksums(inspector)
    for path in IMAGES[:4]:
        shutil.copy(path, folder)
    run_cli("inspect", inspector, folder, "--out", tmp_path / "said", "--device", "cpu", "--threads", "1")
    run_cli("watch", inspector, folder, "--data", tmp_path / "data", "--out", tmp_path / "out", *QUICK, "--once")
    said, written = (
        {row["ImageId"]: row for row in DictReader((tmp_path / out / "images.csv").open(encoding="utf-8", newline=""))}
        for out in ("said", "out")
    )
    assert any(float(row[name]) for row in said.values() for name in row if name.startswith("share_"))
    assert said == {name: {column: row[column] for column in said[name]} for name, row in written.items()}


def test_a_watch_that_ends_by_itself_keeps_to_its_limits(inspector: Any, folder: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for path in IMAGES[:3]:
        shutil.copy(path, folder)
    ended = run_cli("watch", inspector, folder, "--data", data, "--once", "--keep-gb", "1e-9", *QUICK)
    assert ended.returncode == 0, ended.stderr
    assert len(logged(data)) == 3
    assert list(data.glob("images/*/*.*")) == []


def test_a_damaged_log_that_is_moved_away_takes_no_image_with_it(inspector: Any, folder: Any, tmp_path: Path) -> None:
    """As the message on a damaged log advises, and without a backup."""
    data = tmp_path / "data"
    command = ("watch", inspector, folder, "--data", data, "--once", *QUICK)
    for path in IMAGES[:4]:
        shutil.copy(path, folder)
    assert run_cli(*command).returncode == 0
    stored = sorted(path.relative_to(data) for path in data.glob("images/*/*"))
    assert len(stored) == 4
    for name in ("log.sqlite", "log.sqlite-wal", "log.sqlite-shm"):
        if (data / name).exists():
            shutil.move(data / name, tmp_path / name)
    for path in data.glob("images/*/*"):
        os.utime(path, (5, 5))
    refused = run_cli(*command)
    assert refused.returncode == 2
    assert "log.sqlite: there is no log here, and none was made" in refused.stderr
    assert "`steelsight log adopt`" in refused.stderr
    assert not (data / "log.sqlite").exists()
    adopted = run_cli("log", "adopt", "--data", data)
    assert adopted.returncode == 0, adopted.stderr
    assert sorted(path.relative_to(data / "unknown") for path in data.glob("unknown/images/*/*")) == stored
    (folder / IMAGES[3].name).unlink()
    assert run_cli(*command).returncode == 0  # inspects what still lies in the folder, with a log of its own
    assert run_cli("log", "prune", "--data", data).returncode == 0
    assert len(list(data.glob("images/*/*"))) == 3
    assert len(list(data.glob("unknown/images/*/*"))) == 1


def test_without_the_url_of_its_database_a_station_does_not_start(inspector: Any, folder: Any, tmp_path: Path) -> None:
    data, url = tmp_path / "data", f"sqlite:///{tmp_path}/mill.sqlite"
    shutil.copy(IMAGES[0], folder)
    command = ("watch", inspector, folder, "--data", data, "--once", *QUICK)
    assert run_cli(*command, "--database", url).returncode == 0
    refused = run_cli(*command)
    assert refused.returncode == 2
    assert "mill.sqlite); name that log or its database's URL" in refused.stderr
    assert not (data / "log.sqlite").exists()
    assert len(list(data.glob("images/*/*"))) == 1
    assert run_cli(*command, "--database", url).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has other signals")
def test_two_watchers_of_one_folder_share_the_work_and_end_in_good_order(
    inspector: Any, folder: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    outs = [tmp_path / "one", tmp_path / "other"]
    watchers = [start_cli("watch", inspector, folder, "--data", data, "--out", out, *QUICK) for out in outs]
    for out, process in zip(outs, watchers, strict=True):
        until((out / "images.csv").exists, process)
    for path in IMAGES[:30]:
        shutil.copy(path, folder)
    until(lambda: len(logged(data)) >= 30, watchers[0])
    time.sleep(0.5)
    watchers[0].send_signal(signal.SIGTERM)
    watchers[1].send_signal(signal.SIGINT)
    said = [process.communicate(timeout=30)[1] for process in watchers]
    assert [process.returncode for process in watchers] == [0, 130], said
    assert all("images inspected" in one and "--resume" not in one for one in said)
    assert sorted(logged(data)) == sorted(path.name for path in IMAGES[:30])
    for out in outs:  # either may have been at the files before the other, but neither says anything twice
        assert set(rows(out)) <= set(enumerate(logged(data), start=1))
        assert len(set(rows(out))) == len(rows(out))


@pytest.mark.skipif(os.name != "posix", reason="Windows has other signals")
def test_a_second_signal_ends_it_at_once_and_loses_nothing(inspector: Any, folder: Any, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    process = start_cli("watch", inspector, folder, "--data", data, "--out", out, *QUICK)
    until((out / "images.csv").exists, process)
    with closing(sqlite3.connect(data / "log.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the result waits for this program to end
        shutil.copy(IMAGES[0], folder)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert "ended at once" in said
    run_cli("watch", inspector, folder, "--data", data, "--out", out, "--once", *QUICK)
    assert logged(data) == [IMAGES[0].name]


@pytest.mark.skipif(os.name != "posix", reason="Windows has other links")
def test_a_single_run_that_could_not_look_at_a_file_does_not_end_as_if_all_was_done(
    inspector: Any, folder: Any, tmp_path: Path
) -> None:
    (folder / "a.jpg").symlink_to("a.jpg")
    finished = run_cli("watch", inspector, folder, "--data", tmp_path / "data", "--once", *QUICK)
    assert "a.jpg: cannot be looked at" in finished.stderr
    assert finished.returncode == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"folder": Path("nowhere")}, "nowhere: no such folder"),
        ({"folder": Path("line"), "move": "line"}, "that is the watched folder itself"),
        ({"folder": Path("line"), "data": Path("line")}, "would lie among the images"),
    ],
)
def test_what_cannot_be_watched_is_said(
    inspector: Any, folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: Any, said: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        watch(inspector, **more)
