"""The page of `data check`: the user's own pictures, masks by class, twins and faults."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
from helpers.data import SAMPLE, run_cli
from helpers.labelled_scene import PIT, SIZE, picture, pit, scratch
from helpers.layout_writers import coco_counts, write_coco, write_index_png

from steelsight.dataset.read import read_dataset
from steelsight.report.data_page import defects_of, write_data_page

PICTURE = re.compile(r'<img src="data:image/jpeg;base64,[^"]+"')


def _data(root: Path) -> Path:
    names = ("a.png", "b.png", "faulty.png", "good.png", "reject.png")
    for number, name in enumerate(names):
        picture(root / name, number)
    images = [{"id": n, "file_name": name, "height": SIZE[0], "width": SIZE[1]} for n, name in enumerate(names)]
    masks = ((0, pit()), (1, scratch()))
    marks = [
        {"id": n, "image_id": image, "category_id": 1, "segmentation": coco_counts(mask)}
        for n, (image, mask) in enumerate(masks)
    ]
    marks.append({"id": 9, "image_id": 2, "category_id": 1, "segmentation": [[1, 1, 90, 2, 3, 3]]})
    write_coco(root, images, marks, {1: PIT})
    (root / "labels.csv").write_text(f"image,class\nreject.png,{PIT}\n")
    return root


def test_it_shows_defects_faults_twins_and_what_is_known(tmp_path: Path) -> None:
    dataset = read_dataset(_data(tmp_path / "data"))
    page = write_data_page(dataset, tmp_path / "check.html", np.array([0, 0, 1]))
    text = page.read_text("utf-8")
    assert "pit: 3 defects in 2 images" in text  # the disc, the pixel in the corner, the scratch
    assert "a.png, x 0, y 47: 1 px" in text
    assert f"{int(scratch().sum()):,} px" in text
    assert "corner x 90, y 2 lies outside" in text
    assert "1 groups of images show one surface" in text
    assert "shows pit, nobody drew where" in text
    assert "http" not in re.sub(r"data:image/jpeg;base64,[^\"]+", "", text)  # one file, which asks for nothing
    assert len(PICTURE.findall(text)) == 3 + 1 + 2 + 1 + 1


def test_the_parts_of_a_mask_are_counted_with_their_boxes(tmp_path: Path) -> None:
    sample = read_dataset(_data(tmp_path)).samples[0]
    found = sorted(defects_of(sample, 7, 0))
    assert [(one.area, one.sample, one.box) for one in found] == [
        (1, 7, (0, SIZE[0] - 1, 1, 1)),
        (int(pit().sum()) - 1, 7, (7, 11, 23, 23)),
    ]


def test_check_writes_it_where_it_is_told(tmp_path: Path) -> None:
    data = tmp_path / "strips"
    shutil.copytree(SAMPLE / "train_images", data / "train_images")
    shutil.copy(SAMPLE / "train.csv", data)
    for path in sorted((data / "train_images").iterdir())[12:]:
        path.unlink()
    page = tmp_path / "check.html"
    done = run_cli("data", "check", data, "--page", page, "--groups", r"^(?P<coil>.)", "--no-twins")
    assert f"wrote {page}" in done.stdout
    assert "1 coil among" in done.stderr
    assert "the largest group has" in done.stderr
    text = page.read_text("utf-8")
    assert "Smallest" in text
    assert "missing-image" in text  # of the rows whose images were taken away


def test_names_that_no_text_can_hold_are_escaped(tmp_path: Path) -> None:
    data, page = tmp_path / "data", tmp_path / "check.html"
    write_index_png(data, "a.jpg", np.eye(32, dtype=np.uint8))
    for name in (os.fsdecode(b"bad\xff.png"), "\x1b[31mred.png"):
        shutil.copy(data / "masks" / "a.png", data / "masks" / name)
    done = run_cli("data", "check", data, "--page", page)
    assert done.returncode == 2
    refused = run_cli("data", "convert", data, tmp_path / "out", "--to", "coco")
    assert refused.returncode == 2
    for said in (done.stdout, refused.stderr, page.read_text("utf-8")):
        assert r"bad\udcff.png" in said
        assert r"\x1b[31mred.png" in said
        assert "\x1b[31m" not in said
