"""A table of labels of images: alone, and beside masks that it must not contradict."""

from pathlib import Path

import numpy as np
import pytest
from helpers.labelled_scene import picture
from helpers.layout_writers import write_index_png

from steelsight.core.errors import UserError
from steelsight.dataset.convert import convert
from steelsight.dataset.model import UNKNOWN, Layout
from steelsight.dataset.read import read_dataset


def test_a_table_alone_tells_what_images_show(tmp_path: Path) -> None:
    for name in ("a.png", "coil 7/b.png", "c.png", "d.png", "e.png"):
        picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text(
        "Image;Class;who\na.png;good;me\ncoil 7\\b.png;scratch;me\nc.png;scratch;me\nc.png;pit;me\nd.png;OK;me\n",
        encoding="utf-16",
    )
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("image-labels", ("pit", "scratch"), ())
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [("a.png", False), ("d.png", False)]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("c.png", (0, 1)), ("coil 7/b.png", (1,))]
    assert [(one.images, "no row" in one.message) for one in dataset.left_out] == [(1, True)]


def test_good_and_bad_alone_are_read_for_the_classes_of_an_inspector(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text("image,class\na.png,good\nb.png,NG\n")
    with pytest.raises(
        UserError, match=r"name no class of a defect.*`steelsight decide INSPECTOR --calibrate DATA` takes"
    ):
        read_dataset(tmp_path)
    dataset = read_dataset(tmp_path, classes_if_unnamed=("pit", "scratch"))
    assert (dataset.classes, dataset.faults) == (("pit", "scratch"), ())
    assert [one.image_id for one in dataset.samples] == ["a.png"]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("b.png", (UNKNOWN,))]
    (tmp_path / "labels.csv").write_text("image,class\na.png,good\nb.png,rust\n")
    assert read_dataset(tmp_path, classes_if_unnamed=("pit", "scratch")).classes == ("rust",)


def test_a_table_beside_masks_adds_what_they_do_not_say(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5] = 1
    for name, indices in (("a.png", mask), ("b.png", mask * 0), ("c.png", mask * 0), ("d.png", mask)):
        write_index_png(tmp_path, name, indices)
    picture(tmp_path / "rejects" / "e.png")
    (tmp_path / "classes.txt").write_text("pit\n")
    rows = (
        "image,class\nimages/a.png,pit\nimages/b.png,good\nimages/c.png,scratch\nimages/d.png,good\nrejects/e.png,pit\n"
    )
    (tmp_path / "labels.csv").write_text(rows)
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("index-png", ("pit", "scratch"))
    assert [(fault.kind, fault.line, fault.image_id) for fault in dataset.faults] == [("contradiction", 5, "d.png")]
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [("a.png", True), ("b.png", False)]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("c.png", (1,)), ("rejects/e.png", (0,))]
    assert any("5 images by a label of the image as a whole, 1 of which" in note for note in dataset.notes)


def test_bad_is_a_defect_of_no_name_unless_masks_have_a_class_called_so(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5] = 1
    for name, indices in (("a.png", mask), ("b.png", mask * 0), ("c.png", mask * 0), ("d.png", mask * 0)):
        write_index_png(tmp_path, name, indices)
    rows = "image,class\nimages/a.png,bad\nimages/b.png,bad\nimages/c.png,NOT OK\nimages/c.png,scratch\n"
    (tmp_path / "labels.csv").write_text(rows)
    (tmp_path / "classes.txt").write_text("pit\n")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("pit", "scratch"), ())
    assert [(one.image_id, one.is_defective) for one in dataset.samples] == [("a.png", True), ("d.png", False)]
    known = {one.image_id: one for one in dataset.without_masks}
    assert {name: one.shown for name, one in known.items()} == {"b.png": (UNKNOWN,), "c.png": (UNKNOWN, 1)}
    assert (known["b.png"].classes, known["b.png"].is_defective) == ((), True)
    convert(dataset, tmp_path / "out", "coco")
    again = read_dataset(tmp_path / "out")
    assert {one.image_id: one.shown for one in again.without_masks} == {"b.png": (UNKNOWN,), "c.png": (UNKNOWN, 1)}
    (tmp_path / "classes.txt").write_text("bad\n")
    named = read_dataset(tmp_path)
    assert {one.image_id: one.shown for one in named.without_masks} == {"b.png": (0,), "c.png": (UNKNOWN, 1)}


FAULTY = "image,class\nb.png,good\nb.png,bad\nc.png,\nd.png,bad,extra\nE.PNG,bad\nF.PNG,good\nG.PNG\n"


