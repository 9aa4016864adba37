"""MVTec AD's folders: masks by name, classes by folder, and classes of which there are no masks."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import SIZE, mask_of, picture, pit

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset


def test_masks_are_found_by_name_and_folders_are_classes(tmp_path: Path) -> None:
    for folder in ("train/good", "test/good", "test/pit", "test/stain"):
        picture(tmp_path / folder / "000.png")
    truth = tmp_path / "ground_truth" / "pit"
    truth.mkdir(parents=True)
    cv2.imwrite(str(truth / "000_mask.png"), pit().astype(np.uint8) * 255)
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("mvtec", ("pit", "stain"), ())
    np.testing.assert_array_equal(mask_of(dataset, "test/pit/000.png", "pit"), pit())
    assert [one.image_id for one in dataset.samples if not one.is_defective] == [
        "train/good/000.png",
        "test/good/000.png",
    ]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("test/stain/000.png", (1,))]
    assert any("there is no ground_truth/stain" in note for note in dataset.notes)


def test_masks_of_good_images_are_empty_or_a_fault(tmp_path: Path) -> None:
    for name in ("train/good/0.png", "test/good/1.png", "test/good/2.png", "test/pit/3.png"):
        picture(tmp_path / name)
    for name, value in (("good/1", 0), ("good/2", 255), ("pit/3", 255)):
        file = tmp_path / "ground_truth" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full(SIZE, value, np.uint8))
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("unexpected-mask", "test/good/2.png")]
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [
        ("train/good/0.png", False),
        ("test/good/1.png", False),
        ("test/pit/3.png", True),
    ]


def test_masks_and_images_that_do_not_find_each_other(tmp_path: Path) -> None:
    for name in ("train/good/0.png", "test/pit/0.png", "test/pit/1.png", "test/pit/2.png"):
        picture(tmp_path / name)
    for name, size in (("pit/0_mask", SIZE), ("pit/7_mask", SIZE), ("pit/2", (9, 9)), ("dent/0_mask", SIZE)):
        file = tmp_path / "ground_truth" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full(size, 255, np.uint8))
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or fault.file.name) for fault in dataset.faults) == [
        ("missing-image", "0_mask.png"),
        ("missing-image", "7_mask.png"),
        ("missing-mask", "test/pit/1.png"),
        ("wrong-size", "test/pit/2.png"),
    ]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(UserError, match="MVTec AD keeps them in"):
        read_dataset(tmp_path, "mvtec")


@pytest.mark.parametrize("other", ["0_mask.bmp", "0.png"])
def test_two_masks_of_one_image_are_a_fault_of_it(tmp_path: Path, other: str) -> None:
    for name in ("train/good/0.png", "test/pit/0.png", "test/pit/1.png"):
        picture(tmp_path / name)
    truth = tmp_path / "ground_truth" / "pit"
    truth.mkdir(parents=True)
    for name, mask in (("0_mask.png", pit()), (other, ~pit()), ("1_mask.png", pit())):
        cv2.imwrite(str(truth / name), mask.astype(np.uint8) * 255)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("duplicate-mask", "test/pit/0.png")]
    assert [one.image_id for one in dataset.samples] == ["train/good/0.png", "test/pit/1.png"]


def test_a_mask_that_finds_no_image_leaves_none_of_nearly_its_name_as_good(tmp_path: Path) -> None:
    for name in ("train/good/0.png", "test/good/0.png", "test/good/1.png", "test/good/2.png", "test/pit/3.png"):
        picture(tmp_path / name)
    for name, value in (("good/000_mask", 255), ("good/001_mask", 0), ("pit/2_mask", 255), ("pit/3_mask", 255)):
        file = tmp_path / "ground_truth" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full(SIZE, value, np.uint8))
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or "", fault.file.name) for fault in dataset.faults) == [
        ("missing-image", "", "000_mask.png"),
        ("missing-image", "", "001_mask.png"),
        ("missing-image", "", "2_mask.png"),
        ("unsure-label", "test/good/0.png", "000_mask.png"),
    ]
    names = ["train/good/0.png", "test/good/1.png", "test/good/2.png", "test/pit/3.png"]
    assert [one.image_id for one in dataset.samples] == names


def test_a_mask_that_two_images_share_is_neithers(tmp_path: Path) -> None:
    names = ("test/pit/1.png", "test/pit/1.bmp", "test/pit/2.png", "train/pit/3.png", "test/pit/3.png")
    for name in ("train/good/0.png", "test/good/0.png", *names):
        picture(tmp_path / name)
    truth = tmp_path / "ground_truth" / "pit"
    truth.mkdir(parents=True)
    for name in "123":
        cv2.imwrite(str(truth / f"{name}_mask.png"), pit().astype(np.uint8) * 255)
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id) for fault in dataset.faults) == [
        ("duplicate-image", "test/pit/1.bmp"),
        ("duplicate-image", "test/pit/1.png"),
        ("duplicate-image", "test/pit/3.png"),
        ("duplicate-image", "train/pit/3.png"),
    ]
    shared = {fault.image_id: fault.message for fault in dataset.faults}
    assert "test/pit/1.bmp has the same mask, ground_truth/pit/1_mask.png" in shared["test/pit/1.png"]
    assert [one.image_id for one in dataset.samples] == ["train/good/0.png", "test/good/0.png", "test/pit/2.png"]
