"""Masks that are stored as images."""

from pathlib import Path

import numpy as np
from helpers.decoded import read
from helpers.pictures import palette_bmp

from steelsight.dataset.layouts.mask_images import read_mask


def test_a_palette_gives_a_mask_its_indices_in_every_format(tmp_path: Path) -> None:
    indices = np.zeros((20, 30), np.uint8)
    indices[2:9, 3:12], indices[12:15, 20:25] = 1, 2
    colours = [(0, 0, 0), (255, 0, 0), (0, 255, 0)]
    path = tmp_path / "a.bmp"
    path.write_bytes(palette_bmp(indices, colours))
    np.testing.assert_array_equal(read_mask(path), indices)
    red, green = read(path.read_bytes())[4, 5], read(path.read_bytes())[13, 22]
    assert (red.tolist(), green.tolist()) == ([255, 0, 0], [0, 255, 0])
