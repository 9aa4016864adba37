"""labelme: every kind of shape, which images are meant, and what is named rather than dropped."""

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import PIT, SIZE, mask_of, picture

from steelsight.dataset.read import read_dataset

SQUARE = [[2, 1], [5, 1], [5, 4], [2, 4]]
SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True


def shape(kind: str, points: Any, label: str = PIT, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}} | more


def write(root: Path, name: str, shapes: list[Any], **more: Any) -> Path:
    picture(root / f"{name}.png")
    content = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": f"{name}.png", "imageData": None}
    content |= {"imageHeight": SIZE[0], "imageWidth": SIZE[1]} | more
    file = root / f"{name}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def bitmap(mask: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()).decode()


def test_each_kind_of_shape_marks_its_pixels(tmp_path: Path) -> None:
    write(tmp_path, "polygon", [shape("polygon", SQUARE)])
    write(tmp_path, "mask", [shape("mask", [[2, 1], [4, 3]], mask=bitmap(np.ones((3, 3))))])
    write(tmp_path, "circle", [shape("circle", [[30, 20], [36, 20]])])
    write(tmp_path, "line", [shape("linestrip", [[10, 24], [50, 24]], description="4 px")])
    write(tmp_path, "plain", [shape("line", [[10, 24], [50, 24]])])
    write(tmp_path, "good", [])
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("labelme", (PIT,), ())
    for name in ("polygon", "mask"):
        np.testing.assert_array_equal(mask_of(dataset, f"{name}.png", PIT), SQUARE_MASK)
    assert mask_of(dataset, "circle.png", PIT).sum() == pytest.approx(np.pi * 36, rel=0.06)
    line = mask_of(dataset, "line.png", PIT)
    assert line[:, 30].sum() in (4, 5)
    assert mask_of(dataset, "plain.png", PIT)[:, 30].sum() in (10, 11)
    assert any("1 lines do not say their width" in note for note in dataset.notes)
    assert not next(one for one in dataset.samples if one.image_id == "good.png").is_defective


def test_a_rectangle_is_a_box_and_counts_as_the_user_says(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("rectangle", [[5, 4], [2, 1]])])
    write(tmp_path, "b", [shape("polygon", SQUARE)])
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == ("missing-mask", "a.png")
    assert "`boxes=as-masks`" in fault.message
    drawn = read_dataset(tmp_path, boxes="as-masks")
    np.testing.assert_array_equal(mask_of(drawn, "a.png", PIT), SQUARE_MASK)
    known = read_dataset(tmp_path, boxes="as-labels")
    assert [one.image_id for one in known.samples] == ["b.png"]
    assert [(one.image_id, one.shown, one.is_defective) for one in known.without_masks] == [("a.png", (0,), True)]


@pytest.mark.parametrize(
    ("entry", "kind", "said"),
    [
        (shape("polygon", SQUARE, label=""), "unknown-class", "shape 1 (polygon) has no label"),
        (shape("heart", SQUARE), "malformed-entry", "'heart' are not known"),
        (shape("point", [[2, 2]]), "missing-mask", "a point says nothing"),
        (shape("polygon", [[1, 1], [2, 2]]), "bad-polygon", "2 corners"),
        (shape("polygon", "odd"), "bad-polygon", "no pairs of numbers"),
        (shape("polygon", [[1, 1], [90, 2], [3, 3]]), "polygon-out-of-range", "x 90, y 2"),
        (shape("polygon", [[1, 1], [1, 1], [1, 1]]), "empty-mask", "no pixel"),
        (shape("circle", [[90, 90], [92, 90]]), "polygon-out-of-range", "x 90, y 90"),
        (shape("mask", [[2, 1], [9, 3]], mask=bitmap(np.ones((3, 3)))), "contradiction", "span 8 x 3"),
        (shape("mask", [[2, 1], [4, 3]], mask="?"), "unreadable-mask", "no PNG in base64"),
        (shape("mask", [[62, 1], [64, 3]], mask=bitmap(np.ones((3, 3)))), "polygon-out-of-range", "x 62 to 65"),
        (
            shape("mask", [[0, 0], [1e9, 1e9]], mask=bitmap(np.ones((3, 3)))),
            "polygon-out-of-range",
            "x 0 to 1000000001",
        ),
        (
            shape("mask", [[2, 1], [4, 3]], mask=bitmap(np.ones((1100, 1000)))),
            "contradiction",
            "1100 x 1000 pixels exceed",
        ),
        ("odd", "unknown-class", "shape 1 has no label"),
    ],
)
def test_a_shape_that_cannot_be_read_is_named_with_its_file(tmp_path: Path, entry: Any, kind: str, said: str) -> None:
    file = write(tmp_path, "a", [entry, shape("polygon", SQUARE)])
    write(tmp_path, "b", [shape("polygon", SQUARE)])
    dataset = read_dataset(tmp_path)
    (fault,) = dataset.faults
    assert (fault.kind, fault.file, fault.image_id) == (kind, file, "a.png")
    assert "shape 1" in fault.message
    assert said in fault.message
    assert [one.image_id for one in dataset.samples] == ["b.png"]


