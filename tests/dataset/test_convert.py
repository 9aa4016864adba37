"""A dataset in another layout: the masks are the same pixel for pixel, and what is lost is said."""

import json
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import PIT, SCRATCH, SIZE, difference, mask_of, picture, pit, scratch
from helpers.layout_writers import coco_counts, write_coco

from steelsight.core.errors import UserError
from steelsight.dataset.convert import convert
from steelsight.dataset.groups import join_groups, read_groups
from steelsight.dataset.model import UNKNOWN, Dataset
from steelsight.dataset.read import read_dataset
from steelsight.dataset.writers.write import WrittenLayout


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Three images in folders, two of them of one name; one good, one of which only the class is known."""
    root = tmp_path / "data"
    names = ("coil 1/a.png", "coil 2/a.jpg", "good.png", "reject.png")
    for number, name in enumerate(names):
        picture(root / name, number)
    images = [{"id": n, "file_name": name, "height": SIZE[0], "width": SIZE[1]} for n, name in enumerate(names)]
    masks = ((0, 1, pit()), (0, 2, scratch()), (1, 1, ~pit()))
    marks = [
        {"id": n, "image_id": image, "category_id": category, "segmentation": coco_counts(mask)}
        for n, (image, category, mask) in enumerate(masks)
    ]
    write_coco(root, images, marks, {1: PIT, 2: SCRATCH})
    (root / "labels.csv").write_text(f"image,class\nreject.png,{SCRATCH}\n")
    return read_dataset(root)


@pytest.mark.parametrize("layout", get_args(WrittenLayout))
def test_masks_are_the_same_in_each_layout(tmp_path: Path, dataset: Dataset, layout: WrittenLayout) -> None:
    made = convert(dataset, tmp_path / "out", layout)
    back = read_dataset(tmp_path / "out")
    assert (back.layout, back.faults, back.left_out) == (layout, (), ())
    assert (made.images, made.without_masks) == (4, 1)
    assert {frozenset(one.shown) for one in back.without_masks} == {frozenset({1})}
    by_area = {sample.runs[0].area: sample for sample in back.samples}
    assert len(back.samples) == 3
    for number, name in ((1, PIT), (2, SCRATCH)):
        for truth in dataset.samples:
            found = by_area[truth.runs[0].area]
            own = str(number) if layout == "severstal" else name
            assert back.classes == made.classes
            np.testing.assert_array_equal(
                mask_of(back, found.image_id, own), mask_of(dataset, truth.image_id, name), err_msg=f"{layout} {name}"
            )


def test_what_a_layout_cannot_hold_is_said(tmp_path: Path) -> None:
    root = tmp_path / "data"
    picture(root / "a.png")
    both = [(1, pit()), (2, pit() | scratch())]
    marks = [{"id": n, "image_id": 1, "category_id": n, "segmentation": coco_counts(mask)} for n, mask in both]
    write_coco(root, [{"id": 1, "file_name": "a.png"}], marks, {1: PIT, 2: SCRATCH})
    data = read_dataset(root)
    assert any(
        "1 images have pixels of several classes" in one for one in convert(data, tmp_path / "i", "index-png").said
    )
    assert any("have no holes" in one for one in convert(data, tmp_path / "y", "yolo").said)
    said = convert(data, tmp_path / "s", "severstal").said
    assert any("1 is pit, 2 is scratch" in one for one in said)
    assert convert(data, tmp_path / "c", "coco").said == ()
    for layout in ("labelme", "cvat", "coco", "yolo", "severstal"):  # which hold both classes of a pixel
        back = read_dataset(convert_to(data, tmp_path / f"both {layout}", layout))
        assert back.faults == ()
        np.testing.assert_array_equal(back.samples[0].mask(), data.samples[0].mask())
    with pytest.raises(UserError, match="is already there"):
        convert(data, tmp_path / "c", "coco")


def convert_to(data: Dataset, folder: Path, layout: WrittenLayout) -> Path:
    convert(data, folder, layout)
    return folder


@pytest.mark.parametrize("layout", get_args(WrittenLayout))
def test_groups_come_along_with_the_new_names(tmp_path: Path, dataset: Dataset, layout: WrittenLayout) -> None:
    table = (
        "coil 1/a.png,c1,\ncoil 2/a.jpg,c2,coil 1/a.png\ngood.png,c1,gone.png\nreject.png,,gone.png\nother.png,c9,\n"
    )
    (dataset.root / "groups.csv").write_text(f"image,coil,twin_of\n{table}")
    made = convert(dataset, tmp_path / "out", layout)
    assert any("groups.csv comes along (coil, twin_of)" in one for one in made.said)
    back = read_dataset(tmp_path / "out")
    before, after = ([one.image_id for one in (*of.samples, *of.without_masks)] for of in (dataset, back))
    known = read_groups(str(tmp_path / "out" / "groups.csv"), after)
    truth = read_groups(str(dataset.root / "groups.csv"), before)
    assert sorted(known["coil"]) == sorted(truth["coil"])
    joined, wanted = join_groups(np.arange(4), known), join_groups(np.arange(4), truth)
    areas = [
        [sum(runs.area for runs in one.runs) for one in (*of.samples, *of.without_masks)] for of in (dataset, back)
    ]
    assert len(set(areas[0][:3])) == 3  # which tell the images apart, whatever they are called
    place = [areas[0][:3].index(area) for area in areas[1][:3]] + [3]
    assert joined.tolist() == join_groups(wanted[place], {}).tolist()


def test_groups_that_cannot_be_read_stay_behind_and_that_is_said(tmp_path: Path, dataset: Dataset) -> None:
    (dataset.root / "groups.csv").write_text("image,coil\ngood.png,c1\n")
    (said,) = [one for one in convert(dataset, tmp_path / "out", "coco").said if "groups.csv" in one]
    assert said.startswith("groups.csv stays behind: ")
    assert "no row for coil 1/a.png" in said
    assert not (tmp_path / "out" / "groups.csv").exists()


def test_classes_keep_their_order_and_unused_ones_or_it_is_said(tmp_path: Path) -> None:
    root, names = tmp_path / "data", {1: "zeta", 2: "alpha", 3: "Gross", 4: "unused"}
    picture(root / "a.png")
    marks = [{"id": n, "image_id": 1, "category_id": n, "segmentation": coco_counts(pit())} for n in (1, 2, 3)]
    write_coco(root, [{"id": 1, "file_name": "a.png"}], marks, names)
    data = read_dataset(root)
    assert data.classes == tuple(names.values())
    for layout in ("coco", "cvat", "index-png", "labelme", "yolo"):
        assert read_dataset(convert_to(data, tmp_path / layout, layout)).classes == data.classes
    said = convert(data, tmp_path / "s", "severstal").said
    assert "Severstal's table has no word for classes that no mask shows: unused." in said
    content = json.loads((tmp_path / "labelme" / "a.json").read_text())
    content["shapes"][0]["label"] = "drawn since"
    (tmp_path / "labelme" / "a.json").write_text(json.dumps(content))
    assert read_dataset(tmp_path / "labelme").classes == (*data.classes, "drawn since")
    (tmp_path / "labelme" / "classes.txt").write_text("Gross\nzeta\n")  # of somebody else
    assert read_dataset(tmp_path / "labelme").classes == ("Gross", "alpha", "drawn since", "zeta")


def test_severstal_images_of_one_name_in_two_formats_are_no_class_folder(tmp_path: Path) -> None:
    root, names = tmp_path / "data", ("a b/x#1.jpg", "a b/x#1.png")
    for number, name in enumerate(names):
        picture(root / name, number)
    marks = [{"id": 1, "image_id": 0, "category_id": 1, "segmentation": coco_counts(pit())}]
    write_coco(root, [{"id": n, "file_name": name} for n, name in enumerate(names)], marks, {1: PIT})
    back = read_dataset(convert_to(read_dataset(root, "coco"), tmp_path / "out", "severstal"))
    assert (back.layout, back.faults) == ("severstal", ())
    assert sorted(one.image_id for one in back.samples) == ["a b_x#1-2.png", "a b_x#1.jpg"]


def test_yolo_finds_labels_again_whatever_the_images_are_called(tmp_path: Path) -> None:
    """Some stems are those of lists; of a path with several folders `images` the last becomes `labels`."""
    names = [*(f"{stem}.png" for stem in ("test", "val", "train", "classes", "readme")), "line 1/images/a.png"]
    for name in names:
        picture(tmp_path / "data" / name)
    images = [{"id": n, "file_name": name} for n, name in enumerate(names)]
    marks = [{"id": n, "image_id": n, "category_id": 1, "segmentation": coco_counts(pit())} for n in range(len(names))]
    write_coco(tmp_path / "data", images, marks, {1: PIT})
    back = read_dataset(convert_to(read_dataset(tmp_path / "data"), tmp_path / "out", "yolo"))
    assert (back.faults, back.notes, back.left_out) == ((), (), ())
    assert sorted(one.image_id for one in back.samples) == sorted(f"images/train/{name}" for name in names)
    for one in back.samples:
        np.testing.assert_array_equal(mask_of(back, one.image_id, PIT), pit())


def test_yolo_as_opencv_fills_it_is_the_mask_to_within_a_pixel(tmp_path: Path, dataset: Dataset) -> None:
    convert(dataset, tmp_path / "out", "yolo")
    text = (tmp_path / "out" / "labels" / "train" / "coil 1" / "a.txt").read_text()
    drawn = {0: np.zeros(SIZE, np.uint8), 1: np.zeros(SIZE, np.uint8)}
    for line in text.splitlines():
        number, *shares = line.split()
        corners = np.array(shares, float).reshape(-1, 2) * (SIZE[1], SIZE[0])
        cv2.fillPoly(drawn[int(number)], [corners.astype(np.int32)], 1)
    assert difference(drawn[1] > 0, scratch()) == 0
    ring = cv2.dilate(pit().astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not ((drawn[0] > 0) & ~ring).any()
    assert (drawn[0] > 0)[pit()].all()
    assert not drawn[0][22, 18]  # the hole stays open


def test_labelme_files_open_as_labelme_expects(tmp_path: Path, dataset: Dataset) -> None:
    convert(dataset, tmp_path / "out", "labelme")
    content = json.loads((tmp_path / "out" / "coil 1" / "a.json").read_text())
    assert content["imagePath"] == "a.png"
    kinds = sorted((shape["label"], shape["shape_type"]) for shape in content["shapes"])
    assert kinds == [(PIT, "mask"), (PIT, "polygon"), (SCRATCH, "polygon")]
    assert not (tmp_path / "out" / "reject.json").exists()


@pytest.mark.parametrize("layout", get_args(WrittenLayout))
def test_what_is_ignored_stays_so_where_the_layout_can_hold_it(tmp_path: Path, layout: WrittenLayout) -> None:
    root, stamp = tmp_path / "data", np.zeros(SIZE, np.bool_)
    stamp[2:9, 40:60] = True
    images = [{"id": n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in (1, 2)]
    marks = [
        {"id": n, "image_id": image, "category_id": category, "segmentation": coco_counts(mask)}
        for n, (image, category, mask) in enumerate(((1, 1, pit()), (1, 3, stamp), (2, 3, stamp)))
    ]
    for image in images:
        picture(root / str(image["file_name"]))
    write_coco(root, images, marks, {1: PIT, 3: "stamp"})
    dataset = read_dataset(root, ignore_class=["stamp"])
    made = convert(dataset, tmp_path / "out", layout)
    back = read_dataset(tmp_path / "out")
    assert (back.layout, len(back.classes), back.faults) == (layout, 1, ())
    first, second = back.samples
    np.testing.assert_array_equal(first.mask()[0], pit())
    assert not second.is_defective
    for sample in (first, second):
        np.testing.assert_array_equal(sample.ignored_mask(), stamp & (layout != "severstal"))
    (said,) = [one for one in made.said if "ignored" in one]
    assert f"{2 * stamp.sum()} ignored pixels of 2 images" in said
    assert ("are lost" in said) == (layout == "severstal")


@pytest.mark.parametrize("layout", get_args(WrittenLayout))
def test_labels_of_whole_images_are_read_back_whatever_folders_share_their_names(
    tmp_path: Path, layout: WrittenLayout
) -> None:
    root = tmp_path / "data"
    for number, name in enumerate(("a.jpg", "coil1/a.jpg", "coil2/a.jpg", "b.png")):
        picture(root / name, number)
    images = [
        {"id": n, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for n, name in enumerate(("coil1/a.jpg", "b.png"))
    ]
    mark = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": coco_counts(pit())}
    write_coco(root, images, [mark], {1: PIT, 2: SCRATCH})
    (root / "labels.csv").write_text(f"image,class\na.jpg,{SCRATCH}\ncoil2/a.jpg,bad\n")
    data = read_dataset(root)
    assert (len(data.samples), [one.shown for one in data.without_masks]) == (2, [(1,), (UNKNOWN,)])
    back = read_dataset(convert_to(data, tmp_path / "out", layout), layout)
    assert back.faults == ()
    content = {one.image_id: one.path.read_bytes() for one in (*back.samples, *back.without_masks)}
    wanted = {one.path.read_bytes(): one.shown for one in (*data.samples, *data.without_masks)}
    found = {content[one.image_id]: one.shown for one in (*back.samples, *back.without_masks)}
    assert found == wanted
