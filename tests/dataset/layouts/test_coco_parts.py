"""The parts of a split, whose ids of classes differ, are one dataset; files about the same images are none."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.layout_writers import write_picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

SIZE = (8, 12)


def part(file: Path, classes: dict[int, str], marks: dict[str, dict[str, int]], images: Path | None = None) -> None:
    """A COCO file about images; of each the classes, by name, with how many columns from the left are marked."""
    ids = {name: number for number, name in classes.items()}
    content: dict[str, Any] = {
        "images": [
            {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]} for number, name in enumerate(marks)
        ],
        "annotations": [
            {
                "id": 100 * number + ids[name],
                "image_id": number,
                "category_id": ids[name],
                "segmentation": [[0, 0, wide, 0, wide, 8, 0, 8]],
            }
            for number, of in enumerate(marks.values())
            for name, wide in of.items()
        ],
        "categories": [{"id": number, "name": name} for number, name in classes.items()],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    for name in marks:
        write_picture((images or file.parent) / name, SIZE)


def areas(root: Path) -> dict[str, dict[str, int]]:
    dataset = read_dataset(root)
    assert not dataset.faults
    assert not dataset.left_out
    return {
        one.image_id: {name: runs.area for name, runs in zip(dataset.classes, one.runs, strict=True) if runs.area}
        for one in dataset.samples
    }


def test_the_parts_of_a_split_are_joined_by_the_names_of_their_classes(tmp_path: Path) -> None:
    name = "_annotations.coco.json"
    part(tmp_path / "train" / name, {1: "pit", 2: "scratch"}, {"a.png": {"pit": 2}, "b.png": {}})
    part(tmp_path / "valid" / name, {1: "scratch", 5: "scale", 7: "pit"}, {"a.png": {"pit": 3, "scratch": 1}})
    part(tmp_path / "test" / name, {3: "scale"}, {"c.png": {"scale": 4}})
    assert areas(tmp_path) == {
        "test/c.png": {"scale": 32},
        "train/a.png": {"pit": 16},
        "train/b.png": {},
        "valid/a.png": {"pit": 24, "scratch": 8},
    }
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("scale", "pit", "scratch")
    assert "3 COCO files are read together, classes by their names" in dataset.notes[0]


def test_two_files_about_other_images_are_parts_and_about_the_same_are_refused(tmp_path: Path) -> None:
    at = tmp_path / "annotations"
    part(at / "instances_train.json", {1: "pit", 2: "scratch"}, {"a.png": {"pit": 2}}, tmp_path / "images")
    part(at / "instances_val.json", {1: "scratch", 2: "pit"}, {"b.png": {"pit": 3}}, tmp_path / "images")
    assert areas(tmp_path) == {"a.png": {"pit": 16}, "b.png": {"pit": 24}}
    part(at / "instances_all.json", {1: "pit"}, {"a.png": {"pit": 2}}, tmp_path / "images")
    with pytest.raises(UserError, match=r"list the same images.*name the one you mean: .*instances_all.json"):
        read_dataset(tmp_path)


def test_one_part_alone_keeps_its_folder_in_the_names_and_a_fault_is_that_of_its_image(tmp_path: Path) -> None:
    part(tmp_path / "train" / "x.json", {1: "pit"}, {"a.png": {"pit": 2}, "b.png": {"pit": 1}})
    write_picture(tmp_path / "train" / "b.png", (9, 9))
    dataset = read_dataset(tmp_path)
    assert [one.image_id for one in dataset.samples] == ["train/a.png"]
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("wrong-size", "train/b.png")]
    assert dataset.notes == ()


def test_a_file_in_utf_16_is_found(tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "utf-16-le", "utf-8-sig")):
        root = tmp_path / str(number)
        part(root / "annotations.json", {1: "pit"}, {"a.png": {"pit": 2}})
        file = root / "annotations.json"
        file.write_bytes(file.read_text().encode(encoding))
        assert areas(root) == {"a.png": {"pit": 16}}
