"""A RUN's record: what is written is what is read, and the data may move."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.layout_writers import write_index_png

from steelsight.core.errors import UserError
from steelsight.dataset.model import Fault, Remark
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import format_runs, parse_runs
from steelsight.run.record import Record, fingerprint, read_record, write_record


@pytest.fixture(scope="module")
def record() -> Record:
    dataset = read_dataset(SAMPLE, decode=False)
    fault = Fault("run-overlap", SAMPLE / "train.csv", 7, "gone.jpg", "a message, with a comma")
    count = len(dataset.samples)
    return Record(
        root=dataset.root,
        layout=dataset.layout,
        classes=dataset.classes,
        samples=dataset.samples,
        folds=np.arange(count, dtype=np.int64) % 5,
        groups=np.arange(count, dtype=np.int64)[::-1].copy(),
        skipped=(fault,),
        fingerprint=fingerprint(dataset),
        notes=("a note",),
        remarks=(Remark("left-out", SAMPLE / "test_images", 12, "12 images left out"),),
    )


def test_what_is_written_is_read_back(record: Record, tmp_path: Path) -> None:
    write_record(tmp_path, record)
    back = read_record(tmp_path)
    assert (back.root, back.layout, back.classes) == (SAMPLE.resolve(), "severstal", ("1", "2", "3", "4"))
    assert back.skipped == record.skipped
    assert (back.notes, back.remarks) == (record.notes, record.remarks)
    assert back.fingerprint == record.fingerprint
    np.testing.assert_array_equal(back.folds, record.folds)
    np.testing.assert_array_equal(back.groups, record.groups)
    assert back.folds.dtype == np.int64
    for read, written in zip(back.samples, record.samples, strict=True):
        assert (read.image_id, read.path, read.size) == (written.image_id, written.path, written.size)
        assert [format_runs(runs) for runs in read.runs] == [format_runs(runs) for runs in written.runs]


def test_files_have_plain_newlines_and_every_image_and_class(record: Record, tmp_path: Path) -> None:
    write_record(tmp_path, record)
    truth = (tmp_path / "truth.csv").read_bytes()
    assert b"\r" not in truth
    assert truth.count(b"\n") == 1 + 66 * 4
    assert b"\r" not in (tmp_path / "samples.csv").read_bytes()


def test_a_run_survives_moving_the_data(record: Record, tmp_path: Path) -> None:
    write_record(tmp_path, record)
    assert str(SAMPLE.parent) not in (tmp_path / "samples.csv").read_text()
    header = tmp_path / "dataset.json"
    header.write_text(header.read_text().replace(str(SAMPLE.resolve()), "/elsewhere/strips"))
    back = read_record(tmp_path)
    assert back.samples[0].path == Path("/elsewhere/strips/train_images") / back.samples[0].image_id


def test_an_image_outside_the_root_keeps_its_own_path(record: Record, tmp_path: Path) -> None:
    first = replace(record.samples[0], path=Path("/elsewhere/a.jpg"))
    write_record(tmp_path, replace(record, samples=(first, *record.samples[1:])))
    assert read_record(tmp_path).samples[0].path == Path("/elsewhere/a.jpg")


def test_fingerprint_follows_pixels_masks_and_names_but_not_the_place(tmp_path: Path) -> None:
    dataset = read_dataset(SAMPLE, decode=False)
    known = fingerprint(dataset)
    moved = tmp_path / dataset.samples[0].image_id
    moved.write_bytes(dataset.samples[0].path.read_bytes())
    first = replace(dataset.samples[0], path=moved)
    assert fingerprint(replace(dataset, samples=(first, *dataset.samples[1:]))) == known
    moved.write_bytes(moved.read_bytes() + b" ")
    assert fingerprint(replace(dataset, samples=(first, *dataset.samples[1:]))) != known
    defective = next(sample for sample in dataset.samples if sample.is_defective)
    clean = replace(defective, runs=tuple(reversed(defective.runs)))
    assert fingerprint(replace(dataset, samples=(clean,))) != fingerprint(replace(dataset, samples=(defective,)))
    assert fingerprint(replace(dataset, classes=("a", "b", "c", "d"))) != known


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("dataset.json", '"severstal"', '"folder"', "dataset.json"),
        ("samples.csv", ",256,1600,0,", ",256,wide,0,", "whole numbers"),
        ("samples.csv", ",256,1600,0,", f",256,1600,{10**20},", "whole numbers"),
        ("samples.csv", "image_id,path", "image,path", "the header is not image_id,path,height,width,fold,group"),
        ("truth.csv", ",1,", ",9,", "class '9' is not in dataset.json"),
    ],
)
def test_a_changed_file_is_refused_by_name(
    record: Record, tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    write_record(tmp_path, record)
    file = tmp_path / name
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=said):
        read_record(tmp_path)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no RUN of `steelsight train`"):
        read_record(tmp_path)


def test_names_that_a_spreadsheet_would_run_are_guarded_and_read_back(record: Record, tmp_path: Path) -> None:
    first = replace(record.samples[0], image_id="=1+2.jpg")
    odd = replace(record, samples=(first, *record.samples[1:]), classes=("@a", "2", "3", "4"))
    write_record(tmp_path, odd)
    assert "\n'=1+2.jpg," in (tmp_path / "samples.csv").read_text()
    assert "\n'=1+2.jpg,'@a," in (tmp_path / "truth.csv").read_text()
    back = read_record(tmp_path)
    assert back.samples[0].image_id == "=1+2.jpg"
    assert back.samples[0].classes == first.classes


def test_what_is_ignored_is_read_back_and_changes_the_fingerprint(record: Record, tmp_path: Path) -> None:
    """Where nothing is, the files are those of before."""
    write_record(tmp_path / "before", record)
    assert not (tmp_path / "before" / "ignored.csv").exists()
    assert "ignored" not in (tmp_path / "before" / "dataset.json").read_text()
    first = replace(record.samples[0], ignored=parse_runs("7 3 900 20", record.samples[0].size))
    partly = replace(record, samples=(first, *record.samples[1:]), ignored_classes=("stamp",))
    write_record(tmp_path / "run", partly)
    back = read_record(tmp_path / "run")
    assert [format_runs(sample.ignored) for sample in back.samples] == ["7 3 900 20", *[""] * 65]
    assert back.ignored_classes == ("stamp",)
    assert fingerprint(partly) == fingerprint(back) != fingerprint(record)


@pytest.mark.parametrize("damage", ["no such image", "one less", "no runs", "gone"])
def test_a_damaged_table_of_what_is_ignored_is_refused(record: Record, tmp_path: Path, damage: str) -> None:
    first = replace(record.samples[0], ignored=parse_runs("7 3", record.samples[0].size))
    write_record(tmp_path, replace(record, samples=(first, *record.samples[1:])))
    file, name = tmp_path / "ignored.csv", first.image_id
    texts = {"no such image": "other.jpg,7 3\n", "one less": "", "no runs": f"{name},7\n"}
    if damage == "gone":
        file.unlink()
    else:
        file.write_text(f"ImageId,EncodedPixels\n{texts[damage]}")
    with pytest.raises(UserError, match=r"ignored\.csv.*restore"):
        read_record(tmp_path)


def test_what_is_said_of_names_that_no_text_can_hold_is_kept(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    write_index_png(data, "a.jpg", np.eye(32, dtype=np.uint8))
    shutil.copy(data / "masks" / "a.png", data / "masks" / os.fsdecode(b"bad\xff.png"))
    dataset = read_dataset(data)
    none = np.zeros(1, np.int64)
    written = Record(
        dataset.root, dataset.layout, dataset.classes, dataset.samples, none, none, dataset.faults, fingerprint(dataset)
    )
    write_record(run, written)
    (kept,) = read_record(run).skipped
    assert (kept.kind, kept.file.name) == ("missing-image", r"bad\udcff.png")
    assert r"bad\udcff.*" in kept.message
