"""The Severstal folder: both CSV layouts, and every fault by its line."""

from pathlib import Path

import pytest
from helpers.data import SAMPLE, SHARED, needs_shared
from helpers.layout_writers import LONG, write_csv, write_picture, write_severstal

from steelsight.core.errors import UserError
from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import format_runs

SIZE = (4, 6)


def _folder(root: Path, rows: list[tuple[object, ...]], header: tuple[str, ...] = LONG) -> Path:
    """Four images a.jpg to d.jpg of 6 x 4 with the rows given."""
    for name in "abcd":
        write_picture(root / "train_images" / f"{name}.jpg", SIZE)
    write_csv(root / "train.csv", [header, *rows])
    return root


def _texts(dataset: Dataset) -> dict[str, list[str]]:
    return {sample.image_id: [format_runs(runs) for runs in sample.runs] for sample in dataset.samples}


def test_the_sample_has_28_clean_and_38_defective_images_with_40_masks() -> None:
    dataset = read_dataset(SAMPLE)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("severstal", ("1", "2", "3", "4"), ())
    assert len(dataset.samples) == 66
    assert sum(sample.is_defective for sample in dataset.samples) == 38
    assert sum(len(sample.classes) for sample in dataset.samples) == 40
    assert {sample.size for sample in dataset.samples} == {(256, 1600)}


@needs_shared
def test_both_csv_layouts_of_the_same_images_agree() -> None:
    long = read_dataset(SHARED / "severstal")
    wide = read_dataset(SHARED / "severstal" / "train_wide.csv")
    assert _texts(long) == _texts(wide)
    assert long.classes == wide.classes


def test_an_image_without_a_row_or_with_an_empty_one_is_defect_free(tmp_path: Path) -> None:
    root = _folder(tmp_path, [("a.jpg", 2, "1 3"), ("b.jpg", "", ""), ("c.jpg", "2.0", ""), ("a.jpg", "10", "5 1")])
    dataset = read_dataset(root)
    assert dataset.faults == ()
    assert dataset.classes == ("2", "10")
    assert _texts(dataset) == {"a.jpg": ["1 3", "5 1"], "b.jpg": ["", ""], "c.jpg": ["", ""], "d.jpg": ["", ""]}


def test_another_csv_that_is_not_utf_8_is_no_hindrance(tmp_path: Path) -> None:
    root = _folder(tmp_path, [("a.jpg", 1, "1 3")])
    (root / "notes.csv").write_bytes("größe;1\n".encode("latin-1"))
    assert len(read_dataset(root).samples) == 4
    (root / "train.csv").write_bytes("größe;1\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"train\.csv: not a CSV file in UTF-8"):
        read_dataset(root)


def test_images_may_lie_beside_the_csv(tmp_path: Path) -> None:
    write_picture(tmp_path / "strip 1.png", SIZE)
    write_csv(tmp_path / "labels.csv", [LONG, ("strip 1.png", 1, "2 2")])
    assert _texts(read_dataset(tmp_path)) == {"strip 1.png": ["2 2"]}


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        (("a.jpg", 1, "1 2 3"), "run-odd-count", "3 numbers"),
        (("a.jpg", 1, "1 2 x 4"), "run-not-a-number", "x"),
        (("a.jpg", 1, "20 6"), "run-out-of-range", "24"),
        (("a.jpg", 1, "0 2"), "run-out-of-range", "count from 1"),
        (("a.jpg", 1, "5 4 6 2"), "run-overlap", "before the end"),
        (("a.jpg", "scratch", "1 2"), "unknown-class", "'scratch'"),
        (("a.jpg", "0", "1 2"), "unknown-class", "whole number from 1"),
        (("b.jpg", 3, "7 1"), "duplicate-row", "already in line 2"),
        (("gone.jpg", 1, "1 2"), "missing-image", "gone.jpg is not there"),
        (("a.jpg", 1), "malformed-row", "2 fields, but the header has 3"),
        (("../a.jpg", 1, "1 2"), "bad-image-name", "'../a.jpg'"),
        (("a", 1, "1 2"), "bad-image-name", "that ends in .jpg"),
        (("a\0.jpg", 1, "1 2"), "bad-image-name", "inside the folder"),
        (("a" * 300 + ".jpg", 1, "1 2"), "bad-image-name", "inside the folder"),
    ],
)
def test_a_fault_stands_in_its_line(tmp_path: Path, row: tuple[str, object], kind: str, said: str) -> None:
    root = _folder(tmp_path, [("b.jpg", 3, "1 2"), ("c.jpg", 1, "9 2"), row])
    dataset = read_dataset(root)
    fault, *unsure = dataset.faults
    assert (fault.kind, fault.file, fault.line) == (kind, root / "train.csv", 4)
    assert said in fault.message
    nearly = kind == "bad-image-name" and len(row[0]) < 99
    assert [(one.kind, one.image_id) for one in unsure] == [("unsure-label", "a.jpg")] * nearly
    left_out = {one.image_id for one in dataset.faults} & {"a.jpg", "b.jpg"}
    assert {sample.image_id for sample in dataset.samples} == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"} - left_out


