"""What is written in a layout is read back as it was."""

import tempfile
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import WrittenLayout, write_dataset
from steelsight.imaging.rle import encode_mask

CLASSES = ("1", "2", "3")


def labelled(name: str, truth: np.ndarray) -> Labelled:
    content = cv2.imencode(".png", np.arange(truth.size, dtype=np.uint8).reshape(truth.shape) * 9)[1].tobytes()
    masks = tuple(encode_mask(truth == number) for number in (1, 2, 3))
    return Labelled(name, content, (truth.shape[0], truth.shape[1]), masks)


@pytest.mark.parametrize("layout", get_args(WrittenLayout))
@settings(max_examples=10)
@given(truths=st.lists(arrays(np.uint8, (4, 6), elements=st.integers(0, 3)), min_size=1, max_size=4))
def test_masks_come_back(layout: WrittenLayout, truths: list[np.ndarray]) -> None:
    marked = np.ones((4, 6), np.uint8)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "data"
        write_dataset(
            folder, layout, CLASSES, (labelled(f"{place}.png", truth) for place, truth in enumerate([*truths, marked]))
        )
        dataset = read_dataset(folder)
        assert (dataset.layout, dataset.faults) == (layout, ())
        for sample, truth in zip(dataset.samples, [*truths, marked], strict=True):
            for name, mask in zip(dataset.classes, sample.mask(), strict=True):
                assert np.array_equal(mask, truth == int(name))


def test_nothing_is_left_of_a_folder_that_could_not_be_finished(tmp_path: Path) -> None:
    def broken() -> object:
        yield labelled("0.png", np.ones((4, 6), np.uint8))
        raise UserError("no more")

    for layout in get_args(WrittenLayout):
        with pytest.raises(UserError, match="no more"):
            write_dataset(tmp_path / "data", layout, CLASSES, broken())
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="is already there"):
        write_dataset(tmp_path, "coco", CLASSES, ())
