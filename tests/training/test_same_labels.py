"""The labels of a run that goes on: changed ones, new and lost images are refused; what it did not take is no difference."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.labelled_scene import PIT, SCRATCH, SIZE, picture, pit, scratch
from helpers.layout_writers import coco_counts, write_coco
from helpers.training_samples import few_images

from steelsight.core.errors import UserError
from steelsight.dataset.groups import read_groups
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import read_record, write_record
from steelsight.run.run import Run
from steelsight.strips import make_strips
from steelsight.training.same_labels import check_labels
from steelsight.training.start import go_on, start_run

RECIPE = load_recipe("lite", ["folds=2"])


def began(run: Path, data: Path, **how: Any) -> OutOfFoldPredictions:
    return OutOfFoldPredictions.of(start_run(Run(run), read_dataset(data, decode=False), RECIPE, **how))


def rows(data: Path) -> list[list[str]]:
    with (data / "train.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def write_rows(data: Path, table: list[list[str]]) -> None:
    with (data / "train.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return few_images(tmp_path / "data")


def test_labels_that_were_mended_since_are_refused_and_nothing_is_touched(tmp_path: Path, data: Path) -> None:
    began(tmp_path / "run", data)
    before = contents(tmp_path / "run")
    header, (name, number, _), *rest = rows(data)
    write_rows(data, [header, [name, number, "1 5"], *rest])
    with pytest.raises(UserError) as refused:
        go_on(Run(tmp_path / "run"), RECIPE, data)
    assert f"not the labels that the run in {tmp_path / 'run'} began with" in str(refused.value)
    assert f"(images with other labels: 1, the first {name})" in str(refused.value)
    write_rows(data, [header, *rest])
    moved = data.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=f"other labels: 1, the first {name}"):
        go_on(Run(tmp_path / "run"), RECIPE, moved)
    assert contents(tmp_path / "run") == before  # nor does it name the new place
    write_rows(moved, [header, [name, number, "1 5 4"], *rest])  # a label that cannot be read
    with pytest.raises(UserError, match=f"other labels: 1, the first {name}"):
        go_on(Run(tmp_path / "run"), RECIPE, moved)


def test_labels_that_are_written_otherwise_and_say_the_same_are_those(tmp_path: Path, data: Path) -> None:
    evidence = began(tmp_path / "run", data)
    header, (name, number, text), *rest = rows(data)
    start, length, *more = text.split()
    halves = [start, "1", str(int(start) + 1), str(int(length) - 1)] if int(length) > 1 else [start, length]
    write_rows(data, [header, *reversed(rest), [name, number, " ".join([*halves, *more])]])
    assert int(length) > 1
    check_labels(evidence, data)
    check_labels(evidence, data / "train.csv")
    check_labels(evidence, read_dataset(data))


def test_images_that_came_or_went_are_named(tmp_path: Path, data: Path) -> None:
    evidence = began(tmp_path / "run", data)
    images = sorted((data / "train_images").iterdir())
    shutil.copy(images[0], data / "train_images" / "zz.jpg")
    images[1].unlink()
    with pytest.raises(
        UserError, match=rf"new images: 1, the first zz.jpg; images that are gone: 1, .*{images[1].name}\)"
    ):
        check_labels(evidence, data)
    with pytest.raises(UserError, match=r"new images: 1, the first zz\.jpg"):
        check_labels(evidence, read_dataset(data))


def test_what_was_left_out_as_faulty_is_no_difference(tmp_path: Path, data: Path) -> None:
    images = sorted((data / "train_images").iterdir())
    images[0].write_bytes(images[0].read_bytes()[:-2000])  # which its header does not tell
    evidence = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), read_dataset(data), RECIPE))
    assert len(evidence.record.skipped) == 1
    check_labels(evidence, data)


def test_what_a_limit_left_out_is_no_difference_and_more_images_are_one(tmp_path: Path, data: Path) -> None:
    evidence = began(tmp_path / "run", data, limit=8)
    check_labels(evidence, data)
    taken = {sample.image_id for sample in evidence.record.samples}
    header, *rest = rows(data)
    untaken = next(row[0] for row in rest if row[0] not in taken)
    write_rows(data, [header, *(row for row in rest if row[0] != untaken)])
    check_labels(evidence, data)
    shutil.copy(data / "train_images" / untaken, data / "train_images" / "zz.jpg")
    with pytest.raises(UserError, match=r"\(new images: 1\)"):
        check_labels(evidence, data)
    record = replace(read_record(tmp_path / "run"), images_read=None)
    write_record(tmp_path / "run", record)
    assert "images_read" not in json.loads((tmp_path / "run" / "dataset.json").read_text())
    check_labels(OutOfFoldPredictions.of(Run(tmp_path / "run")), data)  # which does not know how many there were


def test_what_a_split_by_time_holds_back_or_leaves_out_is_no_difference(tmp_path: Path) -> None:
    make_strips(tmp_path / "strips", 24, size=(64, 256), defective=0.6, strips_per_coil=2)
    read = read_dataset(tmp_path / "strips", decode=False)
    names = [sample.image_id for sample in read.samples]
    table = "".join(f"{name},{number // 3},{number // 2}\n" for number, name in enumerate(names))
    (tmp_path / "days.csv").write_text(f"image,day,coil\n{table}")
    known = read_groups(str(tmp_path / "days.csv"), names)
    evidence = began(tmp_path / "run", tmp_path / "strips", known=known, time="day", later_share=0.25)
    record = evidence.record
    assert record.later
    check_labels(evidence, tmp_path / "strips")
    shutil.copy(record.samples[0].path, record.samples[0].path.with_name("zz.jpg"))
    with pytest.raises(UserError, match=r"\(new images: 1\)"):
        check_labels(evidence, tmp_path / "strips")
    record.samples[0].path.with_name("zz.jpg").unlink()
    held = next(sample.image_id for sample in record.later if sample.is_defective)
    header, *rest = rows(tmp_path / "strips")
    write_rows(tmp_path / "strips", [header, *(row for row in rest if row[0] != held)])
    with pytest.raises(UserError, match=f"images with other labels: 1, the first {held}"):
        check_labels(evidence, tmp_path / "strips")


@pytest.mark.parametrize("region", ["strip", "edges.json"])
def test_a_region_of_interest_is_no_difference_and_labels_within_it_are(
    tmp_path: Path, data: Path, region: str
) -> None:
    edges = tmp_path / "edges.json"
    edges.write_text('{"inside": [[[0, 0.1], [1, 0.1], [1, 0.9], [0, 0.9]]]}')
    for path in (data / "train_images").iterdir():  # the strip ends a quarter before the right edge
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        image[:, -image.shape[1] // 4 :] = 0
        cv2.imwrite(str(path), image)
    recipe = load_recipe("lite", ["folds=2", f"roi={region if region == 'strip' else edges}"])
    evidence = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), read_dataset(data, decode=False), recipe))
    assert any(sample.ignored.area for sample in evidence.record.samples)
    check_labels(evidence, data)
    header, (name, number, _), *rest = rows(data)
    write_rows(data, [header, [name, number, "10000 40"], *rest])
    with pytest.raises(UserError, match=f"images with other labels: 1, the first {name}"):
        check_labels(evidence, data)


@pytest.mark.parametrize("boxes", ["as-masks", "as-labels"])
def test_what_boxes_counted_as_need_not_be_said_again(tmp_path: Path, boxes: Boxes) -> None:
    root = tmp_path / "data"
    images = [{"id": n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in range(6)]
    for image in images:
        picture(root / str(image["file_name"]), int(str(image["id"])))
    marks = [
        {"id": n, "image_id": n, "category_id": 1 + n % 2, "segmentation": coco_counts((pit, scratch)[n % 2]())}
        for n in range(4)
    ]
    boxed = {"id": 9, "image_id": 4, "category_id": 1, "bbox": [3, 4, 10, 10]}
    write_coco(root, images, [*marks, boxed], {1: PIT, 2: SCRATCH})
    read = read_dataset(root, boxes=boxes)
    assert len(read.without_masks) == (boxes == "as-labels")
    evidence = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), read, RECIPE))
    check_labels(evidence, root)
    write_coco(root, images, [*marks, boxed | {"category_id": 2}], {1: PIT, 2: SCRATCH})
    with pytest.raises(UserError, match=r"images with other labels: 1, the first 4\.png"):
        check_labels(evidence, root)


def test_where_all_is_drawn_as_boxes_mended_ones_are_noticed(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for n in range(4):
        picture(root / f"{n}.png", n)
        _boxed(root / f"{n}.json", PIT if n % 2 else SCRATCH)
    evidence = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), read_dataset(root, boxes="as-masks"), RECIPE))
    said: list[str] = []
    check_labels(evidence, root, note=said.append)
    assert said == []
    _boxed(root / "0.json", PIT)
    with pytest.raises(UserError, match=r"images with other labels: 1, the first 0\.png"):
        check_labels(evidence, root)


def _boxed(file: Path, label: str) -> None:
    shape = {"label": label, "points": [[3, 4], [20, 20]], "shape_type": "rectangle"}
    content = {"imagePath": f"{file.stem}.png", "imageHeight": SIZE[0], "imageWidth": SIZE[1], "shapes": [shape]}
    file.write_text(json.dumps(content))


def test_a_label_that_was_ignored_and_is_no_more_is_a_difference(tmp_path: Path) -> None:
    root, stamp = tmp_path / "data", np.zeros(SIZE, np.bool_)
    stamp[2:9, 40:60] = True
    images = [{"id": n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in range(4)]
    for image in images:
        picture(root / str(image["file_name"]), int(str(image["id"])))
    pits = [{"id": n, "image_id": n, "category_id": 1, "segmentation": coco_counts(pit())} for n in range(3)]
    stamped = {"id": 9, "image_id": 3, "category_id": 2, "segmentation": coco_counts(stamp)}
    write_coco(root, images, [*pits, stamped], {1: PIT, 2: "stamp"})
    evidence = OutOfFoldPredictions.of(
        start_run(Run(tmp_path / "run"), read_dataset(root, ignore_class=["stamp"]), RECIPE)
    )
    check_labels(evidence, root)
    write_coco(root, images, pits, {1: PIT})
    with pytest.raises(UserError, match=r"images with other labels: 1, the first 3\.png"):
        check_labels(evidence, root)


def test_where_no_labels_are_left_it_is_said_that_none_are_compared(tmp_path: Path, data: Path) -> None:
    evidence = began(tmp_path / "run", data)
    (data / "train.csv").unlink()
    said: list[str] = []
    check_labels(evidence, data, note=said.append)
    assert len(said) == 1
    assert said[0].startswith(
        f"the labels are not compared with those that the run in {tmp_path / 'run'} began with: {data}"
    )
