"""COCO JSON: polygons, both run-length kinds, where images lie, and faults by annotation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.layout_writers import coco_counts, write_coco, write_picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

SIZE = (6, 8)
CLASSES = {7: "scratch", 3: "pit"}
SQUARE = [2, 1, 5, 1, 5, 4, 2, 4]
SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True
CORNER_MASK = np.zeros(SIZE, bool)
CORNER_MASK[4:, 6:] = True


def _image(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1], **more}


def _mark(number: int, image: int, category: int, segmentation: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, "iscrowd": 0}


def _folder(root: Path, annotations: list[dict[str, Any]]) -> Path:
    write_picture(root / "a.jpg", SIZE)
    write_picture(root / "b.jpg", SIZE)
    write_coco(root, [_image(1, "a.jpg"), _image(2, "b.jpg")], annotations, CLASSES)
    return root


def test_polygons_and_both_run_length_kinds_give_the_same_mask(tmp_path: Path) -> None:
    mask_api = pytest.importorskip("pycocotools.mask")
    packed = mask_api.encode(np.asfortranarray(SQUARE_MASK.astype(np.uint8)))
    compressed = {"size": list(SIZE), "counts": packed["counts"].decode()}
    for number, segmentation in enumerate(([SQUARE], coco_counts(SQUARE_MASK), compressed)):
        root = _folder(tmp_path / str(number), [_mark(1, 1, 7, segmentation)])
        dataset = read_dataset(root)
        assert (dataset.layout, dataset.classes, dataset.faults) == ("coco", ("pit", "scratch"), ())
        np.testing.assert_array_equal(dataset.samples[0].mask(), np.stack([SQUARE_MASK & False, SQUARE_MASK]))
        assert not dataset.samples[1].is_defective


def test_parts_and_annotations_of_one_class_are_joined(tmp_path: Path) -> None:
    two_parts = [SQUARE, [6, 4, 8, 4, 8, 6, 6, 6]]
    marks = [_mark(1, 1, 3, two_parts), _mark(2, 2, 3, [SQUARE]), _mark(3, 2, 3, coco_counts(CORNER_MASK))]
    dataset = read_dataset(_folder(tmp_path, marks))
    assert dataset.faults == ()
    for sample in dataset.samples:
        np.testing.assert_array_equal(sample.mask()[0], SQUARE_MASK | CORNER_MASK)


@pytest.mark.parametrize("name", ["1", "scratch"])
def test_two_categories_of_one_name_are_refused(tmp_path: Path, name: str) -> None:
    root = _folder(tmp_path, [_mark(1, 1, 7, [SQUARE])])
    content = json.loads((root / "annotations.json").read_text())
    content["categories"] = [{"id": number, "name": name} for number in (3, 7)]
    (root / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"classes '{name}' and '{name}' would be one in a table"):
        read_dataset(root)


def test_one_file_under_two_names_is_listed_twice(tmp_path: Path) -> None:
    """Once with its mask, and once as an image without a defect."""
    for name in "ab":
        write_picture(tmp_path / "images" / f"{name}.jpg", SIZE)
    images = [_image(1, "a.jpg"), _image(2, "images/a.jpg"), _image(3, "b.jpg")]
    write_coco(tmp_path, images, [_mark(1, 1, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("duplicate-row", "a.jpg")]
    assert "image a.jpg (id 2) is listed twice, as a.jpg and as images/a.jpg" in dataset.faults[0].message
    assert [one.image_id for one in dataset.samples] == ["b.jpg"]


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("folders", [("cam1", "cam2"), ("left", "right")])
def test_the_mask_of_another_camera_s_image_is_not_taken(
    tmp_path: Path, folders: tuple[str, str], is_listed: bool
) -> None:
    gone, there = folders
    for name in ("0001.jpg", "0002.jpg"):
        write_picture(tmp_path / there / name, SIZE)
    images = [_image(1, f"{gone}/0001.jpg"), _image(3, f"{there}/0002.jpg")]
    images += [_image(2, f"{there}/0001.jpg")] if is_listed else []
    write_coco(tmp_path, images, [_mark(1, 1, 7, [SQUARE]), _mark(2, 3, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    faults = [(fault.kind, fault.image_id) for fault in dataset.faults]
    unsure = [("unsure-label", f"{there}/0001.jpg")] if is_listed else []
    assert faults == [("missing-image", f"{gone}/0001.jpg"), *unsure]
    assert [one.image_id for one in dataset.samples] == [f"{there}/0002.jpg"]


@pytest.mark.parametrize("folder", ["", "images", "annotations/../images"])
def test_images_lie_beside_the_json_or_in_images(tmp_path: Path, folder: str) -> None:
    table_folder = tmp_path / "annotations" if ".." in folder else tmp_path
    table_folder.mkdir(exist_ok=True)
    write_picture(tmp_path / folder / "roll 3" / "a.jpg", SIZE)
    write_coco(table_folder, [_image(1, "roll 3/a.jpg")], [_mark(1, 1, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    assert [sample.image_id for sample in dataset.samples] == ["roll 3/a.jpg"]


@pytest.mark.parametrize(
    ("mark", "kind", "said"),
    [
        (_mark(9, 1, 5, [SQUARE]), "unknown-class", "category 5"),
        (_mark(9, 1, 7, [[1, 1, 2, 2, 3]]), "bad-polygon", "5 numbers"),
        (_mark(9, 1, 7, [[1, 1, 2, 2]]), "bad-polygon", "4 numbers"),
        (_mark(9, 1, 7, [[1, 1, 20, 2, 3, 3]]), "polygon-out-of-range", "x 20, y 2"),
        (_mark(9, 1, 7, [[1, 1, 1, 1, 1, 1]]), "empty-mask", "no pixel"),
        (_mark(9, 1, 7, {"size": list(SIZE), "counts": [48]}), "empty-mask", "no pixel"),
        (_mark(9, 1, 7, {"size": list(SIZE), "counts": [10, 50]}), "run-out-of-range", "60"),
        (_mark(9, 1, 7, {"size": [8, 6], "counts": [10, 38]}), "wrong-size", "(8, 6)"),
        (_mark(9, 1, 7, {"size": list(SIZE), "counts": "\u007f"}), "run-not-a-number", "compressed"),
        (_mark(9, 1, 7, {"size": list(SIZE), "counts": "\ud800"}), "run-not-a-number", "compressed"),
        (_mark(9, 1, 7, []), "missing-mask", "no segmentation"),
        (_mark(9, 2, 3, [SQUARE]), "duplicate-row", "repeats annotation 1"),
        (_mark(9, 4, 3, [SQUARE]), "missing-image", "image 4"),
        (_mark(9, 1, 7, SQUARE), "bad-polygon", "bare numbers"),
        (_mark(9, 1, 7, [[[2, 1], [5, 1], [5, 4]]]), "bad-polygon", "pairs"),
        (_mark(9, 1, 7, [[2, 1, 5, "x", 5, 4]]), "bad-polygon", "no number"),
        (_mark(9, 1, 7, "2 1 5 1"), "bad-polygon", "neither"),
        (_mark(9, 1, 7, {"counts": [10, 38]}), "run-not-a-number", "size"),
        (_mark(9, 1, None, [SQUARE]), "unknown-class", "category None"),
        ({"id": 9, "category_id": 7, "segmentation": [SQUARE]}, "malformed-entry", "no image_id"),
        (_mark(9, 1, 7, [SQUARE]) | {"bbox": [2, 1, 90, 60]}, "contradiction", "x 2 to 5, y 1 to 4"),
        (_mark(9, 1, 7, [SQUARE]) | {"area": 90}, "contradiction", "area says 90 pixels, and its mask has 9"),
    ],
)
def test_a_fault_names_its_annotation(tmp_path: Path, mark: dict[str, Any], kind: str, said: str) -> None:
    root = _folder(tmp_path, [_mark(1, 2, 3, [SQUARE]), mark])
    dataset = read_dataset(root)
    (fault,) = dataset.faults
    assert (fault.kind, fault.file) == (kind, root / "annotations.json")
    assert "annotation 9" in fault.message
    assert said in fault.message
    assert fault.image_id not in {sample.image_id for sample in dataset.samples}


def test_faults_of_images(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", SIZE)
    write_picture(tmp_path / "b.jpg", SIZE)
    images = [
        _image(1, "a.jpg"),
        _image(2, "a.jpg"),
        _image(3, "b.jpg", height=60),
        _image(4, "gone.jpg"),
        _image(5, "../up.jpg"),
        {"id": 6, "file_name": "a2.jpg"},
    ]
    write_picture(tmp_path / "a2.jpg", SIZE)
    write_coco(tmp_path, images, [_mark(1, 6, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [
        ("bad-image-name", None),
        ("duplicate-row", "a.jpg"),
        ("missing-image", "gone.jpg"),
        ("wrong-size", "b.jpg"),
    ]
    assert [sample.image_id for sample in dataset.samples] == ["a2.jpg"]


def test_images_that_share_an_id_are_both_left_out(tmp_path: Path) -> None:
    """As where two files were joined as they were: nobody can tell whose annotations are whose."""
    for name in "abc":
        write_picture(tmp_path / f"{name}.jpg", SIZE)
    images = [_image(1, "a.jpg"), _image(1, "b.jpg"), _image(2, "c.jpg")]
    write_coco(tmp_path, images, [_mark(1, 1, 7, [SQUARE]), _mark(2, 2, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [
        ("duplicate-row", "a.jpg"),
        ("duplicate-row", "b.jpg"),
    ]
    assert [sample.image_id for sample in dataset.samples] == ["c.jpg"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"images": [], "annotations": [], "categories": []}', "images"),
        ('{"images": [], "annotations": ' + "[" * 100_000, "nested"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}', "images.0.file_name"),
        ('{"images": [], "annotations": ', "line 1: not JSON"),
        ('{"images": [], "annotations": [], "categories": [], "n": ' + "7" * 5000 + "}", "digits"),
    ],
)
def test_a_file_that_is_not_coco_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UserError, match=said):
        read_dataset(tmp_path)


def test_several_files_are_named_and_each_can_be_chosen(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_mark(1, 1, 7, [SQUARE])])
    (root / "other.json").write_text(json.dumps(json.loads((root / "annotations.json").read_text())))
    with pytest.raises(UserError, match=r"annotations.json, other.json\); name the one you mean"):
        read_dataset(root)
    assert len(read_dataset(root / "other.json").samples) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"bbox": [2, 1, 3, 3], "area": 9},
        {"bbox": [3, 2, 3, 3], "area": 9.0},
        {"bbox": [2, 1, 2, 2], "area": 0},
        {"bbox": [], "area": None},
        {"bbox": [1, 1, 5, 4], "area": 20},
        {"bbox": "none", "area": "9"},
    ],
)
def test_a_box_and_an_area_that_fit_or_say_nothing_are_no_fault(tmp_path: Path, said: dict[str, Any]) -> None:
    dataset = read_dataset(_folder(tmp_path, [_mark(1, 1, 7, [SQUARE]) | said]))
    assert dataset.faults == ()
    np.testing.assert_array_equal(dataset.samples[0].mask()[1], SQUARE_MASK)


@pytest.mark.parametrize("given", ["1", 1.0, " 01 ", "1.0"])
def test_ids_as_text_are_those_that_are_numbers(tmp_path: Path, given: Any) -> None:
    dataset = read_dataset(_folder(tmp_path, [_mark(1, given, 7, [SQUARE]), _mark(2, 2, "3", [SQUARE])]))
    assert dataset.faults == ()
    assert [sample.classes for sample in dataset.samples] == [(1,), (0,)]


def test_an_annotation_that_names_the_file_leaves_its_image_out(tmp_path: Path) -> None:
    dataset = read_dataset(_folder(tmp_path, [_mark(1, "A.jpg", 7, [SQUARE])]))
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [
        ("missing-image", None),
        ("unsure-label", "a.jpg"),
    ]
    assert [sample.image_id for sample in dataset.samples] == ["b.jpg"]


def test_an_annotation_that_names_the_file_exactly_leaves_its_image_out_too(tmp_path: Path) -> None:
    dataset = read_dataset(_folder(tmp_path, [_mark(1, "a.jpg", 7, [SQUARE])]))
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("missing-image", "a.jpg")]
    assert [sample.image_id for sample in dataset.samples] == ["b.jpg"]


def test_one_odd_entry_of_images_is_a_fault_of_its_own(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", SIZE)
    odd = {"id": 2, "file_name": None}
    write_coco(tmp_path, [_image(1, "a.jpg"), odd], [_mark(1, 1, 7, [SQUARE]), _mark(2, 2, 7, [SQUARE])], CLASSES)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, "images.1.file_name" in fault.message) for fault in dataset.faults] == [
        ("malformed-entry", True)
    ]
    assert len(dataset.samples) == 1


def test_one_stated_side_is_held_against_the_image(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", SIZE)
    write_picture(tmp_path / "b.jpg", SIZE)
    images = [{"id": 1, "file_name": "a.jpg", "height": 60}, {"id": 2, "file_name": "b.jpg"}]
    write_coco(tmp_path, images, [_mark(1, 2, 7, [SQUARE])], CLASSES)
    assert [(fault.kind, fault.image_id) for fault in read_dataset(tmp_path).faults] == [("wrong-size", "a.jpg")]


def test_the_root_of_the_categories_and_the_background_are_no_classes(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_mark(1, 1, 1, [SQUARE]), _mark(2, 2, 5, [SQUARE])])
    content = json.loads((root / "annotations.json").read_text())
    content["categories"] = [
        {"id": 0, "name": "defects", "supercategory": "none"},
        {"id": 1, "name": "scratch", "supercategory": "defects"},
        {"id": 5, "name": "_background_", "supercategory": "defects"},
    ]
    (root / "annotations.json").write_text(json.dumps(content))
    dataset = read_dataset(root)
    assert (dataset.classes, dataset.faults) == (("scratch",), ())
    assert [sample.is_defective for sample in dataset.samples] == [True, False]
    assert "parent of others" in dataset.notes[0]
    assert "'_background_' is no class" in dataset.notes[1]


def test_a_category_that_means_good_is_no_class_and_one_that_is_its_own_parent_is_one(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_mark(1, 1, 1, [SQUARE]), _mark(2, 2, 5, [SQUARE])])
    content = json.loads((root / "annotations.json").read_text())
    content["categories"] = [
        {"id": 1, "name": "scratch", "supercategory": "scratch"},
        {"id": 2, "name": "pit", "supercategory": "pit"},
        {"id": 3, "name": "dent", "supercategory": ["odd"]},
        {"id": 5, "name": "Good", "supercategory": "Good"},
    ]
    (root / "annotations.json").write_text(json.dumps(content))
    dataset = read_dataset(root)
    assert (dataset.classes, dataset.faults) == (("scratch", "pit", "dent"), ())
    assert [sample.classes for sample in dataset.samples] == [(0,), ()]
    assert dataset.notes == ("category 'Good' is no class: what it marks is no defect",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({7: "", 3: "pit"}, "a class is named ''"),
        ({7: " ", 3: "pit"}, "a class is named ' '"),
        ({7: "pit ", 3: "pit"}, "'pit' and 'pit ' would be one"),
        ({7: "1.0", 3: "1"}, "'1' and '1.0' would be one"),
        ({7: "sc\nratch", 3: "pit"}, "characters that no table can show"),
    ],
)
def test_class_names_that_no_table_tells_apart_are_refused(tmp_path: Path, names: dict[int, str], said: str) -> None:
    write_picture(tmp_path / "a.jpg", SIZE)
    write_coco(tmp_path, [_image(1, "a.jpg")], [_mark(1, 1, 7, [SQUARE])], names)
    with pytest.raises(UserError, match=said):
        read_dataset(tmp_path)
