"""YOLO's text files: where they lie, what a line says, and what is named rather than dropped."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from helpers.labelled_scene import SIZE, mask_of, picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True
CORNERS = ((2, 1), (5, 1), (5, 4), (2, 4))
SQUARE = "0 " + " ".join(f"{x / SIZE[1]:.6f} {y / SIZE[0]:.6f}" for x, y in CORNERS)
BOX = f"1 {3.5 / SIZE[1]} {2.5 / SIZE[0]} {3 / SIZE[1]} {3 / SIZE[0]}"


def write(root: Path, labels: dict[str, str | None], names: str = "[pit, scratch]") -> Path:
    for name, text in labels.items():
        picture(root / "images" / "train" / f"{name}.png")
        if text is not None:
            file = root / "labels" / "train" / f"{name}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    (root / "data.yaml").write_text(f"path: /elsewhere\ntrain: images/train\nval: images/val\nnames: {names}\n")
    return root


def test_polygons_boxes_and_images_without_labels(tmp_path: Path) -> None:
    write(tmp_path, {"a": f"{SQUARE}\n\n", "b": BOX, "c": "", "d": None})
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.line, fault.image_id) == ("missing-mask", 1, "images/train/b.png")
    dataset = read_dataset(tmp_path, boxes="as-masks")
    assert (dataset.layout, dataset.classes, dataset.faults) == ("yolo", ("pit", "scratch"), ())
    np.testing.assert_array_equal(mask_of(dataset, "images/train/a.png", "pit"), SQUARE_MASK)
    np.testing.assert_array_equal(mask_of(dataset, "images/train/b.png", "scratch"), SQUARE_MASK)
    assert sum(not one.is_defective for one in dataset.samples) == 2
    assert any(
        "1 images have no text file and count as defect-free" in note and "d.png" in note for note in dataset.notes
    )


def test_roboflow_s_folders_and_names_by_number(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        picture(tmp_path / part / "images" / "a.png")
        (tmp_path / part / "labels").mkdir()
        (tmp_path / part / "labels" / "a.txt").write_text(SQUARE.replace("0 ", "3 ", 1))
    (tmp_path / "data.yaml").write_text("names:\n  3: pit\n  1: scratch\n", encoding="utf-16")
    (tmp_path / "README.roboflow.txt").write_text("about")
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("yolo", ("scratch", "pit"), ())
    np.testing.assert_array_equal(mask_of(dataset, "valid/images/a.png", "pit"), SQUARE_MASK)


def test_a_blank_line_among_the_names_moves_no_class(tmp_path: Path) -> None:
    write(tmp_path, {"a": SQUARE.replace("0 ", "2 ", 1)})
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "classes.txt").write_text("pit\n\nscratch\ndent\n\n")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("pit", "scratch", "dent"), ())
    np.testing.assert_array_equal(mask_of(dataset, "images/train/a.png", "scratch"), SQUARE_MASK)


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("7" + SQUARE[1:], "unknown-class", "class 7 has no name in data.yaml; the classes are 0 pit, 1 scratch"),
        ("0.5" + SQUARE[1:], "unknown-class", "class 0.5"),
        ("-1" + SQUARE[1:], "unknown-class", "class -1"),
        ("0 0.1 x 0.2 0.2 0.3 0.3", "malformed-row", "'x' is no number"),
        ("0 0.1 0.1 0.2 0.2", "missing-mask", "a box alone"),
        ("0 0.1 0.1 0.2", "bad-polygon", "3 numbers behind the class"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "bad-polygon", "7 numbers"),
        ("0 1 1 12 2 30 3", "polygon-out-of-range", "12 is no share"),
        ("0 0.1 0.1 1.2 0.2 0.3 0.3", "polygon-out-of-range", "lies outside"),
        ("0 0.1 0.1 0.1 0.1 0.1 0.1", "empty-mask", "no pixel"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, kind: str, said: str) -> None:
    write(tmp_path, {"a": f"{SQUARE}\n{line}\n", "b": SQUARE})
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.line, fault.image_id) == (kind, 2, "images/train/a.png")
    assert said in fault.message


def test_labels_without_an_image_and_images_without_a_place(tmp_path: Path) -> None:
    write(tmp_path, {"a": SQUARE, "Strip 7": None})
    (tmp_path / "labels" / "train" / "strip_007.txt").write_text(SQUARE)
    picture(tmp_path / "other.png")
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or "") for fault in dataset.faults) == [
        ("missing-image", ""),
        ("unsure-label", "images/train/Strip 7.png"),
    ]
    assert [one.images for one in dataset.left_out] == [1]


@pytest.mark.parametrize("stem", ["test", "val", "train", "classes", "README"])
def test_an_image_called_as_a_list_keeps_its_labels(tmp_path: Path, stem: str) -> None:
    dataset = read_dataset(write(tmp_path, {"a": SQUARE, stem: "1" + SQUARE[1:]}))
    assert (dataset.classes, dataset.faults, dataset.notes) == (("pit", "scratch"), (), ())
    np.testing.assert_array_equal(mask_of(dataset, f"images/train/{stem}.png", "scratch"), SQUARE_MASK)


def test_labels_called_as_a_list_are_no_class_names(tmp_path: Path) -> None:
    for name in ("a", "classes"):
        picture(tmp_path / "images" / f"{name}.png")
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "labels" / f"{name}.txt").write_text(SQUARE)
    (tmp_path / "labels" / "train.txt").write_text("images/a.png\nimages/classes.png\n")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("0",), ())
    assert all(one.is_defective for one in dataset.samples)


def test_labels_are_found_whatever_their_suffix_and_depth(tmp_path: Path) -> None:
    root = write(tmp_path, {"a": SQUARE, "b": None, "Val": None})
    (root / "labels" / "train" / "b.TXT").write_text(SQUARE)
    (root / "labels" / "train" / "val.txt").write_text(SQUARE)
    picture(root / "line 1" / "day 2" / "images" / "c.png")
    deep = root / "line 1" / "day 2" / "labels"
    deep.mkdir()
    (deep / "c.txt").write_text(SQUARE)
    (deep / "gone.txt").write_text(SQUARE)
    dataset = read_dataset(root)
    for name in ("images/train/b.png", "line 1/day 2/images/c.png"):
        np.testing.assert_array_equal(mask_of(dataset, name, "pit"), SQUARE_MASK)
    assert [(fault.kind, fault.image_id, fault.file.name) for fault in dataset.faults] == [
        ("missing-image", None, "val.txt"),
        ("unsure-label", "images/train/Val.png", "val.txt"),
        ("missing-image", None, "gone.txt"),
    ]


def test_two_files_of_labels_of_one_image_are_a_fault(tmp_path: Path) -> None:
    root = write(tmp_path, {"a": SQUARE, "b": "", "c": SQUARE})
    (root / "labels" / "train" / "b.TXT").write_text(SQUARE)
    (root / "images" / "train" / "c.txt").write_text("\n")  # which says nothing
    (fault,) = read_dataset(root).faults
    assert (fault.kind, fault.image_id) == ("duplicate-mask", "images/train/b.png")
    assert "labels/train/b.TXT has labels of the same image" in fault.message


BOMB = "[&a [x,x,x,x,x,x,x,x,x]" + "".join(
    f", &{name} [{','.join(['*' + before] * 9)}]" for before, name in pairwise("abcdefghi")
) + "]"  # fmt: skip
"""A few lines of anchors that stand for 387 million values."""


@pytest.mark.parametrize(
    "names", ["", "[pit, pit]", "{a: pit}", "3", "[pit", "2024-99-99", "[[pit], dent]", "&a [*a]", BOMB]
)
def test_names_that_cannot_be_told_apart_are_refused(tmp_path: Path, names: str) -> None:
    with pytest.raises(UserError, match=r"data\.yaml"):
        read_dataset(write(tmp_path, {"a": SQUARE}, names))


def test_without_names_classes_are_called_by_their_numbers(tmp_path: Path) -> None:
    (write(tmp_path, {"a": SQUARE}) / "data.yaml").unlink()
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("0",)
    assert any("called by their numbers" in note for note in dataset.notes)


def test_a_class_that_is_no_defect_is_passed_over_and_said(tmp_path: Path) -> None:
    write(tmp_path, {"a": f"{SQUARE}\n2{SQUARE[1:]}\n", "b": f"2{SQUARE[1:]}"}, "[pit, scratch, background]")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("pit", "scratch"), ())
    assert [sample.is_defective for sample in dataset.samples] == [True, False]
    assert any("class 2 'background' is no class of defects" in note for note in dataset.notes)


def test_labels_that_two_images_share_are_neithers(tmp_path: Path) -> None:
    root = write(tmp_path, {"a": SQUARE, "b": SQUARE})
    picture(root / "images" / "train" / "a.jpg", 7)
    dataset = read_dataset(root)
    faults = [(fault.kind, fault.image_id) for fault in dataset.faults]
    assert faults == [("duplicate-image", f"images/train/a.{suffix}") for suffix in ("jpg", "png")]
    assert [one.image_id for one in dataset.samples] == ["images/train/b.png"]


def test_what_is_marked_as_good_is_no_defect(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path, {"a": SQUARE, "b": "1" + SQUARE[1:]}, "[pit, good]"))
    assert (dataset.classes, dataset.faults) == (("pit",), ())
    assert [one.is_defective for one in dataset.samples] == [True, False]
    assert any("class 1 'good' is no class of defects" in note for note in dataset.notes)


def test_labels_beside_images_that_find_none_are_named(tmp_path: Path) -> None:
    """LabelImg saves beside the image; under nearly its name the labels would leave it free of defects."""
    for name in ("a.png", "B.png", "sub/strip 7.png", "line.png", "good.png"):
        picture(tmp_path / "images" / name)
    texts = {
        "a": SQUARE,
        "b": SQUARE,
        "sub/strip_7": SQUARE,
        "Line": "scratch 0.1 0.1 0.2 0.2",
        "gone": SQUARE,
        "A": "\n",
    }
    for name, text in (texts | {"classes": "pit\nscratch\n", "notes": "Mondays only", "README": "strips"}).items():
        (tmp_path / "images" / f"{name}.txt").write_text(text)
    (tmp_path / "data.yaml").write_text("names: [pit, scratch]\n")
    (tmp_path / "good.txt").write_text(BOX)
    dataset = read_dataset(tmp_path)
    found = sorted((fault.kind, fault.image_id or "", fault.file.name) for fault in dataset.faults)
    assert found == [
        ("missing-image", "", "b.txt"),
        ("missing-image", "", "gone.txt"),
        ("missing-image", "", "good.txt"),
        ("missing-image", "", "strip_7.txt"),
        ("unsure-label", "images/B.png", "b.txt"),
        ("unsure-label", "images/good.png", "good.txt"),
        ("unsure-label", "images/line.png", "Line.txt"),
        ("unsure-label", "images/sub/strip 7.png", "strip_7.txt"),
    ]
    assert [one.image_id for one in dataset.samples] == ["images/a.png"]


@pytest.mark.parametrize(
    ("line", "are_labels"),
    [
        (SQUARE, True),
        (BOX, True),
        ("0 -0.1 0.2 1.2 0.3", True),
        (" ".join(["1"] + ["0"] * 3 + ["0", "1", "0", "0"] + ["0", "0", "1", "0"]), False),  # a pose
        ("1.25 1.625 2.0 3.75 4.125", False),  # anchors
        ("0.5 0.1 0.2 0.3 0.4", False),
        ("-1 0.1 0.2 0.3 0.4", False),
        ("10 13 16 30 33", False),
        ("0 0.1 0.2 0.3 0.4 0.5", False),
        ("0 0.1 0.2", False),
        ("0 0.1 0.2 0.3 x", False),
    ],
)
def test_a_text_of_numbers_around_images_counts_as_labels_where_its_lines_are_labels(
    tmp_path: Path, line: str, are_labels: bool
) -> None:
    root = write(tmp_path, {"a": SQUARE})
    texts = [root / "images" / "train" / "poses.txt", root / "anchors.txt", root / "train.txt"]
    for text in texts:
        text.write_text(f"\n{line}\n")
    dataset = read_dataset(root)
    assert [(fault.kind, fault.file) for fault in dataset.faults] == [
        ("missing-image", text) for text in sorted(texts) if are_labels
    ]


def _turned(number: int, degrees: float) -> str:
    """A line of an oriented box."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([(-9, -4), (9, -4), (9, 4), (-9, 4)]) @ turn + (32, 24)
    return f"{number} " + " ".join(f"{x / SIZE[1]:.6f} {y / SIZE[0]:.6f}" for x, y in corners)


def test_oriented_boxes_are_said(tmp_path: Path) -> None:
    """Ultralytics writes them as outlines of four corners, which count as the very pixels of a defect."""
    dataset = read_dataset(
        write(tmp_path / "boxes", {"a": f"{_turned(0, 20)}\n{_turned(1, 75)}\n", "b": SQUARE, "c": None})
    )
    assert dataset.faults == ()
    (said,) = [note for note in dataset.notes if "oriented boxes" in note]
    assert said.startswith("each of the 3 outlines has four corners")
    triangle = "0 0.1 0.1 0.5 0.1 0.3 0.5"
    for line in (triangle, "0 0.1 0.1 0.9 0.2 0.8 0.9 0.2 0.5", SQUARE.replace("0 ", "1 ", 1)):
        root = write(tmp_path / line, {"a": f"{_turned(0, 20) if line[0] == '0' else line}\n{line}\n"})
        assert not any("oriented boxes" in note for note in read_dataset(root).notes)
