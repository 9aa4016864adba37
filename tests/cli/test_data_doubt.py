"""`steelsight data doubt` as a user runs it."""

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.judged_run import make_run
from helpers.random_run import random_run

from steelsight.core.safe_names import from_cell
from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import list_images
from steelsight.imaging.roi import choose_roi
from steelsight.run.record import read_record, write_record


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
    assert f"look at: {tmp_path / 'doubt' / 'index.html'}\n" in done.stdout
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


def test_labels_that_a_region_of_interest_has_cut_are_named(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    write_record(copy, replace(read_record(copy), roi=choose_roi("strip")))
    done = run_cli("data", "doubt", copy, "--out", tmp_path / "doubt", "--most", "1", "--labels", "labelme")
    assert done.returncode == 0, done.stderr
    assert "do not put these in their place" in done.stderr
    without = run_cli("data", "doubt", copy, "--out", tmp_path / "doubt", "--most", "1")
    assert (without.returncode, "in their place" in without.stderr) == (0, False)


def test_its_place_is_the_run_unless_told(run: Path) -> None:
    done = run_cli("data", "doubt", run, "--json")
    found = json.loads(done.stdout)
    assert found["wrote"] == [str(run / "doubt" / "doubt.csv"), str(run / "doubt" / "index.html")]
    assert [one["rank"] for one in found["doubts"]] == list(range(1, len(found["doubts"]) + 1))


def test_images_without_labels_are_ranked_by_what_a_label_is_worth(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    trained = shutil.copytree(random_run(tmp_path_factory).run.path, tmp_path / "run")
    folder = tmp_path / "new"
    folder.mkdir()
    chosen = list_images(SAMPLE / "test_images")[:4]
    record = read_record(trained)
    later = replace(
        record.samples[0], image_id=chosen[3].name, path=chosen[3]
    )  # labelled, and held back by a split by time
    write_record(trained, replace(record, later=(later,), later_groups=np.zeros(1, np.int64), later_from="9"))
    for path in chosen:
        shutil.copy(path, folder)
    shutil.copy(chosen[0], folder / "again.jpg")
    (folder / "broken.jpg").write_bytes(b"no image")
    out = tmp_path / "worth"
    done = run_cli("data", "doubt", trained, "--unlabelled", folder, "--out", out, "--most", "3", "--labels", "coco")
    assert done.returncode == 3, done.stderr
    assert "broken.jpg: not an image" in done.stderr
    with (out / "worth.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["image"] for row in rows) == sorted(["again.jpg", *(path.name for path in chosen)])
    twins = [row for row in rows if row["image"] in ("again.jpg", chosen[0].name)]
    assert len({row["group"] for row in twins}) == 1
    # the second of a surface comes behind the first of each other, and so does one that is labelled already
    assert {row["image"] for row in rows[-2:]} == {twins[-1]["image"], later.image_id}
    first = [float(row["worth"]) for row in rows[:3]]
    assert first == sorted(first, reverse=True)
    assert rows[0]["image"] in done.stdout
    assert (out / "index.html").read_text("utf-8").count("<img ") == 3
    written = json.loads((out / "labels_coco" / "annotations.json").read_text("utf-8"))
    assert {one["file_name"] for one in written["images"]} == {row["image"] for row in rows[:3]}
    assert all(one["name"].endswith("?") for one in written["categories"])
    gone = run_cli("data", "doubt", trained, "--unlabelled", tmp_path / "nothing")
    assert (gone.returncode, "no such file or folder" in gone.stderr) == (2, True)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    refused = run_cli("data", "doubt", tmp_path)
    assert refused.returncode == 2
    assert "no RUN" in refused.stderr


def test_images_in_an_object_store_are_refused_by_their_url(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    run, url = random_run(tmp_path_factory).run.path, f"file://{SAMPLE}/test_images"
    for given, piped in ((url, ""), ("-", f"{url}/fresh00.jpg\n")):
        done = run_cli("data", "doubt", run, "--unlabelled", given, "--out", tmp_path / "worth", stdin=piped)
        assert done.returncode == 2
        assert f"steelsight: {url}/fresh00.jpg: in an object store" in done.stderr
    assert not (tmp_path / "worth").exists()


def test_names_of_strangers_are_told_as_they_are(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    folder, out = tmp_path / "new", tmp_path / "worth"
    folder.mkdir()
    strange = [os.fsdecode(b"bad\xff.jpg"), "\x1b[31m\u202ered.jpg", "coil[left].jpg", "[end] of[/b].jpg", "=1.jpg"]
    (folder / "[end] of[").mkdir()
    for path, name in zip(list_images(SAMPLE / "test_images"), strange, strict=False):
        shutil.copy(path, folder / name)
    run = random_run(tmp_path_factory).run.path
    done = run_cli("data", "doubt", run, "--unlabelled", folder, "--out", out, "--labels", "cvat")
    assert done.returncode == 0, done.stderr
    told = {r"bad\udcff.jpg", r"\x1b[31m\u202ered.jpg", "coil[left].jpg", "[end] of[/b].jpg", "=1.jpg"}
    page = (out / "index.html").read_text("utf-8")
    for name in told:
        assert name in done.stdout
        assert name in page
    with (out / "worth.csv").open(newline="", encoding="utf-8") as stream:
        assert {from_cell(row["image"]) for row in csv.DictReader(stream)} == told
    labels = read_dataset(out / "labels_cvat")
    assert labels.faults == ()
    assert {Path(sample.image_id).name for sample in labels.samples} >= {"bad_.jpg", "_[31m_red.jpg", "coil[left].jpg"}


def test_names_of_classes_keep_their_brackets(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "run")
    record = read_record(other)
    classes = tuple(f"crack[deep{number}][/b]" for number, _ in enumerate(record.classes))
    write_record(other, replace(record, classes=classes))
    done = run_cli("data", "doubt", other, "--out", tmp_path / "doubt")
    assert done.returncode == 0, done.stderr
    assert "][/b]" in done.stdout
