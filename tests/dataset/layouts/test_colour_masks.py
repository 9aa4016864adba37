"""Masks in colours: each colour is what the legend says, and one that it does not name is a fault."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import SIZE, mask_of, picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

LEGENDS = {
    "legend.csv": "name;r;g;b\npit;255;0;0\nscratch;10;10;10\nvoid;224;224;192\n",
    "class_dict.csv": 'name,r,g,b,remark\npit,255,0,0,"first\nsecond"\nscratch,10,10,10,\nvoid,224,224,192,\n',
    "labelmap.txt": (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\npit:255,0,0::\nscratch:10,10,10::\nvoid:224,224,192::\n"
    ),
}


def folder(root: Path, pixels: np.ndarray) -> Path:
    picture(root / "images" / "a.png")
    (root / "masks").mkdir()
    cv2.imwrite(str(root / "masks" / "a.png"), pixels[..., ::-1])
    return root


@pytest.mark.parametrize("name", LEGENDS)
def test_colours_are_read_by_any_legend(tmp_path: Path, name: str) -> None:
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[3:6, 4:9], pixels[10:12, :5], pixels[0] = (255, 0, 0), (10, 10, 10), (224, 224, 192)
    (folder(tmp_path, pixels) / name).write_text(LEGENDS[name], encoding="utf-8-sig")
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("colour-masks", ("pit", "scratch"), ())
    np.testing.assert_array_equal(mask_of(dataset, "a.png", "pit"), (pixels == (255, 0, 0)).all(axis=2))
    np.testing.assert_array_equal(mask_of(dataset, "a.png", "scratch"), (pixels == (10, 10, 10)).all(axis=2))
    np.testing.assert_array_equal(dataset.samples[0].ignored_mask(), (pixels == (224, 224, 192)).all(axis=2))
    assert any(f"{SIZE[1]} pixels of 1 images are ignored (void)" in note for note in dataset.notes)


@pytest.mark.parametrize(("background", "ignored"), [("", 0), ("background,9,9,9\n", SIZE[0] * SIZE[1] - 15)])
def test_black_called_unlabelled_is_the_background_unless_another_colour_is(
    tmp_path: Path, background: str, ignored: int
) -> None:
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[3:6, 4:9] = (255, 0, 0)
    text = f"name,r,g,b\nunlabeled,0,0,0\npit,255,0,0\n{background}"
    (folder(tmp_path, pixels) / "legend.csv").write_text(text)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("pit",), ())
    assert dataset.samples[0].ignored.area == ignored


def test_a_colour_without_a_name_and_missing_masks_are_faults(tmp_path: Path) -> None:
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[3:6, 4:9], pixels[7, 7] = (255, 1, 0), (254, 0, 0)
    root = folder(tmp_path, pixels)
    (root / "legend.csv").write_text(LEGENDS["legend.csv"])
    picture(root / "images" / "b.png")
    picture(root / "images" / "c.png")
    good = np.zeros((*SIZE, 3), np.uint8)
    good[0, 0] = (0, 0, 255)
    cv2.imwrite(str(root / "masks" / "c.png"), good)
    cv2.imwrite(str(root / "masks" / "d.png"), good)
    dataset = read_dataset(root)
    assert sorted((fault.kind, fault.image_id or fault.file.name) for fault in dataset.faults) == [
        ("missing-image", "d.png"),
        ("missing-mask", "b.png"),
        ("unknown-class", "a.png"),
    ]
    said = next(fault.message for fault in dataset.faults if fault.kind == "unknown-class")
    assert "colour (255, 1, 0) (15 pixels) and 1 more colours is not in legend.csv" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,r,g\npit,1,2\n", "a legend has name, r, g and b"),
        ("name,r,g,b\npit,1,2,x\n", "line 2"),
        ("name,r,g,b\npit,1,2,300\n", "0 to 255"),
        ("name,r,g,b\npit,1,2," + "1" * 5000 + "\n", "three numbers from 0 to 255"),
        ("name,r,g,b\npit,1,2,3\nscratch,1,2,3\n", "that of pit already"),
        ("name,r,g,b\npit,1,2,3\npit,1,2,4\n", "has a colour already"),
        ("name,r,g,b\nbackground,1,2,3\n", "names no class"),
    ],
)
def test_a_legend_that_cannot_be_read_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (folder(tmp_path, np.zeros((*SIZE, 3), np.uint8)) / "legend.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        read_dataset(tmp_path)


def test_a_legend_with_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path, np.zeros((*SIZE, 3), np.uint8)) / "labelmap.txt").write_text("pit:" + "1" * 5000 + ",0,0::\n")
    with pytest.raises(UserError, match=r"labelmap\.txt, line 1: .* a line is name:red,green,blue"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("drawn", ["alpha alone", "both alike", "both, and they differ"])
def test_a_mask_that_transparency_draws_is_no_good_example(tmp_path: Path, drawn: str) -> None:
    pixels = np.zeros((*SIZE, 4), np.uint8)
    pixels[3:9, 4:19, 3] = 255
    pixels[3:9, 4:19, :3] = (0, 0, 0) if drawn == "alpha alone" else (0, 0, 255)
    if drawn == "both, and they differ":
        pixels[3, 4, 3] = 0
    root = folder(tmp_path, np.zeros((*SIZE, 3), np.uint8))
    (root / "legend.csv").write_text(LEGENDS["legend.csv"])
    cv2.imwrite(str(root / "masks" / "a.png"), pixels)
    picture(root / "images" / "b.png")
    cv2.imwrite(str(root / "masks" / "b.png"), np.full((*SIZE, 3), (0, 0, 255), np.uint8))
    dataset = read_dataset(root)
    whole = drawn == "both alike"
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == ([] if whole else [("not-a-mask", "a.png")])
    assert [one.image_id for one in dataset.samples] == (["a.png", "b.png"] if whole else ["b.png"])
