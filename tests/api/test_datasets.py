"""`steelsight.read_dataset`: strips as a dataset with masks, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steelsight
from steelsight import UserError


def test_strips_are_read_as_a_dataset_with_masks(tmp_path: Path) -> None:
    steelsight.make_strips(tmp_path / "strips", 6, seed=3, size=(64, 256), defective=1)
    data = steelsight.read_dataset(str(tmp_path / "strips"))
    mask = data.samples[0].mask()
    assert (mask.dtype, mask.shape) == (np.dtype(bool), (len(data.classes), 64, 256))
    assert mask.any()
    with pytest.raises(UserError, match="none"):
        steelsight.read_dataset(tmp_path / "none")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"layout": "foo"}, "`layout=foo`: it must be one of: class-folders, coco"),
        ({"boxes": "x"}, "`boxes=x`: it must be one of: as-labels, as-masks"),
        ({"ignore_class": "1"}, r"`ignore_class=1`: one text in place of a list.*give \['1'\]"),
        ({"ignore_class": [1]}, "`ignore_class=1`: int in place of a name"),
    ],
)
def test_a_dataset_is_not_read_by_arguments_out_of_their_range(wrong: dict[str, Any], said: str, strip: Path) -> None:
    with pytest.raises(UserError, match=said):
        steelsight.read_dataset(strip.parents[1], **wrong)