@pytest.mark.parametrize("layout", ["severstal", "index-png", "image-labels"])
def test_an_image_of_a_faulty_row_is_no_good_example(tmp_path: Path, layout: str) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5] = 1
    for name in "abcdefg":
        match layout:
            case "severstal":
                picture(tmp_path / "train_images" / f"{name}.png")
                (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\na.png,1,1 10\n")
            case "index-png":
                write_index_png(tmp_path, f"{name}.png", mask * (name == "a"))
            case _:
                picture(tmp_path / f"{name}.png")
    more = "a.png,pit\n" + "".join(f"{name}.png,good\n" for name in "defg") if layout == "image-labels" else ""
    (tmp_path / "labels.csv").write_text(FAULTY + more)
    dataset = read_dataset(tmp_path)
    faults = {(fault.kind, fault.line, fault.image_id) for fault in dataset.faults}
    assert faults == {
        ("contradiction", 3, "b.png"),
        ("unknown-class", 4, "c.png"),
        ("malformed-row", 5, "d.png"),
        ("missing-image", 6, None),
        ("unsure-label", 6, "e.png"),
        ("missing-image", 7, None),
        ("malformed-row", 8, None),
        ("unsure-label", 8, "g.png"),
    }
    known = {one.image_id for one in (*dataset.samples, *dataset.without_masks)}
    assert known == {"a.png", "f.png"}  # a row that says good, of no image, hides no defect


def test_a_row_about_another_camera_s_image_finds_none(tmp_path: Path) -> None:
    for name in ("cam2/1.png", "cam2/2.png"):
        picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text("image,class\ncam1/1.png,pit\ncam2/1.png,good\ncam2/2.png,pit\n")
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.line) for fault in dataset.faults] == [("missing-image", 2)]
    assert [one.image_id for one in dataset.samples] == ["cam2/1.png"]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("gone.png,pit", "missing-image"),
        ("a.png,", "unknown-class"),
        ("a.png", "malformed-row"),
        ("a.png,good", "contradiction"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, row: str, kind: str) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text(f"image,class\na.png,pit\nb.png,good\n{row}\n")
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.line) == (kind, 4)


def test_a_table_of_other_columns_beside_masks_is_named(tmp_path: Path) -> None:
    """Its bad images would silently be good ones."""
    write_index_png(tmp_path, "a.png", np.eye(6, 8, dtype=np.uint8))
    (tmp_path / "labels.csv").write_text("image,label\nimages/a.png,bad\n")
    said = [note for note in read_dataset(tmp_path).notes if "labels.csv" in note]
    assert len(said) == 1
    assert "not read, since its columns are image, label; a table of what images show has the columns image" in said[0]


def test_a_table_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("image,what\na.png,pit\n")
    with pytest.raises(UserError, match="no column class"):
        read_dataset(tmp_path, "image-labels")


@pytest.mark.parametrize("other", ["previews/a.png", "a.png"])
@pytest.mark.parametrize("layout", ["severstal", "index-png"])
def test_a_row_means_the_image_that_the_layout_calls_so(tmp_path: Path, layout: Layout, other: str) -> None:
    """A picture of that name elsewhere made the row unusable, and the image stayed free of defects."""
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5] = 1
    for name in "abc":
        if layout == "severstal":
            picture(tmp_path / "train_images" / f"{name}.png")
            (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\nb.png,1,1 10\n")
        else:
            write_index_png(tmp_path, f"{name}.png", mask * (name == "b"))
    picture(tmp_path / other)
    (tmp_path / "labels.csv").write_text("image,class\na.png,1\nb.png,1\nc.png,good\n")
    dataset = read_dataset(tmp_path, layout)
    assert dataset.faults == ()
    assert [(one.image_id, one.path.parent.name) for one in dataset.samples] == [
        ("b.png", "train_images" if layout == "severstal" else "images"),
        ("c.png", "train_images" if layout == "severstal" else "images"),
    ]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("a.png", (0,))]


def test_a_row_of_an_image_that_is_not_there_means_none_by_its_name_alone(tmp_path: Path) -> None:
    picture(tmp_path / "train_images" / "B.PNG")
    picture(tmp_path / "train_images" / "c.png")
    (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\nb.png,1,\nc.png,1,1 10\n")
    (tmp_path / "labels.csv").write_text("image,class\nb.png,1\n")
    faults = {(fault.kind, fault.image_id, fault.file.name) for fault in read_dataset(tmp_path).faults}
    assert ("unsure-label", "B.PNG", "labels.csv") in faults
