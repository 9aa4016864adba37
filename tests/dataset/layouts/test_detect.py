"""Which layout a folder has, and what is said where none or several fit."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from helpers.layout_writers import LONG, write_class_image, write_csv, write_index_png, write_picture

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.detect import detect_layout
from steelsight.dataset.model import Layout
from steelsight.dataset.read import read_dataset

MASK = np.array([[0, 255]], np.uint8)


def test_an_empty_folder_and_one_that_fits_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder is empty"):
        read_dataset(tmp_path)
    write_picture(tmp_path / "a.jpg", (3, 3))
    with pytest.raises(UserError, match=r"no layout fits this folder\. It has 1 images without labels"):
        read_dataset(tmp_path)


def test_several_that_fit_are_named_and_the_option_decides(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", MASK)
    write_class_image(tmp_path / "Crack", "b.jpg", MASK)
    with pytest.raises(UserError, match=r"fits index-png and class-folders; say which with `layout=`"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, "index-png").classes == ("255",)
    assert read_dataset(tmp_path, "class-folders").classes == ("Crack",)


def test_a_table_of_something_else_does_not_make_a_folder_severstal(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "b.jpg", MASK)
    write_csv(tmp_path / "provenance.csv", [("ImageId", "source"), ("b.jpg", "line 4")])
    assert detect_layout(tmp_path) == "class-folders"


@pytest.mark.parametrize("layout", ["coco", "image-labels"])
def test_a_list_in_another_encoding_beside_the_data_does_not_stop_it(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "Maße.csv").write_bytes("Coil;Länge\n7;3\n".encode("cp1252"))
    write_picture(tmp_path / "train" / "a.jpg", (3, 3))
    with pytest.raises(UserError, match=r"Maße\.csv: not a CSV file in UTF-8"):
        read_dataset(tmp_path)  # it may be what was meant
    if layout == "coco":
        content = '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}'
        (tmp_path / "train" / "_annotations.coco.json").write_text(content)
    else:
        write_csv(tmp_path / "labels.csv", [("image", "class"), ("train/a.jpg", "pit")])
    assert detect_layout(tmp_path) == layout


def test_a_table_that_lacks_a_column_is_named_rather_than_overlooked(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", (3, 3))
    write_csv(tmp_path / "labels.csv", [LONG[:2], ("a.jpg", 1)])
    with pytest.raises(UserError, match=r"labels.csv: column EncodedPixels is missing"):
        read_dataset(tmp_path)


def test_what_is_not_there_or_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(UserError, match="not a folder"):
        read_dataset(write_picture(tmp_path / "a.jpg", (3, 3)))


def test_a_layout_that_is_asked_for_and_not_there_is_refused(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "b.jpg", MASK)
    for layout in get_args(Layout):
        if layout == "class-folders":
            continue
        with pytest.raises(UserError, match=str(tmp_path)):
            read_dataset(tmp_path, layout)
