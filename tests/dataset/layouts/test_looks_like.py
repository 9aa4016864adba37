"""A folder that fits no layout is answered by what it looks like, and by one thing to do."""

from pathlib import Path

import numpy as np
import pytest
from helpers.layout_writers import write_index_png, write_picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset


def _files(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".jpg", ".png"):
            write_picture(path, (4, 6))
        else:
            path.write_text("nothing of ours")
    return root


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.jpg", "b.jpg"], "2 images without labels"),
        (["data.zip"], "unpack data.zip"),
        (["a.jpg", "a.xml"], "1 XML files"),
        (["a.jpg", "other.json"], "1 JSON files"),
        (["a.jpg", "a.npy"], "masks or images in .npy files"),
        (["a.jpg", "notes/a.txt"], "If they are YOLO's, put them into labels/"),
        (["a.jpg", "list.csv"], "name it labels.csv"),
        (["pictures/a.jpg", "gt/a.png"], "images in pictures/ and what may be masks in gt/"),
        (["a.png", "a_mask.png"], "images and masks side by side"),
        (["ok/a.jpg", "scratch/b.jpg"], "a folder of images for each of ok, scratch, without masks"),
        (["a.gif"], "no image that is read"),
        (["empty/x.md"], "neither images nor labels"),
    ],
)
def test_each_folder_has_an_answer_of_its_own(tmp_path: Path, names: list[str], said: str) -> None:
    with pytest.raises(UserError, match="no layout fits") as error:
        read_dataset(_files(tmp_path, *names))
    assert said in str(error.value)
    assert len(str(error.value)) < 420


def test_a_dataset_one_folder_down_is_named(tmp_path: Path) -> None:
    write_index_png(tmp_path / "unpacked", "a.jpg", np.array([[0, 1]], np.uint8))
    with pytest.raises(UserError, match=f"steelsight data check {tmp_path / 'unpacked'}"):
        read_dataset(tmp_path)
