"""Masks among images are told by names and pixels together; where either leaves a doubt, nothing is taken out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steelsight.dataset.masks_beside import masks_beside
from steelsight.imaging.folders import look_below

SIZE = (40, 60)


def photograph(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(20, 230, size).astype(np.uint8)


def mask(value: int = 255, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    pixels = np.zeros(size, np.uint8)
    pixels[5:15, 10:30] = value
    return pixels


def write(root: Path, files: dict[str, NDArray[np.uint8]]) -> None:
    for name, pixels in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), pixels)


def found(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in masks_beside(root, look_below(root)[0])]


@pytest.mark.parametrize(
    ("image", "of_it"),
    [
        ("crack/Imgs/7.jpg", "crack/Imgs/7.png"),
        ("7.png", "7_mask.png"),
        ("7.bmp", "7-label.tif"),
        ("images/7.jpg", "masks/7.png"),
        ("train/images/7.jpg", "train/masks/7.bmp"),
        ("JPEGImages/7.jpg", "SegmentationClass/7.png"),
        ("test/scratch/007.png", "ground_truth/scratch/007_mask.png"),
    ],
)
def test_a_mask_is_found_by_its_name_and_its_pixels(tmp_path: Path, image: str, of_it: str) -> None:
    write(tmp_path, {image: photograph(0), of_it: mask()})
    assert found(tmp_path) == [of_it]
    write(tmp_path, {of_it: photograph(1)})
    assert found(tmp_path) == []


@pytest.mark.parametrize("pixels", [mask(0), mask(3), np.stack([mask(200), mask(0), mask(90)], axis=2)])
def test_masks_may_be_empty_of_indices_or_in_colours(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    write(tmp_path, {"a.jpg": photograph(0), "a.png": pixels})
    assert found(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": photograph(0), "b.png": mask()},  # no image of its name
        {"a.jpg": photograph(0), "a.png": mask(size=(20, 60))},  # another size
        {"a.jpg": mask(3), "a.png": mask(3)},  # the image itself has as few values
        {"a.jpg": photograph(0), "a.png": mask(), "b.jpg": photograph(1), "b.png": photograph(2)},  # one is a picture
        {"x/images/a.jpg": photograph(0), "y/masks/a.png": mask()},  # of another folder
        {"p/a.jpg": photograph(0), "q/a.jpg": photograph(1), "masks/a.png": mask()},  # of which of the two?
        {"a.png": photograph(0), "a.tif": mask()},  # two pictures, as far as names tell
        {"masks/a.png": mask(), "masks/b.png": mask()},  # nothing but such files: then they are what is meant
    ],
)
def test_in_doubt_nothing_is_taken_out(tmp_path: Path, files: dict[str, NDArray[np.uint8]]) -> None:
    write(tmp_path, files)
    assert found(tmp_path) == []


def test_a_damaged_file_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": photograph(0)})
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert found(tmp_path) == []
