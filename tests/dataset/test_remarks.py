"""What lies in a labelled folder and is not read is named; orientations are told."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import run_cli
from helpers.pictures import encoded, steel, turned_jpeg

from steelsight.dataset.read import read_dataset


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def mask(value: int = 1) -> bytes:
    drawn = np.zeros((64, 96), np.uint8)
    drawn[10:40, 10:50] = value
    return encoded(".png", drawn)


def index_png(root: Path, *below: str) -> Path:
    for inside in ("", *below):
        put(root / "images" / inside / "0.png", encoded(".png", steel(len(inside))))
        put(root / "masks" / inside / "0.png", mask())
    return root


def severstal(root: Path, *below: str) -> Path:
    for inside in ("", *below):
        put(root / "train_images" / inside / "0.jpg", encoded(".jpg", steel(len(inside))))
    put(root / "train.csv", b"ImageId,ClassId,EncodedPixels\n0.jpg,1,10 20\n")
    return root


def class_folders(root: Path, *below: str) -> Path:
    for inside in ("", *below):
        put(root / "crack" / inside / "0.jpg", encoded(".jpg", steel(len(inside))))
        put(root / "crack" / inside / "0.png", mask(255))
    return root


def coco(root: Path, *below: str) -> Path:
    for inside in ("", *below):
        put(root / "images" / inside / "0.png", encoded(".png", steel(len(inside))))
    content = {
        "images": [{"id": 1, "file_name": "0.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[5, 5, 40, 5, 40, 30]]}],
        "categories": [{"id": 1, "name": "scratch"}],
    }
    put(root / "annotations.json", json.dumps(content).encode())
    return root


@pytest.mark.parametrize("layout", [index_png, severstal, class_folders, coco])
@pytest.mark.parametrize("below", ["line2", ".cache"])
def test_images_that_lie_deeper_than_the_layout_looks_are_named(tmp_path: Path, layout: Any, below: str) -> None:
    assert read_dataset(layout(tmp_path / "flat")).remarks == ()
    dataset = read_dataset(layout(tmp_path / "deep", below))
    assert len(dataset.samples) == 1
    assert dataset.left_out
    assert all(below in str(one.file) and one.images for one in dataset.left_out)


def test_data_check_counts_what_is_left_out_and_ends_with_3(tmp_path: Path) -> None:
    said = run_cli("data", "check", index_png(tmp_path, "line2"), "--no-twins", "--json")
    assert said.returncode == 3
    remarks = json.loads(said.stdout)["remarks"]
    assert [(one["kind"], one["images"]) for one in remarks] == [("left-out", 1), ("left-out", 1)]


def test_images_that_state_an_orientation_are_told_with_a_mark_or_without(tmp_path: Path) -> None:
    root = severstal(tmp_path)
    for name in ("0.jpg", "1.jpg"):
        put(root / "train_images" / name, turned_jpeg(steel(), 3))
    put(root / "train_images/2.jpg", encoded(".jpg", steel(2)))
    dataset = read_dataset(root)
    assert not dataset.faults
    assert [(one.kind, one.images) for one in dataset.remarks] == [("exif-orientation", 2)]
    assert len(dataset.samples) == 3


def test_an_image_of_one_grey_is_told(tmp_path: Path) -> None:
    root = severstal(tmp_path)
    assert cv2.imwrite(str(root / "train_images/1.png"), np.full((64, 96), 120, np.uint8))
    assert [(one.kind, one.file.name, one.images) for one in read_dataset(root).remarks] == [("flat-image", "1.png", 1)]


def test_a_link_that_leads_nowhere_is_a_fault(tmp_path: Path) -> None:
    root = severstal(tmp_path)
    (root / "train_images/1.jpg").symlink_to("gone.jpg")
    assert [(fault.kind, fault.image_id) for fault in read_dataset(root).faults] == [("missing-image", "1.jpg")]
