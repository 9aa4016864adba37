"""Images are read whole or refused: four formats, grey and colour, 8 and 16 bit, cut off anywhere."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared

from steelsight.imaging.read import ImageError, image_size, list_images, read_image

SUFFIXES = (".jpg", ".png", ".bmp", ".tif")
RNG = np.random.default_rng(5)


def _write(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPEG", ".tiff"])
@pytest.mark.parametrize("colour", [False, True])
def test_each_format_gives_its_pixels_and_size(tmp_path: Path, suffix: str, colour: bool) -> None:
    bgr = cv2.resize(RNG.integers(0, 256, (3, 4, 3), np.uint8), (53, 37))
    pixels = bgr if colour else bgr[..., 0]
    path = _write(tmp_path / f"a{suffix}", pixels)
    read = read_image(path)
    assert read.dtype == np.uint8
    assert image_size(path) == read.shape[:2] == (37, 53)
    expected = bgr[..., ::-1] if colour else pixels
    tolerance = 40 if suffix.lower().startswith(".j") else 0
    assert np.abs(read.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_is_kept_in_grey_and_colour(tmp_path: Path, suffix: str) -> None:
    bgr = RNG.integers(0, 65536, (9, 8, 3), np.uint16)
    grey = _write(tmp_path / f"grey{suffix}", bgr[..., 0])
    colour = _write(tmp_path / f"colour{suffix}", bgr)
    np.testing.assert_array_equal(read_image(grey), bgr[..., 0])
    np.testing.assert_array_equal(read_image(colour), bgr[..., ::-1])
    assert read_image(colour).dtype == np.uint16


def test_three_equal_channels_become_grey_and_one_other_pixel_does_not(tmp_path: Path) -> None:
    grey = RNG.integers(0, 256, (40, 60), np.uint8)
    same = np.repeat(grey[..., None], 3, axis=2)
    assert read_image(_write(tmp_path / "same.png", same)).shape == (40, 60)
    same[33, 21, 2] ^= 1
    assert read_image(_write(tmp_path / "other.png", same)).shape == (40, 60, 3)


def test_alpha_is_dropped(tmp_path: Path) -> None:
    bgra = RNG.integers(0, 256, (5, 6, 4), np.uint8)
    np.testing.assert_array_equal(read_image(_write(tmp_path / "a.png", bgra)), bgra[..., 2::-1])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.001, 0.3, 0.7, 0.99])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    original = list_images(SAMPLE / "train_images")[0]
    whole = original.read_bytes() if suffix == ".jpg" else None
    if whole is None:
        whole = _write(tmp_path / f"whole{suffix}", cv2.imread(str(original), cv2.IMREAD_GRAYSCALE)).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ImageError, match=f"cut{suffix}: ") as refused:
        read_image(path)
    assert refused.value.kind == "unreadable-image"


def test_a_cut_jpeg_with_an_embedded_preview_is_refused(tmp_path: Path) -> None:
    content = list_images(SAMPLE / "train_images")[0].read_bytes()
    preview = b"Exif\0\0" + cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview
    path = tmp_path / "a.jpg"
    path.write_bytes(content[:2] + segment + content[2:])
    assert image_size(path) == read_image(path).shape[:2] == (256, 1600)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ImageError, match="Premature end of JPEG file"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"id,class\na,1\n", "not an image but text"), (b"\x00\x01" * 40, "cannot|can be")],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match=said):
            read(path)


def test_a_missing_image_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as missing:
        read_image(tmp_path / "gone.jpg")
    assert missing.value.kind == "missing-image"
    assert "correct the path" in str(missing.value)
    with pytest.raises(ImageError, match="a folder, not an image") as folder:
        read_image(tmp_path)
    assert folder.value.kind == "unreadable-image"
    with pytest.raises(ImageError, match="a NUL character in the name") as odd:
        read_image(Path("a\0b.jpg"))
    assert odd.value.kind == "missing-image"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tif", np.ones((4, 4), np.float32))
    with pytest.raises(ImageError, match="8 or 16 bit"):
        read_image(path)


def test_a_folder_lists_its_images_alone(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.tiff", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.tiff", "b.JPG"]
    assert list_images(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "data", [SAMPLE, pytest.param(SHARED / "severstal", marks=needs_shared)], ids=["drawn", "real"]
)
def test_read_in_grey_a_grey_image_has_the_same_pixels(data: Path) -> None:
    """Of a JPEG the decoder gives the luma, of which nothing else is computed."""
    paths = list_images(data / "train_images") + list_images(data / "test_images")
    assert len(paths) > 70
    for path in paths:
        np.testing.assert_array_equal(read_image(path, grey=True), read_image(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_read_in_grey_a_colour_image_is_the_grey_of_its_colours(tmp_path: Path, suffix: str, dtype: type) -> None:
    if dtype == np.uint16 and suffix in (".jpg", ".bmp"):
        pytest.skip("these formats have 8 bit alone")
    coarse = RNG.integers(np.iinfo(dtype).max // 4, np.iinfo(dtype).max // 2, (4, 5, 3), dtype)
    path = _write(tmp_path / f"a{suffix}", cv2.resize(coarse, (80, 64)))
    grey = read_image(path, grey=True)
    assert (grey.shape, grey.dtype) == ((64, 80), dtype)
    expected = cv2.cvtColor(read_image(path), cv2.COLOR_RGB2GRAY)
    if suffix == ".jpg":  # whose own luma it is
        assert np.abs(grey.astype(int) - expected).max() <= 0.01 * np.iinfo(dtype).max
    else:
        assert np.array_equal(grey, expected)
