"""Pixels that a program brings: taken as they are, or refused with the way to mend them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from steelsight.core.errors import UserError
from steelsight.imaging.pixels import as_pixels
from steelsight.imaging.read import read_image

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


@pytest.mark.parametrize("image", [GREY, COLOUR, GREY.astype(np.uint16), GREY[::2], COLOUR[..., ::-1], GREY.T])
def test_arrays_of_pixels_are_taken_in_any_memory_layout(image: NDArray[Any]) -> None:
    taken = as_pixels(image)
    assert taken.dtype == image.dtype
    assert np.array_equal(taken, image)
    assert taken.flags.c_contiguous


@pytest.mark.parametrize(
    ("mode", "shape", "dtype"),
    [
        ("L", (3, 4), np.uint8),
        ("RGB", (3, 4, 3), np.uint8),
        ("RGBA", (3, 4, 3), np.uint8),
        ("P", (3, 4, 3), np.uint8),
        ("1", (3, 4), np.uint8),
        ("LA", (3, 4), np.uint8),
        ("La", (3, 4), np.uint8),
        ("I;16", (3, 4), np.uint16),
    ],
)
def test_a_pillow_image_of_8_or_16_bit_is_taken(mode: str, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    colour = Pillow.fromarray(COLOUR).convert("LA") if mode == "La" else Pillow.fromarray(COLOUR)
    image = colour.convert(mode) if mode != "I;16" else Pillow.fromarray(GREY.astype(np.uint16) * 1000)
    taken = as_pixels(image)
    assert (taken.shape, taken.dtype) == (shape, dtype)
    if mode == "RGB":
        assert np.array_equal(taken, COLOUR)
    if mode == "I;16":
        assert np.array_equal(taken, GREY.astype(np.uint16) * 1000)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (GREY / 255, r"holds float64.*\(image \* 255\)\.round\(\)\.astype"),
        (GREY.astype(np.float32), "holds float32"),
        (GREY.astype(np.int64), r"holds int64.*image\.astype\(\"uint8\"\)"),
        (GREY > 3, r"holds bool.*image \* np\.uint8\(255\)"),
        (GREY[None], r"shape \(1, 3, 4\).*take image\[0\]"),
        (GREY[..., None], r"shape \(3, 4, 1\).*take image\[\.\.\., 0\]"),
        (COLOUR.transpose(2, 0, 1), r"transpose\(1, 2, 0\)"),
        (np.zeros((5, 6, 4), np.uint8), r"image\[\.\.\., :3\]"),
        (COLOUR[None], "one by one"),
        (GREY[:0], "no pixel"),
        (GREY[0], r"shape \(4,\)"),
        (GREY.tolist(), "list: an image is"),
        (None, "NoneType: an image is"),
        (Pillow.fromarray(GREY).convert("F"), "mode F"),
    ],
)
def test_what_is_no_image_is_refused_with_its_mend(image: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        as_pixels(image)


def save_tiff(file: Path, mode: str, orientation: int, compression: str | None = None) -> Path:
    image = Pillow.fromarray(GREY.astype(np.uint16) * 1000) if mode == "I;16" else Pillow.fromarray(GREY).convert(mode)
    image.save(file, tiffinfo={274: orientation}, **({} if compression is None else {"compression": compression}))
    return file


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "I;16", "RGB"])
def test_a_tiff_that_pillow_opens_is_turned_like_the_file(
    mode: str, orientation: int, compression: str | None, tmp_path: Path
) -> None:
    file = save_tiff(tmp_path / "strip.tif", mode, orientation, compression)
    read = read_image(file)
    with Pillow.open(file) as image:
        taken = as_pixels(image)
        again = as_pixels(image)
        assert image.filename == str(file)
    assert np.array_equal(taken[..., 0] if mode == "RGB" else taken, read)
    assert np.array_equal(again, taken)


def test_a_tiff_that_pillow_has_scrambled_is_refused(tmp_path: Path) -> None:
    """Of an uncompressed TIFF on its side Pillow 13 maps rows of the turned width; a repaired Pillow gives the pixels."""
    file = save_tiff(tmp_path / "strip.tif", "L", 6)
    with Pillow.open(file) as image:
        image.load()
        if np.array_equal(np.asarray(image), read_image(file)):
            assert np.array_equal(as_pixels(image), read_image(file))
        else:
            with pytest.raises(UserError, match=r"strip\.tif: Pillow scrambles .* give the path"):
                as_pixels(image)


def test_a_tiff_that_pillow_loads_upright_is_taken_as_it_is(tmp_path: Path) -> None:
    with Pillow.open(save_tiff(tmp_path / "strip.tif", "L", 1)) as image:
        image.load()
        assert np.array_equal(as_pixels(image), GREY)


@pytest.mark.parametrize("suffix", ["tif", "jpg", "png"])
def test_an_image_that_breaks_off_is_refused_in_one_sentence(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"strip.{suffix}"
    Pillow.fromarray(np.zeros((200, 200), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:-30])
    with Pillow.open(file) as image, pytest.raises(UserError, match=rf"strip\.{suffix}: Pillow cannot load it"):
        as_pixels(image)