@pytest.mark.parametrize("wide", [False, True])
def test_an_image_of_a_malformed_row_does_not_pass_for_defect_free(tmp_path: Path, wide: bool) -> None:
    """Left out by --skip-faulty, it would else be learned as good."""
    rows = (
        [("a.jpg_1", "1 2"), ("b.jpg_1", "1 2", "3 4")] if wide else [("a.jpg", 1, "1 2"), ("b.jpg", 1, "1 2", "3 4")]
    )
    dataset = read_dataset(_folder(tmp_path, rows, ("ImageId_ClassId", "EncodedPixels") if wide else LONG))
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("malformed-row", "b.jpg")]
    assert {sample.image_id for sample in dataset.samples} == {"a.jpg", "c.jpg", "d.jpg"}


def test_two_columns_that_list_clean_images_leave_no_image_unlabelled(tmp_path: Path) -> None:
    root = _folder(
        tmp_path, [("a.jpg_1", "1 2"), ("b.jpg_1", ""), ("c.jpg_2", "")], ("ImageId_ClassId", "EncodedPixels")
    )
    dataset = read_dataset(root)
    assert dataset.classes == ("1", "2")
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("unlabelled-image", "d.jpg")]


def test_two_columns_without_a_class_name_the_line(tmp_path: Path) -> None:
    root = _folder(tmp_path, [("a.jpg_1", "1 2"), ("b.jpg", "1 2")], ("ImageId_ClassId", "EncodedPixels"))
    (fault,) = read_dataset(root).faults
    assert (fault.kind, fault.line, fault.image_id) == ("unknown-class", 3, "b.jpg")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    root = _folder(tmp_path, [("a.jpg", 1)], ("ImageId", "ClassId"))
    with pytest.raises(UserError, match=r"train.csv: column EncodedPixels is missing \(found: ImageId, ClassId\)"):
        read_dataset(root)


def test_several_csv_files_are_named_and_each_can_be_chosen(tmp_path: Path) -> None:
    write_severstal(tmp_path, {"a.jpg": (SIZE, {})}, ("1",))
    (tmp_path / "train.csv").rename(tmp_path / "old.csv")
    write_csv(tmp_path / "new.csv", [LONG, ("a.jpg", 1, "1 1")])
    with pytest.raises(UserError, match=r"new.csv, old.csv\); name the one you mean"):
        read_dataset(tmp_path)
    assert _texts(read_dataset(tmp_path / "new.csv")) == {"a.jpg": ["1 1"]}
    write_csv(tmp_path / "train.csv", [LONG, ("a.jpg", 1, "2 1")])
    assert _texts(read_dataset(tmp_path)) == {"a.jpg": ["2 1"]}


def test_a_byte_order_mark_windows_lines_and_a_long_row_are_read(tmp_path: Path) -> None:
    size = (400, 200)
    write_picture(tmp_path / "train_images" / "a.jpg", size)
    runs = " ".join(f"{start} 1" for start in range(1, 80_000, 2))
    text = f"ImageId,ClassId,EncodedPixels\r\na.jpg,1,{runs}\r\n"
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(runs) > 131_072
    (sample,) = read_dataset(tmp_path).samples
    assert sample.runs[0].area == 40_000


def test_a_csv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = _folder(tmp_path, [])
    (root / "train.csv").write_bytes("ImageId,ClassId,EncodedPixels\nä.jpg,1,1 1\n".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        read_dataset(root)


def test_no_row_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no mask shows a defect"):
        read_dataset(_folder(tmp_path, []))
    with pytest.raises(UserError, match=r"first of 1 faults: .*train.csv, line 2: class 'x'"):
        read_dataset(_folder(tmp_path, [("a.jpg", "x", "1 1")]))


@pytest.mark.parametrize(
    ("row", "disk"),
    [
        ("5.jpg", "5.JPG"),
        ("Blech_\u00e4.jpg", "Blech_a\u0308.jpg"),
        ("train_images/7.jpg", "7.jpg"),
        ("7.png", "7.jpg"),
        ("frame_007.jpg", "frame_7.jpg"),
        ("C:\\line\\7.jpg", "7.jpg"),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_an_image_whose_row_is_under_nearly_its_name_is_not_defect_free(
    tmp_path: Path, row: str, disk: str, wide: bool
) -> None:
    for name in ("a.jpg", disk, "z.jpg"):
        write_picture(tmp_path / "train_images" / name, SIZE)
    rows = [("a.jpg_1", "1 2"), (f"{row}_1", "1 2")] if wide else [("a.jpg", 1, "1 2"), (row, 1, "1 2")]
    write_csv(tmp_path / "train.csv", [("ImageId_ClassId", "EncodedPixels") if wide else LONG, *rows])
    dataset = read_dataset(tmp_path)
    assert [sample.image_id for sample in dataset.samples if not sample.is_defective] == ["z.jpg"]
    (unsure,) = [fault for fault in dataset.faults if fault.kind == "unsure-label"]
    assert (unsure.image_id, unsure.line) == (disk, 3)


def test_a_row_of_an_image_that_is_elsewhere_touches_no_other(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        write_picture(tmp_path / "train_images" / name, SIZE)
    write_csv(tmp_path / "train.csv", [LONG, ("a.jpg", 1, "1 2"), ("gone.jpg", 1, "1 2"), ("'=1.jpg", 1, "1 2")])
    dataset = read_dataset(tmp_path)
    assert {fault.kind for fault in dataset.faults} == {"missing-image"}
    assert [sample.is_defective for sample in dataset.samples] == [True, False]
    write_picture(tmp_path / "train_images" / "=1.jpg", SIZE)  # as a guarded table names it
    assert [sample.image_id for sample in read_dataset(tmp_path).samples] == ["=1.jpg", "a.jpg", "b.jpg"]
