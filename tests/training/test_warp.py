"""Matrices that warp a batch, against OpenCV's resize image by image."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.imaging.preprocess import resize
from steelsight.training.warp import PLACES, warp

HEIGHT, WIDTH = 32, 64


@settings(deadline=None, max_examples=150)
@given(data=st.data(), seed=st.integers(0, 99))
def test_any_crop_at_any_place_is_as_opencv_resizes_it(data: st.DataObject, seed: int) -> None:
    def part(size: int) -> tuple[int, int]:
        length = data.draw(st.integers(1, size))
        return data.draw(st.integers(0, size - length)), length

    (top, tall), (left, wide), (to_top, to_tall), (to_left, to_wide) = (part(size) for size in (HEIGHT, WIDTH) * 2)
    vertical, horizontal = data.draw(st.booleans()), data.draw(st.booleans())
    image = np.random.default_rng(seed).random((HEIGHT, WIDTH)).astype(np.float32)
    expected = np.zeros_like(image)
    crop = np.ascontiguousarray(image[top : top + tall, left : left + wide])
    expected[to_top : to_top + to_tall, to_left : to_left + to_wide] = resize(crop, (to_tall, to_wide))
    expected = expected[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    places = torch.tensor([[top, left, tall, wide, to_top, to_left, to_tall, to_wide, vertical, horizontal]])
    assert places.shape[1] == PLACES
    planes = torch.from_numpy(image)[None, None].expand(1, 2, -1, -1)
    found = warp(planes, places)[0]
    assert torch.equal(found[0], found[1])
    assert np.abs(found[0].numpy() - expected).max() < 2e-5
