"""Files that labelling tools' own libraries have written of strips that we drew: each gives the masks that were drawn.

`tests/data/exports/README.md` says which library wrote which, and how.
"""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import ROOT
from helpers.labelled_scene import PIT, SCRATCH, SIZE, difference, picture, pit, scratch

from steelsight.dataset.convert import convert
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import decode_runs

EXPORTS = ROOT / "tests" / "data" / "exports"
NAMES = ("a", "b", "good")

Drawn = dict[tuple[str, str], np.ndarray]


def filled(*corners: tuple[float, float]) -> np.ndarray:
    """A polygon by another program: the pixels whose centres OpenCV finds inside."""
    outline = np.array(corners, np.float32)
    inside = [
        [cv2.pointPolygonTest(outline, (x + 0.5, y + 0.5), False) > 0 for x in range(SIZE[1])] for y in range(SIZE[0])
    ]
    return np.array(inside)


def block(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def drawn_by_labelme(name: str) -> np.ndarray:
    return cv2.imread(str(EXPORTS / "labelme-drawn" / f"{name}.png"), cv2.IMREAD_GRAYSCALE) > 0


TRIANGLE = filled((2, 1), (30, 3), (12, 20))
SQUARE, BAR = block(11, 7, 33, 29), block(30, 34, 31, 60)
MASKS: Drawn = {("a", PIT): pit(), ("a", SCRATCH): scratch(), ("b", SCRATCH): block(3, 10, 8, 19)}
POLYGONS: Drawn = {("a", PIT): SQUARE, ("a", SCRATCH): BAR, ("b", SCRATCH): TRIANGLE}
BOXES: Drawn = {("a", PIT): SQUARE, ("b", SCRATCH): block(1, 2, 20, 30)}


def _case(name: str, layout: str, images: str, drawn: Drawn, boxes: Boxes | None = None) -> object:
    return pytest.param(name, layout, images, drawn, boxes, id=name)


@pytest.mark.parametrize(
    ("name", "layout", "images", "drawn", "boxes"),
    [
        _case("cvat", "cvat", "images", POLYGONS),
        _case("cvat-mask", "cvat", "images", MASKS),
        _case("voc-segmentation", "voc", "JPEGImages", MASKS),
        _case("voc-boxes", "voc", "JPEGImages", BOXES, "as-masks"),
        _case("labelme-xml", "voc", ".", POLYGONS),
        _case("yolo-boxes", "yolo", "images/train", BOXES, "as-masks"),
        _case("yolo", "yolo", "images", {("a", PIT): SQUARE, ("b", SCRATCH): TRIANGLE}),
        _case("coco", "coco", "images/train", POLYGONS),
        _case("coco-mask", "coco", "images/train", MASKS),
        _case("label-studio", "label-studio", "images", MASKS | {("b", SCRATCH): TRIANGLE}),
        _case("label-studio-coco", "coco", "images", {("a", PIT): SQUARE, ("b", SCRATCH): TRIANGLE}),
        _case(
            "labelme",
            "labelme",
            ".",
            {
                ("a", PIT): pit(),
                ("a", SCRATCH): BAR,
                ("b", PIT): drawn_by_labelme("circle"),
                ("b", SCRATCH): TRIANGLE | drawn_by_labelme("linestrip"),
            },
        ),
    ],
)
def test_an_export_gives_what_was_drawn(
    tmp_path: Path, name: str, layout: str, images: str, drawn: Drawn, boxes: Boxes | None
) -> None:
    root = tmp_path / "data"
    shutil.copytree(EXPORTS / name, root)
    (root / images).mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(NAMES, start=1):
        part = "val" if name == "yolo-boxes" and one == "b" else ""
        target = root / images.replace("train", part or "train") / f"{one}.png"
        picture(target, number)
    dataset = read_dataset(root, boxes=boxes)
    assert (dataset.layout, dataset.classes, dataset.faults, dataset.left_out) == (layout, (PIT, SCRATCH), (), ())
    corners = 2 if name == "labelme" else 0  # of the ends of a line, which PIL draws a little longer
    compare(dataset, drawn, exact=drawn is MASKS or drawn is BOXES, corners=corners)
    convert(dataset, tmp_path / "again", "coco")
    compare(read_dataset(tmp_path / "again"), drawn, exact=drawn is MASKS or drawn is BOXES, corners=corners)


def compare(dataset: Dataset, drawn: Drawn, *, exact: bool, corners: int) -> None:
    for sample in dataset.samples:
        for place, name in enumerate(dataset.classes):
            found = decode_runs(sample.runs[place], sample.size)
            wanted = drawn.get((Path(sample.image_id).stem, name), np.zeros(SIZE, bool))
            if exact:
                np.testing.assert_array_equal(found, wanted, err_msg=f"{sample.image_id} {name}")
            assert difference(found, wanted) <= corners, f"{sample.image_id} {name}"
            assert found.any() == wanted.any()
