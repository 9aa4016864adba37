"""`steelsight data doubt` as a user runs it."""

import csv
import json
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run

from steelsight.dataset.read import read_dataset
from steelsight.run.record import read_record


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    make_run(folder, {"c0": 0.1, "s0": 0.3}, every=4)
    return folder


def test_it_writes_table_page_and_labels(run: Path, tmp_path: Path) -> None:
    done = run_cli("data", "doubt", run, "--out", tmp_path / "doubt", "--most", "5", "--labels", "labelme")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "doubt" / "doubt.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    record = read_record(run)
    assert sorted(row["image"] for row in rows) == sorted(sample.image_id for sample in record.samples)
    assert [float(row["doubt"]) for row in rows] == sorted((float(row["doubt"]) for row in rows), reverse=True)
    assert rows[0]["image"] in done.stdout
    page = (tmp_path / "doubt" / "index.html").read_text("utf-8")
    assert page.count("<img ") == 5
    labels = read_dataset(tmp_path / "doubt" / "labels_labelme")
    assert {sample.image_id for sample in labels.samples} == {row["image"] for row in rows[:5]}
    assert labels.faults == ()
    for sample in labels.samples:  # the masks as they are; what networks see is of a class of its own
        truth = next(one for one in record.samples if one.image_id == sample.image_id)
        for name, runs in zip(record.classes, truth.runs, strict=True):
            there = sample.runs[labels.classes.index(name)].area if name in labels.classes else 0
            assert there == runs.area
    assert all(name.rstrip("?") in record.classes for name in labels.classes)
    refused = run_cli("data", "doubt", run, "--out", tmp_path / "doubt", "--labels", "labelme")
    assert refused.returncode == 2
    assert "is already there" in refused.stderr


def test_its_place_is_the_run_unless_told(run: Path) -> None:
    done = run_cli("data", "doubt", run, "--json")
    found = json.loads(done.stdout)
    assert found["wrote"] == [str(run / "doubt" / "doubt.csv"), str(run / "doubt" / "index.html")]
    assert [one["rank"] for one in found["doubts"]] == list(range(1, len(found["doubts"]) + 1))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    refused = run_cli("data", "doubt", tmp_path)
    assert refused.returncode == 2
    assert "no RUN" in refused.stderr
