"""Pascal VOC: masks in colours or in a palette, boxes and polygons in XML, void, and which images are meant."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import PIT, SIZE, mask_of, picture
from helpers.layout_writers import palette_png

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

SQUARE_MASK = np.zeros(SIZE, bool)
SQUARE_MASK[1:4, 2:5] = True
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\npit:250,50,83::\nscratch:10,10,10::\n"
BOX = "<bndbox><xmin>2</xmin><ymin>1</ymin><xmax>5</xmax><ymax>4</ymax></bndbox>"
OUTLINE = "<polygon><x1>2</x1><y1>1</y1><x2>5</x2><y2>1</y2><x3>5</x3><y3>4</y3><x4>2</x4><y4>4</y4></polygon>"


def mask(root: Path, name: str, colour: tuple[int, int, int] | None, **more: object) -> None:
    picture(root / "JPEGImages" / f"{name}.png")
    if colour is not None:
        pixels = np.zeros((*SIZE, 3), np.uint8)
        pixels[SQUARE_MASK] = colour[::-1]
        (root / "SegmentationClass").mkdir(exist_ok=True)
        cv2.imwrite(str(root / "SegmentationClass" / f"{name}.png"), pixels)


def xml(root: Path, name: str, objects: str, filename: str | None = None, folder: str = "Annotations") -> Path:
    file = root / folder / f"{name}.xml"
    file.parent.mkdir(exist_ok=True)
    size = f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height><depth>1</depth></size>"
    file.write_text(f"<annotation><filename>{filename or name + '.png'}</filename>{size}{objects}</annotation>")
    return file


def test_masks_are_read_by_their_colours_and_what_the_lists_name_is_good(tmp_path: Path) -> None:
    mask(tmp_path, "a", (250, 50, 83))
    for name in ("b", "unlisted"):
        mask(tmp_path, name, None)
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Segmentation" / "default.txt").write_text("a\nb\n")
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes, dataset.faults) == ("voc", (PIT, "scratch"), ())
    np.testing.assert_array_equal(mask_of(dataset, "JPEGImages/a.png", PIT), SQUARE_MASK)
    assert [one.image_id for one in dataset.samples if not one.is_defective] == ["JPEGImages/b.png"]
    assert any("1 images that ImageSets/ lists have no mask" in note for note in dataset.notes)
    assert [(one.images, "unlisted.png" in one.message) for one in dataset.left_out] == [(1, True)]


def test_without_a_labelmap_the_palette_is_voc_s_and_void_is_said(tmp_path: Path) -> None:
    mask(tmp_path, "a", None)
    indices = np.zeros(SIZE, np.uint8)
    indices[SQUARE_MASK] = 2
    indices[0] = 7
    palette = bytearray(3 * 16)
    palette[6:9], palette[21:24] = (0, 128, 0), (224, 224, 192)
    (tmp_path / "SegmentationClass").mkdir()
    (tmp_path / "SegmentationClass" / "a.png").write_bytes(palette_png(indices, 4, bytes(palette)))
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("2",), ())
    np.testing.assert_array_equal(mask_of(dataset, "JPEGImages/a.png", "2"), SQUARE_MASK)
    assert dataset.samples[0].ignored_mask().sum() == dataset.samples[0].ignored_mask()[0].sum() == SIZE[1]
    assert any(f"{SIZE[1]} pixels of 1 images are ignored (void)" in note for note in dataset.notes)


def test_xml_has_polygons_or_boxes(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        picture(tmp_path / "JPEGImages" / f"{name}.png")
    xml(tmp_path, "a", f"<object><name>pit</name>{BOX}</object>")
    xml(tmp_path, "b", f"<object><name>pit</name>{OUTLINE}{BOX}</object>")
    xml(tmp_path, "c", "")
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == ("missing-mask", "JPEGImages/a.png")
    dataset = read_dataset(tmp_path, boxes="as-masks")
    for name in ("a", "b"):
        np.testing.assert_array_equal(mask_of(dataset, f"JPEGImages/{name}.png", PIT), SQUARE_MASK)
    assert [one.is_defective for one in dataset.samples] == [True, True, False]
    assert [one.image_id for one in read_dataset(tmp_path, boxes="as-labels").without_masks] == ["JPEGImages/a.png"]


def test_files_beside_the_images_as_labelimg_writes_them(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    xml(tmp_path, "a", f"<object><name>pit</name>{OUTLINE}</object>", folder=".")
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, [one.image_id for one in dataset.samples]) == ("voc", ["a.png"])


def test_masks_and_xml_that_contradict_each_other_and_colours_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    for name, colour in (("a", (250, 50, 83)), ("b", (250, 50, 83)), ("c", (1, 2, 3))):
        mask(tmp_path, name, colour)
    xml(tmp_path, "a", f"<object><name>pit</name>{BOX}</object>")
    xml(tmp_path, "b", f"<object><name>scratch</name>{BOX}</object>")
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [
        ("contradiction", "JPEGImages/b.png"),
        ("unknown-class", "JPEGImages/c.png"),
    ]
    assert "colour (1, 2, 3) (9 pixels) is not in labelmap.txt" in dataset.faults[1].message


@pytest.mark.parametrize("name", ["scratch", "Scratch", "dent", ""])
@pytest.mark.parametrize("is_named", [True, False])
def test_an_empty_mask_is_not_good_where_an_object_is_named(tmp_path: Path, name: str, is_named: bool) -> None:
    if is_named:
        (tmp_path / "labelmap.txt").write_text(LABELMAP)
    mask(tmp_path, "a", (250, 50, 83) if is_named else (128, 0, 0))
    mask(tmp_path, "b", (0, 0, 0))
    for image in "ab":
        xml(tmp_path, image, f"<object><name>{'PIT' if image == 'a' else name}</name>{BOX}</object>")
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("contradiction", "JPEGImages/b.png")]
    assert [one.is_defective for one in dataset.samples] == [True]


@pytest.mark.parametrize("objects", ["<name>ignore</name>", "<name>pit</name><deleted>1</deleted>", "<name>ok</name>"])
def test_an_object_that_is_no_defect_contradicts_no_mask(tmp_path: Path, objects: str) -> None:
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    mask(tmp_path, "a", (250, 50, 83))
    mask(tmp_path, "b", (0, 0, 0))
    xml(tmp_path, "b", f"<object>{objects}{BOX}</object>")
    dataset = read_dataset(tmp_path)
    assert (dataset.faults, [one.is_defective for one in dataset.samples]) == ((), [True, False])


def test_names_in_lists_may_have_spaces_and_numbers_behind_them(tmp_path: Path) -> None:
    mask(tmp_path, "a", (128, 0, 0))
    for name in ("b", "b c", "d", "e 7", "e", "f"):
        mask(tmp_path, name, None)
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "pit_train.txt").write_text("a  1\nb c -1\nd 2 -1\ne 7\n\n")
    dataset = read_dataset(tmp_path)
    assert [one.image_id for one in dataset.samples if not one.is_defective] == [
        f"JPEGImages/{name}.png" for name in ("b c", "d", "e 7")
    ]
    assert [one.images for one in dataset.left_out] == [3]


def test_an_xml_counts_whatever_the_case_of_its_suffix(tmp_path: Path) -> None:
    """Its image would be a good one, since a list names it."""
    mask(tmp_path, "a", None)
    file = xml(tmp_path, "a", f"<object><name>pit</name>{OUTLINE}</object>")
    file.rename(file.with_suffix(".XML"))
    (tmp_path / "ImageSets").mkdir()
    (tmp_path / "ImageSets" / "all.txt").write_text("a\n")
    dataset = read_dataset(tmp_path)
    assert (dataset.faults, [one.is_defective for one in dataset.samples]) == ((), [True])


@pytest.mark.parametrize(
    ("objects", "kind", "said"),
    [
        (f"<object>{BOX}</object>", "unknown-class", "no name"),
        ("<object><name>pit</name><robndbox><cx>1</cx></robndbox></object>", "malformed-entry", "but robndbox"),
        (f"<object><name>pit</name>{BOX.replace('>5<', '>1<')}</object>", "malformed-entry", "in this order"),
        (f"<object><name>pit</name>{OUTLINE.replace('<y3>4</y3>', '')}</object>", "bad-polygon", "x1, y1, x2"),
    ],
)
def test_an_object_that_cannot_be_read_is_named(tmp_path: Path, objects: str, kind: str, said: str) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "JPEGImages" / f"{name}.png")
    xml(tmp_path, "a", objects)
    xml(tmp_path, "b", f"<object><name>pit</name>{OUTLINE}</object>")
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.image_id) == (kind, "JPEGImages/a.png")
    assert said in fault.message
    assert "object 1" in fault.message


def test_names_that_point_to_two_images_or_none(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        picture(tmp_path / "JPEGImages" / f"{name}.png")
    xml(tmp_path, "a", f"<object><name>pit</name>{OUTLINE}</object>", filename="b.png")
    xml(tmp_path, "c", f"<object><name>pit</name>{OUTLINE}</object>")
    xml(tmp_path, "gone", f"<object><name>pit</name>{OUTLINE}</object>")
    dataset = read_dataset(tmp_path)
    assert sorted((fault.kind, fault.image_id or "") for fault in dataset.faults) == [
        ("missing-image", ""),
        ("unsure-label", "JPEGImages/a.png"),
        ("unsure-label", "JPEGImages/b.png"),
    ]
    assert [one.image_id for one in dataset.samples] == ["JPEGImages/c.png"]


def test_a_folder_without_any_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages" / "a.png")
    with pytest.raises(UserError, match="neither SegmentationClass/ nor an XML"):
        read_dataset(tmp_path, "voc")


def test_objects_that_are_deleted_or_no_defect_are_passed_over_and_said(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages" / "a.png")
    kept = f"<object><name>pit</name>{OUTLINE}</object>"
    deleted = f"<object><name>scratch</name><deleted>1</deleted>{OUTLINE}</object>"
    xml(tmp_path, "a", f"{kept}{deleted}<object><name>background</name>{OUTLINE}</object>")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == ((PIT,), ())
    assert sum("1 objects of XML files are passed over" in note for note in dataset.notes) == 2


OTHER = "<polygon><x1>10</x1><y1>9</y1><x2>20</x2><y2>9</y2><x3>20</x3><y3>14</y3></polygon>"


def test_an_xml_alone_names_the_classes_as_masks_do(tmp_path: Path) -> None:
    """A class that the colours lack would leave its image without a mask, as if nothing were there."""
    mask(tmp_path, "a", (10, 10, 10))
    for name in "bcd":
        picture(tmp_path / "JPEGImages" / f"{name}.png")
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\nscratch:10,10,10::\n")
    xml(tmp_path, "b", f"<object><name>Scratch</name>{OUTLINE}</object>")
    xml(tmp_path, "c", f"<object><name>dent</name>{OUTLINE}</object><object><name>scratch</name>{OTHER}</object>")
    xml(tmp_path, "d", f"<object><name>dent</name>{BOX}</object>")
    dataset = read_dataset(tmp_path, boxes="as-labels")
    assert dataset.classes == ("scratch",)
    assert [(fault.kind, fault.file.name, fault.image_id) for fault in dataset.faults] == [
        ("unknown-class", "c.xml", "JPEGImages/c.png"),
        ("unknown-class", "d.xml", "JPEGImages/d.png"),
    ]
    assert "dent is none of the classes (scratch)" in dataset.faults[0].message
    np.testing.assert_array_equal(mask_of(dataset, "JPEGImages/b.png", "scratch"), SQUARE_MASK)
    ignoring = read_dataset(tmp_path, boxes="as-masks", ignore_class=["dent"])
    assert ignoring.faults == ()


def test_a_mask_that_images_share_is_none_of_theirs(tmp_path: Path) -> None:
    for name in "ab":
        mask(tmp_path, name, (128, 0, 0))
    for name in ("JPEGImages/a.bmp", "a.tif"):
        picture(tmp_path / name)
    dataset = read_dataset(tmp_path, "voc")
    assert sorted((fault.kind, fault.image_id) for fault in dataset.faults) == [
        ("duplicate-image", "JPEGImages/a.bmp"),
        ("duplicate-image", "JPEGImages/a.png"),
        ("duplicate-image", "a.tif"),
    ]
    assert [one.image_id for one in dataset.samples] == ["JPEGImages/b.png"]
