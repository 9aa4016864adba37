"""What is not to be judged: by the label's own name, by the user's word, in every layout, as shape, box, colour or value."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.labelled_scene import SIZE, picture, pit, scratch
from helpers.layout_writers import (
    coco_counts,
    write_class_image,
    write_coco,
    write_csv,
    write_index_png,
    write_severstal,
)

from steelsight.core.errors import UserError
from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset

BLOCK = np.zeros(SIZE, np.bool_)
BLOCK[10:20, 5:25] = True  # over a part of the pit
CORNERS = [(5, 10), (25, 10), (25, 20), (5, 20)]
PIT_CORNERS = [(30, 4), (40, 4), (40, 9), (30, 9)]
SMALL = np.zeros(SIZE, np.bool_)
SMALL[4:9, 30:40] = True


def _labelme(root: Path, name: str, *, box: bool, good: bool) -> None:
    kind, corners = ("rectangle", [CORNERS[0], CORNERS[2]]) if box else ("polygon", CORNERS)
    shapes = [{"label": name, "points": corners, "shape_type": kind}]
    if not good:
        shapes.append({"label": "pit", "points": PIT_CORNERS, "shape_type": "polygon"})
    folder = root / "good" if good else root
    picture(folder / "a.png")
    content = {"shapes": shapes, "imagePath": "a.png", "imageHeight": SIZE[0], "imageWidth": SIZE[1]}
    (folder / "a.json").write_text(json.dumps(content))
    picture(root / "b.png")
    other = {"shapes": [{"label": "pit", "points": PIT_CORNERS, "shape_type": "polygon"}], "imagePath": "b.png"}
    (root / "b.json").write_text(json.dumps(other))


def _cvat(root: Path, name: str, *, box: bool, good: bool) -> None:
    points = ";".join(f"{x},{y}" for x, y in CORNERS)
    shape = (
        f'<box label="{name}" xtl="5" ytl="10" xbr="25" ybr="20"/>'
        if box
        else f'<polygon label="{name}" points="{points}"/>'
    )
    pits = ";".join(f"{x},{y}" for x, y in PIT_CORNERS)
    defect = f'<polygon label="pit" points="{pits}"/>'
    first = shape + ('<tag label="good"/>' if good else defect)
    entries = ""
    for number, (image, shapes) in enumerate((("a.png", first), ("b.png", defect))):
        picture(root / "images" / image)
        entries += f'<image id="{number}" name="{image}" width="{SIZE[1]}" height="{SIZE[0]}">{shapes}</image>'
    (root / "annotations.xml").write_text(f"<annotations><version>1.1</version>{entries}</annotations>")


def _label_studio(root: Path, name: str, *, box: bool, good: bool) -> None:
    def mark(label: str, corners: list[tuple[int, int]], kind: str) -> dict[str, object]:
        xs, ys = [100 * x / SIZE[1] for x, _ in corners], [100 * y / SIZE[0] for _, y in corners]
        value: dict[str, object] = {"points": list(zip(xs, ys, strict=True)), "polygonlabels": [label]}
        if kind == "rectangle":
            value = {
                "x": xs[0],
                "y": ys[0],
                "width": xs[2] - xs[0],
                "height": ys[2] - ys[0],
                "rectanglelabels": [label],
            }
        size = {"original_width": SIZE[1], "original_height": SIZE[0]}
        return {"type": f"{kind}labels", "value": value, **size}

    ignored = mark(name, CORNERS, "rectangle" if box else "polygon")
    defect = mark("pit", PIT_CORNERS, "polygon")
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    tasks = [
        {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [ignored, choice if good else defect]}]},
        {"id": 2, "data": {"image": "b.png"}, "annotations": [{"result": [defect]}]},
    ]
    picture(root / "a.png")
    picture(root / "b.png")
    (root / "export.json").write_text(json.dumps(tasks))


def _coco(root: Path, name: str, *, box: bool, good: bool) -> None:
    images = [{"id": n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in (1, 2)]
    for image in images:
        picture(root / str(image["file_name"]))
    ignored: dict[str, object] = {"id": 1, "image_id": 1, "category_id": 9, "bbox": [5, 10, 20, 10]}
    if not box:
        ignored["segmentation"] = coco_counts(BLOCK)
    marks = [ignored, {"id": 2, "image_id": 2, "category_id": 1, "segmentation": coco_counts(SMALL)}]
    if not good:
        marks.append({"id": 3, "image_id": 1, "category_id": 1, "segmentation": coco_counts(SMALL)})
    write_coco(root, images, marks, {1: "pit", 9: name})


def _yolo(root: Path, name: str, *, box: bool, good: bool) -> None:
    def line(number: int, corners: list[tuple[int, int]]) -> str:
        return " ".join([str(number), *(f"{x / SIZE[1]} {y / SIZE[0]}" for x, y in corners)]) + "\n"

    ignored = f"1 {15 / SIZE[1]} {15 / SIZE[0]} {20 / SIZE[1]} {10 / SIZE[0]}\n" if box else line(1, CORNERS)
    for image, text in (("a", ignored + ("" if good else line(0, PIT_CORNERS))), ("b", line(0, PIT_CORNERS))):
        picture(root / "images" / f"{image}.png")
        (root / "labels").mkdir(exist_ok=True)
        (root / "labels" / f"{image}.txt").write_text(text)
    (root / "data.yaml").write_text(f"names: [pit, {name}]\n")


def _voc(root: Path, name: str, *, box: bool, good: bool) -> None:
    def entry(label: str, corners: list[tuple[int, int]], is_box: bool) -> str:
        if is_box:
            (left, top), (right, bottom) = corners[0], corners[2]
            sides = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
            return f"<object><name>{label}</name><bndbox>{sides}</bndbox></object>"
        points = "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in enumerate(corners, start=1))
        return f"<object><name>{label}</name><polygon>{points}</polygon></object>"

    first = entry(name, CORNERS, box) + ("" if good else entry("pit", PIT_CORNERS, False))
    for image, entries in (("a", first), ("b", entry("pit", PIT_CORNERS, False))):
        picture(root / "JPEGImages" / f"{image}.png")
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{image}.xml").write_text(
            f"<annotation><filename>{image}.png</filename>{entries}</annotation>"
        )


WRITERS = {"labelme": _labelme, "cvat": _cvat, "label-studio": _label_studio, "coco": _coco, "yolo": _yolo, "voc": _voc}


def _assert_ignored(dataset: Dataset, *, good: bool) -> None:
    assert (dataset.faults, dataset.classes) == ((), ("pit",))
    partly = [sample for sample in dataset.samples if sample.ignored.area]
    assert (len(dataset.samples), len(partly)) == (2, 1)
    np.testing.assert_array_equal(partly[0].ignored_mask(), BLOCK)
    assert partly[0].is_defective == (not good)
    if not good:
        np.testing.assert_array_equal(partly[0].mask()[0], SMALL)
    assert any(f"{BLOCK.sum()} pixels of 1 images are ignored" in note for note in dataset.notes)
    assert any("show nothing else and count as defect-free" in note for note in dataset.notes) == good


@pytest.mark.parametrize("good", [False, True])
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("layout", WRITERS)
def test_shapes_and_boxes_that_say_so_or_that_the_user_names(
    tmp_path: Path, layout: str, box: bool, good: bool
) -> None:
    """A box needs no outline, and what is to be ignored does not contradict that an image is good."""
    for name, asked in (("ignore", ()), ("stamp", ("stamp",))):
        root = tmp_path / name
        WRITERS[layout](root, name, box=box, good=good)
        dataset = read_dataset(root, ignore_class=asked)
        assert (dataset.layout, dataset.ignored_classes) == (layout, (name,))
        _assert_ignored(dataset, good=good)


def test_a_class_of_run_lengths_and_one_of_folders(tmp_path: Path) -> None:
    write_severstal(tmp_path / "csv", {"a.jpg": (SIZE, {"1": pit(), "2": BLOCK})}, ("1", "2"))
    (sample,) = read_dataset(tmp_path / "csv", ignore_class=["2"]).samples
    np.testing.assert_array_equal(sample.ignored_mask(), BLOCK)
    np.testing.assert_array_equal(sample.mask(), (pit() & ~BLOCK)[None])  # what is ignored counts, whatever lies there
    for name, mask in (("pit", pit()), ("stamp", BLOCK)):
        write_class_image(tmp_path / "folders" / name, f"{name}.jpg", mask.astype(np.uint8) * 255)
    folders = read_dataset(tmp_path / "folders", ignore_class=["stamp"])
    assert folders.classes == ("pit",)
    assert [(sample.is_defective, sample.ignored.area) for sample in folders.samples] == [
        (True, 0),
        (False, BLOCK.sum()),
    ]


def test_a_defect_wholly_within_what_is_ignored_is_none(tmp_path: Path) -> None:
    masks = {"1": SMALL, "2": BLOCK}
    write_severstal(
        tmp_path, {"a.jpg": (SIZE, masks), "b.jpg": (SIZE, {"1": scratch(), "2": ~BLOCK | SMALL})}, ("1", "2")
    )
    first, second = read_dataset(tmp_path, ignore_class=["2"]).samples
    assert (first.is_defective, second.is_defective) == (True, False)


def test_an_image_that_shows_somewhere_what_is_ignored_is_a_fault(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.png", pit().astype(np.uint8))
    write_index_png(tmp_path, "b.png", np.zeros(SIZE, np.uint8))
    write_csv(tmp_path / "labels.csv", [("image", "class"), ("images/b.png", "void")])
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("missing-mask", "b.png")]
    assert "not where; draw it" in dataset.faults[0].message


def test_a_name_that_no_label_has_is_refused(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.png", pit().astype(np.uint8))
    (tmp_path / "classes.txt").write_text("pit\nstamp\n")
    with pytest.raises(UserError, match=r"`ignore_class=stmap`.*did you mean 'stamp'"):
        read_dataset(tmp_path, ignore_class=["stmap"])
    assert read_dataset(tmp_path, ignore_class=["stamp"]).classes == ("pit",)
    with pytest.raises(UserError, match="no mask shows a defect"):
        read_dataset(tmp_path, ignore_class=["stamp", "pit"])


def test_arrays_have_nothing_where_it_is_ignored(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.png", np.where(BLOCK, 255, pit()).astype(np.uint8))
    write_index_png(tmp_path, "b.png", pit().astype(np.uint8))
    first, second = read_dataset(tmp_path).samples
    maps = np.full((1, *SIZE), 7, np.uint8)
    np.testing.assert_array_equal(first.judged(maps)[0], np.where(BLOCK, 0, 7))
    assert second.judged(maps) is maps