def test_one_outline_with_two_classes_is_said_and_twice_the_same_is_one(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE), shape("polygon", SQUARE, label="scratch")])
    write(tmp_path, "b", [shape("polygon", SQUARE), shape("polygon", SQUARE)])
    dataset = read_dataset(tmp_path)
    assert dataset.faults == ()
    (remark,) = dataset.remarks
    assert (remark.kind, remark.images) == ("double-outline", 1)
    assert "a.png: shape 2 (polygon) of class scratch on shape 1 (polygon) of class pit" in remark.message
    for name in (PIT, "scratch"):
        np.testing.assert_array_equal(mask_of(dataset, "a.png", name), SQUARE_MASK)
    np.testing.assert_array_equal(mask_of(dataset, "b.png", PIT), SQUARE_MASK)


def test_windows_paths_utf_16_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "labels", "a", [shape("polygon", SQUARE)], imagePath="..\\pictures\\a.png")
    picture(tmp_path / "pictures" / "a.png")
    (tmp_path / "labels" / "a.png").unlink()
    file.write_text(file.read_text("utf-8"), encoding="utf-16")
    other = write(tmp_path, "b", [shape("polygon", SQUARE)], imagePath="C:\\Users\\me\\b.png")
    other.write_text(other.read_text("utf-8"), encoding="utf-8-sig")
    dataset = read_dataset(tmp_path)
    assert dataset.faults == ()
    assert [one.image_id for one in dataset.samples] == ["b.png", "pictures/a.png"]


def test_which_image_is_meant_is_never_guessed(tmp_path: Path) -> None:
    picture(tmp_path / "other.png")
    picture(tmp_path / "lost.png")
    write(tmp_path, "a", [shape("polygon", SQUARE)], imagePath="other.png")  # and a.png lies beside it
    write(tmp_path, "b", [shape("polygon", SQUARE)])
    (tmp_path / "b2.json").write_text((tmp_path / "b.json").read_text())
    write(tmp_path, "gone", [shape("polygon", SQUARE)], imageData="AAAA")
    (tmp_path / "gone.png").unlink()
    write(tmp_path, "c", [shape("polygon", SQUARE)], imageWidth=99)
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id) for fault in dataset.faults if fault.image_id) == [
        ("duplicate-row", "b.png"),
        ("unsure-label", "a.png"),
        ("unsure-label", "other.png"),
        ("wrong-size", "c.png"),
    ]
    (missing,) = [fault for fault in dataset.faults if fault.image_id is None]
    assert missing.kind == "missing-image"
    assert "imageData" in missing.message
    (left_out,) = dataset.left_out
    assert left_out.images == 1
    assert "lost.png: no labelme file is about them" in left_out.message


def test_images_in_a_folder_named_good_need_no_file(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE)])
    write(tmp_path / "good", "c", [shape("polygon", SQUARE)])
    picture(tmp_path / "good" / "b.png")
    dataset = read_dataset(tmp_path)
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [("a.png", True), ("good/b.png", False)]
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("contradiction", "good/c.png")]
    assert dataset.left_out == ()


def test_the_background_is_passed_over_and_said(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE), shape("polygon", SQUARE, label="_background_")])
    dataset = read_dataset(tmp_path)
    assert dataset.classes == (PIT,)
    assert any("1 shapes named '_background_' are passed over" in note for note in dataset.notes)


def test_names_that_are_no_class_are_passed_over_and_said(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE)])
    write(tmp_path, "b", [shape("polygon", SQUARE, label="good")])
    dataset = read_dataset(tmp_path)
    assert dataset.classes == (PIT,)
    assert [one.is_defective for one in dataset.samples] == [True, False]
    assert any("1 shapes named 'good' are passed over" in note for note in dataset.notes)


def test_flags_that_are_set_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, "a", [shape("polygon", SQUARE)])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"flags": {"checked": True, "blurred": False, "odd": 3}}))
    (note,) = read_dataset(tmp_path).notes
    assert note.startswith("flags of files are set (checked 1 times) and not read")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"flags": ["checked"]}))
    assert read_dataset(tmp_path).notes == ()


def test_somebodys_own_list_of_classes_is_not_read_whatever_its_encoding(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE)])
    (tmp_path / "classes.txt").write_bytes("Rötung\n".encode("latin-1"))
    assert read_dataset(tmp_path).classes == (PIT,)


def test_a_file_that_finds_no_image_leaves_none_of_nearly_its_name_as_good(tmp_path: Path) -> None:
    write(tmp_path, "a", [shape("polygon", SQUARE)])
    for name in ("good/B.PNG", "good/c.png", "good/strip 7.png", "good/d.png", "good/e.png"):
        picture(tmp_path / name)
    content = {"imageData": None, "imageHeight": SIZE[0], "imageWidth": SIZE[1]}
    marked: dict[str, Any] = {"shapes": [shape("polygon", SQUARE)], "imagePath": "b.png"}
    texts: dict[str, dict[str, Any]] = {
        "good/b": marked,
        "good/C": {"shapes": [], "imagePath": "C.png"},  # which says of no defect
        "other": marked | {"imagePath": "strip_007.png"},
        "good/d": {"shapes": None, "imagePath": "d.png"},
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content | text))
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or "", fault.file.name) for fault in dataset.faults) == [
        ("malformed-entry", "good/d.png", "d.json"),
        ("missing-image", "", "C.json"),
        ("missing-image", "", "b.json"),
        ("missing-image", "", "other.json"),
        ("unsure-label", "good/B.PNG", "b.json"),
        ("unsure-label", "good/strip 7.png", "other.json"),
    ]
    assert [one.image_id for one in dataset.samples] == ["a.png", "good/c.png", "good/e.png"]
