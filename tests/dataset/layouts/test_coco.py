"""COCO JSON: polygons, both run-length kinds, where images lie, and faults by annotation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from writers import coco_counts, write_coco, write_picture

from steelsight.dataset.read import read_dataset
from steelsight.errors import UserError

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
