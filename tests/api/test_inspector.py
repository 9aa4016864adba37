"""`steelsight.Inspector`: images in every form that a program has them in."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.tiny_inspector import make_inspector
from PIL import Image as Pillow

from steelsight import Inspector, UserError
from steelsight.imaging.read import read_image
from steelsight.inspector.input_range import InputRange


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory, strip: Path) -> Inspector:
    folder = make_inspector(tmp_path_factory.mktemp("made") / "inspector", familiar=InputRange.of([read_image(strip)]))
    return Inspector.open(str(folder), device="cpu")


def test_an_image_is_judged_alike_as_file_array_colour_and_pillow_image(inspector: Inspector, strip: Path) -> None:
    pixels = read_image(strip)
    judged = inspector(str(strip))
    assert judged.size == (64, 416)
    colour = np.stack([pixels] * 3, axis=2)
    forms: tuple[Any, ...] = (strip, pixels, np.asfortranarray(pixels), colour, Pillow.fromarray(pixels))
    for image in forms:
        again = inspector(image)
        assert again.p_defect == pytest.approx(judged.p_defect, abs=1e-6)
        assert np.array_equal(again.masks, judged.masks)


def test_masks_are_bool_arrays_of_each_class(inspector: Inspector) -> None:
    image = np.full((64, 416), 110, np.uint8)
    image[10:40, 50:150] = 250
    judged = inspector(image)
    assert (judged.masks.dtype, judged.masks.shape) == (np.dtype(bool), (2, 64, 416))
    assert judged.masks.sum(axis=(1, 2)).tolist() == [runs.area for runs in judged.runs]
    assert judged.masks[0, 20:30, 80:120].all()


def test_what_is_no_image_is_a_user_error(inspector: Inspector, strip: Path, tmp_path: Path) -> None:
    pixels = read_image(strip)
    refused: tuple[tuple[Any, str], ...] = (
        (pixels / 255.0, "holds float64"),
        (pixels[None], r"take image\[0\]"),
        (tmp_path / "none.jpg", "no such image"),
    )
    for image, said in refused:
        with pytest.raises(UserError, match=said):
            inspector(image)


def test_a_missing_file_of_a_stream_is_a_prediction_without_masks(inspector: Inspector, strip: Path) -> None:
    lost, found = inspector.stream([strip.with_name("none.jpg"), strip])
    assert lost.error is not None
    assert lost.masks.shape == (2, 0, 0)
    assert found.error is None
