"""CVAT's XML for images: every kind of shape, tags, and what is named rather than dropped."""

from pathlib import Path

import numpy as np
import pytest
from helpers.labelled_scene import PIT, SIZE, mask_of, picture

from steelsight.core.errors import UserError
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset

SQUARE = '<polygon label="pit" points="2.00,1.00;5.00,1.00;5.00,4.00;2.00,4.00"/>'
SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True


def write(root: Path, images: dict[str, str], labels: tuple[str, ...] = (PIT, "scratch")) -> Path:
    entries = ""
    for number, (name, shapes) in enumerate(images.items()):
        picture(root / "images" / name)
        entries += f'<image id="{number}" name="{name}" width="{SIZE[1]}" height="{SIZE[0]}">{shapes}</image>'
    declared = "".join(f"<label><name>{name}</name></label>" for name in labels)
    file = root / "annotations.xml"
    meta = f"<meta><job><labels>{declared}</labels></job></meta>"
    file.write_text(
        f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{meta}{entries}</annotations>'
    )
    return file


def test_each_kind_of_shape_marks_its_pixels(tmp_path: Path) -> None:
    shapes = {
        "polygon.png": SQUARE,
        "mask.png": '<mask label="pit" rle="0, 3, 1, 2, 3" left="2" top="1" width="3" height="3"/>',
        "ellipse.png": '<ellipse label="pit" cx="30" cy="20" rx="8" ry="4" rotation="90"/>',
        "line.png": '<polyline label="scratch" points="5,20;50,20"/>',
        "good.png": "",
    }
    write(tmp_path, shapes)
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("cvat", (PIT, "scratch"), ())
    np.testing.assert_array_equal(mask_of(dataset, "images/polygon.png", PIT), SQUARE_MASK)
    by_hand = np.zeros(SIZE, bool)
    by_hand[1:4, 2:5] = [[1, 1, 1], [0, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(mask_of(dataset, "images/mask.png", PIT), by_hand)
    ellipse = mask_of(dataset, "images/ellipse.png", PIT)
    assert ellipse[13:27, 30].all()
    assert not ellipse[20, 36]
    assert mask_of(dataset, "images/line.png", "scratch")[:, 20].sum() == 10
    assert any("1 images that annotations.xml lists without a shape" in note for note in dataset.notes)


def test_boxes_and_tags_count_as_the_user_says(tmp_path: Path) -> None:
    box = '<box label="pit" xtl="2" ytl="1" xbr="5" ybr="4"/>'
    write(
        tmp_path, {"a.png": box, "b.png": SQUARE, "c.png": '<tag label="scratch"/>', "d.png": '<tag label="good"/>'}, ()
    )
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == ("missing-mask", "images/a.png")
    dataset = read_dataset(tmp_path, boxes="as-masks")
    np.testing.assert_array_equal(mask_of(dataset, "images/a.png", PIT), SQUARE_MASK)
    assert [one.image_id for one in dataset.samples] == ["images/a.png", "images/b.png", "images/d.png"]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("images/c.png", (1,))]
    assert len(read_dataset(tmp_path, boxes="as-labels").without_masks) == 2


def test_an_image_of_another_camera_is_not_the_one_that_is_listed(tmp_path: Path) -> None:
    write(tmp_path, {"cam1/0001.png": SQUARE, "cam2/0001.png": "", "cam2/0002.png": SQUARE})
    (tmp_path / "images" / "cam1" / "0001.png").unlink()
    dataset = read_dataset(tmp_path)
    (fault,) = dataset.faults
    assert fault.kind == "missing-image"
    assert "image cam1/0001.png is not there (images/cam2/0001.png is another)" in fault.message
    known = [(one.image_id, one.is_defective) for one in dataset.samples]
    assert known == [("images/cam2/0001.png", False), ("images/cam2/0002.png", True)]


def test_a_tag_takes_no_drawn_mask_away(tmp_path: Path) -> None:
    images = {
        "a.png": f'<tag label="NG"/>{SQUARE}',
        "b.png": f'{SQUARE}<tag label="pit"/>',
        "c.png": '<tag label="NG"/>',
        "d.png": f'<tag label="scratch"/>{SQUARE}',
        "e.png": '<tag label="NG"/><box label="pit" xtl="2" ytl="1" xbr="5" ybr="4"/>',
    }
    write(tmp_path, images, (PIT, "NG", "scratch"))
    dataset = read_dataset(tmp_path, boxes="as-labels")
    assert (dataset.classes, dataset.faults) == ((PIT, "scratch"), ())
    for name in "ab":
        np.testing.assert_array_equal(mask_of(dataset, f"images/{name}.png", PIT), SQUARE_MASK)
    known = {one.image_id: one.shown for one in dataset.without_masks}
    assert known == {"images/c.png": (UNKNOWN,), "images/d.png": (1,), "images/e.png": (0,)}
    write(tmp_path, images | {"e.png": SQUARE.replace("pit", "NG")}, (PIT, "NG", "scratch"))
    named = read_dataset(tmp_path)
    assert named.classes == (PIT, "NG", "scratch")
    assert {one.image_id: one.shown for one in named.without_masks} == {
        "images/a.png": (1,),
        "images/c.png": (1,),
        "images/d.png": (2,),
    }


def test_a_shape_with_a_word_for_good_answers_no_tag(tmp_path: Path) -> None:
    fine = SQUARE.replace("pit", "ok")
    images = {
        "a.png": SQUARE,
        "b.png": f'<tag label="NG"/>{fine}',
        "c.png": f'<tag label="good"/>{fine}',
        "d.png": fine,
        "e.png": f'<tag label="good"/>{SQUARE}',
    }
    write(tmp_path, images, (PIT, "NG", "ok", "good"))
    dataset = read_dataset(tmp_path)
    assert dataset.classes == (PIT,)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("contradiction", "images/e.png")]
    assert [(one.image_id, one.shown) for one in dataset.without_masks] == [("images/b.png", (UNKNOWN,))]
    assert [one.image_id for one in dataset.samples] == ["images/a.png", "images/c.png", "images/d.png"]
    assert any("3 shapes named 'ok' are passed over" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        ('<polygon label="dent" points="1,1;2,2;3,1"/>', "unknown-class", "label 'dent' is not one of the task"),
        ('<cuboid label="pit"/>', "malformed-entry", "'cuboid' are not known"),
        ('<points label="pit" points="1,1"/>', "missing-mask", "a point"),
        ('<polygon label="pit" points="1,1;2"/>', "bad-polygon", "no pair of numbers"),
        ('<polygon label="pit" points="1,1;90,2;3,3"/>', "polygon-out-of-range", "x 90, y 2"),
        ('<mask label="pit" rle="1, 3" left="2" top="1" width="3" height="3"/>', "run-out-of-range", "add up to 4"),
        ('<mask label="pit" rle="9, x" left="2" top="1" width="3" height="3"/>', "run-not-a-number", "run lengths"),
        ('<mask label="pit" rle="0, 9" left="62" top="1" width="3" height="3"/>', "polygon-out-of-range", "x 62 to 65"),
        ('<mask label="pit" rle="1e308" left="2" top="1" width="3" height="3"/>', "run-not-a-number", "run lengths"),
        (
            f'<mask label="pit" rle="0,{10**8},{10**8}" left="0" top="0" width="20000" height="10000"/>',
            "polygon-out-of-range",
            "x 0 to 20000",
        ),
        ('<ellipse label="pit" cx="3" cy="?" rx="1" ry="1"/>', "malformed-entry", "cy is '?'"),
    ],
)
def test_a_shape_that_cannot_be_read_is_named(tmp_path: Path, shape: str, kind: str, said: str) -> None:
    file = write(tmp_path, {"a.png": SQUARE + shape, "b.png": SQUARE})
    dataset = read_dataset(tmp_path)
    (fault,) = dataset.faults
    assert (fault.kind, fault.file, fault.image_id) == (kind, file, "images/a.png")
    assert said in fault.message
    assert "image images/a.png, shape 2" in fault.message
    assert [one.image_id for one in dataset.samples] == ["images/b.png"]


def test_images_that_are_not_there_not_listed_or_of_another_size(tmp_path: Path) -> None:
    file = write(tmp_path, {"a.png": SQUARE, "b.png": SQUARE, "c.png": SQUARE})
    (tmp_path / "images" / "b.png").unlink()
    picture(tmp_path / "images" / "more.png")
    file.write_text(file.read_text().replace('name="c.png" width="64"', 'name="c.png" width="65"'))
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or "") for fault in dataset.faults) == [
        ("missing-image", ""),
        ("wrong-size", "images/c.png"),
    ]
    assert [(one.images, "more.png" in one.message) for one in dataset.left_out] == [(1, True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotations><track id='0'/></annotations>", "tracks of a video"),
        ("<annotations><image", "not XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotations/>", "document type or entities"),
        ("<annotations/>", "lists no image"),
    ],
)
def test_another_kind_of_xml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_dataset(tmp_path / "annotations.xml")
