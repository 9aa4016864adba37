"""`steelsight log` as a user types it, on what a station has logged."""

import getpass
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.data import ROOT, SAMPLE, run_cli
from helpers.station_results import CLASSES, INSPECTOR, make_result
from pyarrow import parquet

from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import list_images
from steelsight.station.log.audit import entries
from steelsight.station.log.log import InspectionLog
from steelsight.station.store import ImageStore


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The data folder of a station: three drawn strips, two of them reviewed, and an old one without."""
    data = tmp_path_factory.mktemp("station")
    store = ImageStore(data)
    with InspectionLog.open(f"sqlite:///{data}/log.sqlite") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        for number, path in enumerate(list_images(SAMPLE / "train_images")[:3]):
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            store.put_image(sha256, content)
            (one,) = log.add([make_result(number, name=path.name, sha256=sha256, at=datetime.now(UTC))])
            if number < 2:
                log.review(one.id, after_version=0, agrees=False, word="reject", runs=("1 5000", ""))
        log.add([make_result(9, verdict="pass", has_image=False)])
    return data


def test_export(station: Any, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    where = ["--database", f"sqlite:///{station}/log.sqlite", "--out", out]
    chosen = ["--reviewed", "--class", CLASSES[0], "--since", "2026-01-31", "--name", ".JPG", "--verdict", "review"]
    done = run_cli("log", "export", *where, *chosen, "--json")
    assert done.returncode == 0, done.stderr
    trail = tmp_path / "log.audit.jsonl"
    wrote = {"wrote": [str(out), str(trail)], "next": None, "bytes": out.stat().st_size, "audit_entries": 3}
    assert json.loads(done.stdout) == wrote
    assert run_cli("log", "verify", "--file", trail).returncode == 0
    assert parquet.read_table(out)["word"].to_pylist() == ["reject", "reject"]


def test_verify(station: Any, tmp_path: Path) -> None:
    data = shutil.copytree(station, tmp_path / "station")
    done = run_cli("log", "verify", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["entries"], said["reviews"]) == (3, 2)
    assert f"head: {said['head']} of " in run_cli("log", "verify", "--data", data, "--head", said["head"]).stdout
    with sqlite3.connect(data / "log.sqlite") as connection:
        connection.execute("UPDATE reviews SET word = 'pass'")
    done = run_cli("log", "verify", "--data", data)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the reviews were changed: version 1 of inspection 1 is not what the audit trail tells of it" in done.stderr
    done = run_cli("log", "verify", "--data", data, "--head", "0" * 64)
    assert done.returncode == 2
    assert "so that its end was cut off, or it was made anew" in done.stderr


def test_what_is_done_on_the_command_line_is_in_the_trail(station: Any, tmp_path: Path) -> None:
    data = shutil.copytree(station, tmp_path / "station")
    assert run_cli("log", "adopt", "--data", data).returncode == 0
    assert run_cli("log", "prune", "--data", data, "--keep-days", "0.01").returncode == 0
    with InspectionLog.open(f"sqlite:///{data}/log.sqlite") as log, log.reading() as connection:
        told = [(one.kind, one.who, one.role) for one in entries(connection)][-2:]
    assert told == [("adopt", getpass.getuser(), "shell"), ("prune", getpass.getuser(), "shell")]


def test_corrections_are_a_dataset(station: Any, tmp_path: Path) -> None:
    done = run_cli("log", "corrections", "--data", station, "--out", tmp_path / "new", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["images"], said["defective"], said["left_out"]) == (2, 2, [])
    assert said["next"] == f"steelsight data check {tmp_path / 'new'}"
    assert len(read_dataset(tmp_path / "new").samples) == 2


def test_prune(station: Any, tmp_path: Path) -> None:
    data = tmp_path / "station"
    shutil.copytree(station, data)
    done = run_cli("log", "prune", "--data", data, "--keep-days", "30", "--json")
    assert done.returncode == 0, done.stderr
    assert {"inspections": 1, "images": 0, "bytes": 0}.items() <= json.loads(done.stdout).items()


def test_prune_with_a_log_that_did_not_store_the_images(station: Any, tmp_path: Path) -> None:
    data, other = tmp_path / "station", tmp_path / "other.sqlite"
    shutil.copytree(station, data)
    assert run_cli("log", "prune", "--data", data).returncode == 0
    InspectionLog.open(f"sqlite:///{other}").close()
    for path in data.glob("images/*/*"):
        os.utime(path, (5, 5))
    where = ("--data", data, "--database", f"sqlite:///{other}")
    done = run_cli("log", "prune", *where, "--keep-gb", "0.001")
    assert done.returncode == 2
    assert f"{data}: its images belong to another log (log.sqlite) than {other}, and nothing was touched" in done.stderr
    assert len(list(data.glob("images/*/*"))) == 3
    (data / "log.sqlite").unlink()
    done = run_cli("log", "adopt", *where)
    assert done.returncode == 0, done.stderr
    assert "3 files that it does not name were moved to" in done.stdout
    done = run_cli("log", "prune", *where, "--json")
    assert {"images": 0, "moved_aside": 0, "moved_back": 0}.items() <= json.loads(done.stdout).items()
    assert len(list(data.glob("unknown/images/*/*"))) == 3


def test_prune_after_the_documented_move_from_sqlite(station: Any, tmp_path: Path) -> None:
    """As docs/station.md says it, with `log.sqlite` left in place: what only that one can name stays, and that is said."""
    data = tmp_path / "station"
    shutil.copytree(station, data)
    where = ("--data", data, "--database", f"sqlite:///{tmp_path}/new.sqlite")
    assert run_cli("log", "prune", "--data", data).returncode == 0  # an old station
    assert run_cli("log", "adopt", *where).returncode == 0
    stored = sum(path.stat().st_size for path in data.glob("images/*/*"))
    maps = bytes(1_000_000 - stored // 2)  # the limit holds these, but not all
    with InspectionLog.open(f"sqlite:///{tmp_path}/new.sqlite") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        ImageStore(data).put_maps("ab" * 32, INSPECTOR, maps)
        log.add([make_result(0, sha256="ab" * 32, at=datetime.now(UTC))])
    done = run_cli("log", "prune", *where, "--keep-gb", "0.001")
    assert done.returncode == 0, done.stderr
    assert (
        f"{data}: {stored / 1e6:.1f} MB of images there are named by log.sqlite there, or by no entry of this log"
        in done.stdout
    )
    done = run_cli("log", "prune", *where, "--keep-gb", "0.001", "--json")
    assert {"images": 0, "moved_aside": 0, "bytes_of_another_log": stored}.items() <= json.loads(done.stdout).items()
    assert len(list(data.glob("images/*/*"))) == 3
    assert len(list(data.glob("maps/*/*"))) == 1


@pytest.mark.parametrize("limit", [("--keep-days", "30"), ("--keep-gb", "0.001")], ids=["age", "size"])
def test_prune_leaves_what_log_sqlite_names_as_well(station: Any, tmp_path: Path, limit: Any) -> None:
    """After the move a `watch` inspects again what still lies in its folder, also what was reviewed before the move."""
    data = tmp_path / "station"
    shutil.copytree(station, data)
    where = ("--data", data, "--database", f"sqlite:///{tmp_path}/new.sqlite")
    assert run_cli("log", "prune", "--data", data).returncode == 0  # an old station
    assert run_cli("log", "adopt", *where).returncode == 0
    with InspectionLog.open(f"sqlite:///{tmp_path}/new.sqlite") as log:
        log.register(INSPECTOR, CLASSES, "{}")
        log.add([make_result(number, sha256=path.stem) for number, path in enumerate(data.glob("images/*/*"))])
        for path in data.glob("images/*/*"):
            ImageStore(data).put_maps(path.stem, INSPECTOR, bytes(500_000))
    for path in data.glob("[im]*/*/*"):
        os.utime(path, (5, 5))
    before = {path: path.stat().st_mtime_ns for path in data.rglob("log.sqlite*")}
    stored = ImageStore(data).size()
    done = run_cli("log", "prune", *where, *limit, "--json")
    assert done.returncode == 0, done.stderr
    left_over = stored if limit[0] == "--keep-gb" else 0
    said = {"images": 0, "bytes_of_another_log": left_over, "another_log_unread": None}
    assert said.items() <= json.loads(done.stdout).items()
    assert len(list(data.glob("images/*/*"))) == 3
    assert {path: path.stat().st_mtime_ns for path in data.rglob("log.sqlite*")} == before
    (data / "log.sqlite").write_bytes(b"no log")
    done = run_cli("log", "prune", *where, *limit)
    assert done.returncode == 0, done.stderr
    assert f"{data}: log.sqlite there cannot be read (file is not a database), and any image there may" in done.stdout
    assert len(list(data.glob("images/*/*"))) == 3


def test_an_older_backup_then_prune(station: Any, tmp_path: Path) -> None:
    """As the message on a damaged log advises: what is newer than the backup is kept, and comes back with its log."""
    data = tmp_path / "station"
    shutil.copytree(station, data)
    store = ImageStore(data)
    with InspectionLog.open(f"sqlite:///{data}/log.sqlite") as log:
        shutil.copy(data / "log.sqlite", tmp_path / "backup.sqlite")
        for number, path in enumerate(list_images(SAMPLE / "train_images")[3:6], start=10):
            content = path.read_bytes()
            store.put_image(hashlib.sha256(content).hexdigest(), content)
            (one,) = log.add([make_result(number, sha256=hashlib.sha256(content).hexdigest(), at=datetime.now(UTC))])
        log.review(one.id, after_version=0, agrees=True, word="reject")
    shutil.move(data / "log.sqlite", tmp_path / "damaged.sqlite")
    shutil.copy(tmp_path / "backup.sqlite", data / "log.sqlite")
    for path in data.glob("images/*/*"):
        os.utime(path, (5, 5))
    done = run_cli("log", "prune", "--data", data, "--keep-days", "30", "--json")
    assert done.returncode == 0, done.stderr
    assert {"images": 0, "moved_aside": 3, "moved_back": 0}.items() <= json.loads(done.stdout).items()
    assert len(list(data.glob("images/*/*"))) == len(list(data.glob("unknown/images/*/*"))) == 3
    shutil.move(tmp_path / "damaged.sqlite", data / "log.sqlite")
    done = run_cli("log", "prune", "--data", data)
    assert f"moved 3 files back from {data / 'unknown'}" in done.stdout.replace("\n", "")
    assert len(list(data.glob("images/*/*"))) == 6


def test_a_folder_that_is_not_there_is_not_adopted(tmp_path: Path) -> None:
    done = run_cli("log", "adopt", "--data", tmp_path / "none")
    assert done.returncode == 2
    assert "none: no such folder; give the folder that a station writes to" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_kept_is_said_in_a_sentence(station: Any) -> None:
    refused = (
        ("--name", "", "the argument after --name is empty"),
        ("--name", "n" * 101, "--name: String should have at most 100 characters"),
        ("--keep-days", "1e9", "--keep-days: 1000000000.0 is refused: "),
    )
    for option, value, words in refused:
        done = run_cli("log", "prune", "--data", station, option, value)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_a_folder_without_a_log_stays_without(tmp_path: Path) -> None:
    done = run_cli("log", "export", "--data", tmp_path, "--out", tmp_path / "log.csv")
    assert done.returncode == 2
    assert "there is no log; give the folder or database that a station writes to" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "sqlalchemy.py").write_text("raise ModuleNotFoundError('no sqlalchemy', name='sqlalchemy')\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", "steelsight.cli.main", "log", "prune"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "this verb needs sqlalchemy" in done.stderr
    assert "pip install 'steelsight[serve]'" in done.stderr
