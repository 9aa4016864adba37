"""Label Studio's JSON: every kind of mark, which annotation counts, and what is named rather than dropped."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.labelled_scene import PIT, SIZE, mask_of, picture

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.brush_runs import encode_brush
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset

HEIGHT, WIDTH = SIZE
SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True
CORNERS = [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in ((2, 1), (5, 1), (5, 4), (2, 4))]


def result(kind: str, value: dict[str, Any], name: str | None = PIT) -> dict[str, Any]:
    labels = {kind: [name]} if name else {}
    return {
        "type": kind,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": value | labels,
    }


def brush(mask: np.ndarray) -> dict[str, Any]:
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask] = (180, 0, 90, 255)
    return result("brushlabels", {"format": "rle", "rle": encode_brush(pixels.ravel())})


POLYGON = result("polygonlabels", {"points": CORNERS, "closed": True})


def task(number: int, name: str, *annotations: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "data": {"image": name}, "annotations": list(annotations), "predictions": []} | more


def write(root: Path, tasks: list[Any]) -> Path:
    file = root / "export.json"
    file.write_text(json.dumps(tasks))
    return file


def test_each_kind_of_mark_marks_its_pixels(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / "images" / f"{name}.png")
    picture(tmp_path / "images" / "strip 7.png")
    ellipse = {"x": 50, "y": 50, "radiusX": 12.5, "radiusY": 8.0, "rotation": 0}
    tasks = [
        task(1, "/data/upload/3/1a2b3c4d-a.png", {"result": [POLYGON]}),
        task(2, "/data/local-files/?d=line%5C2%5Cb.png", {"result": [brush(SQUARE_MASK)]}),
        task(3, "s3://bucket/c.png", {"result": [result("ellipselabels", ellipse)]}),
        task(4, "https://label.host/images/d.png?token=1", {"result": []}),
        task(5, "/data/upload/3/1a2b3c4d-strip%207.png", {"result": [POLYGON | {"id": "x"}]}),
    ]
    write(tmp_path, tasks)
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("label-studio", (PIT,), ())
    for name in ("a", "b", "strip 7"):
        np.testing.assert_array_equal(mask_of(dataset, f"images/{name}.png", PIT), SQUARE_MASK)
    assert mask_of(dataset, "images/c.png", PIT).sum() == pytest.approx(np.pi * 8 * 3.84, rel=0.08)
    assert sum(not one.is_defective for one in dataset.samples) == 1
    assert any("1 images with an empty annotation" in note for note in dataset.notes)


def test_boxes_and_choices_count_as_the_user_says(tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    box = {"x": 2 / WIDTH * 100, "y": 1 / HEIGHT * 100, "width": 3 / WIDTH * 100, "height": 3 / HEIGHT * 100}
    choice = {"type": "choices", "value": {"choices": ["scratch"]}}
    good = {"type": "choices", "value": {"choices": ["good"]}}
    boxed = {"result": [result("rectanglelabels", box | {"rotation": 0})]}
    tasks = [task(1, "a.png", boxed), task(2, "b.png", {"result": [choice]}), task(3, "c.png", {"result": [good]})]
    write(tmp_path, tasks)
    assert [fault.kind for fault in read_dataset(tmp_path).faults] == ["missing-mask"]
    dataset = read_dataset(tmp_path, boxes="as-masks")
    np.testing.assert_array_equal(mask_of(dataset, "a.png", PIT), SQUARE_MASK)
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [("a.png", True), ("c.png", False)]
    assert [one.image_id for one in dataset.without_masks] == ["b.png"]


def test_a_choice_takes_no_drawn_mask_away(tmp_path: Path) -> None:
    """As the same facts do in a table of labels of whole images."""
    for name in "abcd":
        picture(tmp_path / f"{name}.png")

    def choice(name: str) -> dict[str, Any]:
        return {"type": "choices", "value": {"choices": [name]}}

    tasks = [
        task(1, "a.png", {"result": [POLYGON, choice("Bad")]}),
        task(2, "b.png", {"result": [POLYGON, choice(PIT)]}),
        task(3, "c.png", {"result": [choice("Bad")]}),
        task(4, "d.png", {"result": [POLYGON, choice("scratch")]}),
    ]
    write(tmp_path, tasks)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == ((PIT, "scratch"), ())
    for name in "ab":
        np.testing.assert_array_equal(mask_of(dataset, f"{name}.png", PIT), SQUARE_MASK)
    known = {one.image_id: one.shown for one in dataset.without_masks}
    assert known == {"c.png": (UNKNOWN,), "d.png": (1,)}  # somewhere on d there is a scratch that nobody drew
    drawn = result("polygonlabels", {"points": CORNERS}, "Bad")
    write(tmp_path, [*tasks[:3], task(4, "d.png", {"result": [drawn]})])
    named = read_dataset(tmp_path)
    assert named.classes == ("Bad", PIT)
    assert {one.image_id: one.shown for one in named.without_masks} == {"a.png": (0,), "c.png": (0,)}


def test_what_is_said_of_a_single_region_is_not_said_of_the_image(tmp_path: Path) -> None:
    for name in "abcde":
        picture(tmp_path / f"{name}.png")
    marked = POLYGON | {"id": "m1"}

    def choice(name: str, **more: Any) -> dict[str, Any]:
        return {"type": "choices", "value": {"choices": [name]} | more, "id": "m1"}

    relation = {"type": "relation", "from_id": "m1", "to_id": "m2", "direction": "right", "labels": ["next"]}
    tasks = [
        task(1, "a.png", {"result": [marked, choice("minor", points=CORNERS, closed=True)]}),
        task(2, "b.png", {"result": [choice("ok"), marked, relation, POLYGON | {"id": "m2"}]}),
        task(3, "c.png", {"result": [POLYGON, choice("minor", points=CORNERS)]}),  # without the mark's id
        task(4, "d.png", {"result": [marked, choice("scratch") | {"id": "c9"}]}),  # of the image as a whole
        task(5, "e.png", {"result": [choice("scratch", points=CORNERS)]}),  # of a region that is not there
    ]
    write(tmp_path, tasks)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == ((PIT, "scratch"), ())
    assert [one.image_id for one in dataset.samples] == ["a.png", "b.png", "c.png"]
    for name in "abc":
        np.testing.assert_array_equal(mask_of(dataset, f"{name}.png", PIT), SQUARE_MASK)
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("d.png", (1,)), ("e.png", (1,))]
    (said,) = [note for note in dataset.notes if "single regions" in note]
    assert said.startswith("3 choices of single regions (minor 2 times, ok 1 times) are passed over")


def test_which_annotation_counts_is_never_guessed(tmp_path: Path) -> None:
    for name in "abcde":
        picture(tmp_path / f"{name}.png")
    one, two = {"result": [POLYGON]}, {"result": [brush(~SQUARE_MASK)]}
    tasks = [
        task(1, "a.png", one, two),
        task(2, "b.png", one, two | {"was_cancelled": True}),
        task(3, "c.png", two, one | {"ground_truth": True}),
        task(4, "d.png"),
        task(5, "e.png", one | {"was_cancelled": True}),
    ]
    write(tmp_path, tasks)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("contradiction", "a.png")]
    assert "task 1: 2 annotations" in dataset.faults[0].message
    assert [one.image_id for one in dataset.samples] == ["b.png", "c.png"]
    for name in "bc":
        np.testing.assert_array_equal(mask_of(dataset, f"{name}.png", PIT), SQUARE_MASK)
    assert [left.images for left in dataset.left_out] == [2]
    assert "(2 tasks were skipped or not annotated)" in dataset.left_out[0].message


@pytest.mark.parametrize(
    ("entry", "kind", "said"),
    [
        (result("keypointlabels", {"x": 1, "y": 1}), "malformed-entry", "'keypointlabels' are not known"),
        (result("polygonlabels", {"points": CORNERS}, None), "unknown-class", "no label"),
        (result("polygon", {"points": CORNERS}, None), "unknown-class", "a polygon without a label"),
        (result("polygonlabels", {"points": "odd"}), "bad-polygon", "no pairs of numbers"),
        (result("polygonlabels", {"points": [[1, 1], [140, 2], [3, 3]]}), "polygon-out-of-range", "lies outside"),
        (result("brushlabels", {"format": "rle", "rle": [1, 2]}), "run-not-a-number", "break off"),
        (result("brushlabels", {"format": "png"}), "run-not-a-number", "without run lengths"),
        (
            brush(np.ones((2, 2), bool)) | {"original_width": 32_000, "original_height": 32_000},
            "wrong-size",
            "32000 x 32000",
        ),
        (POLYGON | {"original_width": 99}, "wrong-size", "99 x 48"),
        (POLYGON | {"original_width": None}, "malformed-entry", "original_width"),
        (POLYGON | {"image_rotation": 90}, "exif-orientation", "turned"),
        ("odd", "malformed-entry", "no result with a type"),
    ],
)
def test_a_mark_that_cannot_be_read_is_named(tmp_path: Path, entry: Any, kind: str, said: str) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    write(tmp_path, [task(7, "a.png", {"result": [POLYGON, entry]}), task(8, "b.png", {"result": [POLYGON]})])
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == (kind, "a.png")
    assert said in fault.message
    if kind != "wrong-size":
        assert "task 7, result 2" in fault.message


def test_choices_that_are_no_list_choose_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    write(tmp_path, [task(7, "a.png", {"result": [POLYGON, result("choices", {"choices": 5}, None)]})])
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults, dataset.samples[0].shown) == ((PIT,), (), ())


def test_labels_without_their_image_and_other_exports(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    write(tmp_path, [task(1, "a.png", {"result": [POLYGON]}), task(2, "gone.png", {"result": [POLYGON]})])
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == ("missing-image", None)
    assert "task 2: image gone.png is not there" in fault.message
    minimal = tmp_path / "export.json"
    minimal.write_text(json.dumps([{"image": "a.png", "label": []}]))
    with pytest.raises(UserError, match="as JSON-MIN has them"):
        read_dataset(minimal, "label-studio")
