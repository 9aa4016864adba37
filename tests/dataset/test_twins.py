"""Twins found among drawn strips, real photographs and changed copies of them; never where the surfaces differ."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared
from numpy.typing import NDArray

from steelsight.dataset.twins import find_twins
from steelsight.imaging.read import ImageError
from steelsight.strips import draw_strip

Pixels = NDArray[np.uint8]

with (SAMPLE / "groups.csv").open(newline="", encoding="utf-8") as _table:
    TWIN_OF = {row["image"]: row["twin_of"] for row in csv.DictReader(_table)}
ALL = [SAMPLE / "train_images" / name for name in TWIN_OF]
STRIPS = [path for path in ALL if not TWIN_OF[path.name]][:14]
TREAD_PLATES = [SHARED / "severstal/train_images" / f"{name}.jpg" for name in ("000789191", "0a3bbea4d", "0a65bd8d4")]


def exposed(image: Pixels) -> Pixels:
    return np.clip(image * 1.3 + 12.0, 0, 255).astype(np.uint8)


def cropped(image: Pixels) -> Pixels:
    height, width = image.shape
    return image[height // 25 : -height // 40, width // 50 : -width // 25]


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "quarter turn": np.rot90,
    "half turn": lambda image: np.rot90(image, 2),
    "three quarter turns": lambda image: np.rot90(image, 3),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "transposed": lambda image: image.T,
    "exposure": exposed,
    "crop": cropped,
    "everything": lambda image: exposed(cropped(np.rot90(image)[::-1])),
}


def save(folder: Path, number: int, image: Pixels, quality: int = 80) -> Path:
    path = folder / f"{number}.jpg"
    cv2.imwrite(str(path), np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_twin_of_its_original_and_of_nothing_else(change: str, tmp_path: Path) -> None:
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in STRIPS]
    copies = [save(tmp_path, number, CHANGES[change](image)) for number, image in enumerate(images)]
    np.testing.assert_array_equal(find_twins([*STRIPS, *copies]), [*range(len(STRIPS))] * 2)


def test_the_same_file_again_is_a_twin_whatever_it_is_called(tmp_path: Path) -> None:
    again = [Path(shutil.copy(path, tmp_path / f"other{number}.png")) for number, path in enumerate(STRIPS[:5])]
    np.testing.assert_array_equal(find_twins([*STRIPS[:5], *reversed(again)]), [0, 1, 2, 3, 4, 4, 3, 2, 1, 0])


def test_names_play_no_part(tmp_path: Path) -> None:
    named = [Path(shutil.copy(path, tmp_path / f"exp{number}_num_100.jpg")) for number, path in enumerate(STRIPS[:4])]
    np.testing.assert_array_equal(find_twins(named), range(4))


def test_a_16_bit_copy_and_a_colour_copy_are_twins(tmp_path: Path) -> None:
    image = cv2.imread(str(STRIPS[3]), cv2.IMREAD_GRAYSCALE)
    deep, coloured = tmp_path / "deep.png", tmp_path / "coloured.png"
    cv2.imwrite(str(deep), image.astype(np.uint16) * 250)
    cv2.imwrite(str(coloured), np.dstack([image // 2, image, image]))
    np.testing.assert_array_equal(find_twins([STRIPS[3], STRIPS[5], deep, coloured]), [0, 1, 0, 0])


def test_drawn_twins_are_found_as_their_table_says_and_no_others() -> None:
    names = [path.name for path in ALL]
    first = [names.index(TWIN_OF[name] or name) for name in names]
    assert len(set(first)) == len(names) - 1
    groups = find_twins(ALL)
    np.testing.assert_array_equal(groups[:, None] == groups, np.equal.outer(first, first))


def test_a_twin_whose_frame_shows_less_steel_is_found(tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.png" for index in (363, 364, 886, 887)]
    for path in paths:
        cv2.imwrite(str(path), draw_strip(91, int(path.stem)).image)
    assert find_twins(paths).tolist() == [0, 0, 1, 1]


def test_tread_plates_of_one_coil_are_not_twins(tmp_path: Path) -> None:
    strips = [draw_strip(7, index) for index in range(4)]
    assert {strip.twin_of for strip in strips} == {None}
    assert sum("tread" in strip.marks for strip in strips) >= 3
    plates = [save(tmp_path, strip.index, strip.image) for strip in strips]
    np.testing.assert_array_equal(find_twins(plates), range(4))


@needs_shared
def test_tread_plates_of_one_pattern_are_not_twins() -> None:
    np.testing.assert_array_equal(find_twins(TREAD_PLATES), range(3))


@needs_shared
def test_exposures_of_one_tile_are_twins_and_other_tiles_are_not() -> None:
    root = SHARED / "magnetic_tile"
    with (root / "tiles.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if 100 <= int(row["tile"]) < 112]
    groups = find_twins([root / row["folder"] / "Imgs" / row["image"] for row in rows])
    tiles = np.unique([int(row["tile"]) for row in rows], return_inverse=True)[1]
    np.testing.assert_array_equal(groups[:, None] == groups, tiles[:, None] == tiles)


@needs_shared
def test_threads_and_order_do_not_change_who_are_twins() -> None:
    paths = sorted((SHARED / "neu_seg" / "images").glob("*.jpg"))[:60]
    groups = find_twins(paths, workers=1)
    assert len(np.unique(groups)) < len(paths)
    np.testing.assert_array_equal(groups, find_twins(paths, workers=3))
    backwards = find_twins(paths[::-1])[::-1]
    np.testing.assert_array_equal(groups[:, None] == groups, backwards[:, None] == backwards)


def test_no_image_and_one_image() -> None:
    assert find_twins([]).tolist() == []
    assert find_twins(STRIPS[:1]).tolist() == [0]


def test_blank_images_are_not_twins_of_each_other_unless_they_are_equal(tmp_path: Path) -> None:
    blank = [save(tmp_path, number, np.full((60, 80), level, np.uint8)) for number, level in enumerate((0, 90, 90))]
    assert find_twins(blank).tolist() == [0, 1, 1]


def test_tiny_images_are_read(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tiny = [save(tmp_path, side, random.integers(0, 255, (side, side), np.uint8)) for side in (1, 2, 3, 9)]
    assert find_twins(tiny).tolist() == [0, 1, 2, 3]


def test_tiny_images_are_compared_with_very_long_ones(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    sizes = [(1, 1), (1, 300), (300, 1), (2, 70_000), (70_000, 2)]
    for number, size in enumerate(sizes):
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), draw.integers(60, 160, size).astype(np.uint8))
    assert find_twins(sorted(tmp_path.iterdir())).tolist() == [0, 1, 2, 3, 4]


def test_strips_of_few_rows_are_compared(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    wire = random.integers(10, 250, (8, 600), np.uint8)
    other = random.integers(10, 250, (6, 600), np.uint8)
    parts = [save(tmp_path, number, part, 100) for number, part in enumerate((wire, wire[:7], wire[:6], other))]
    assert find_twins(parts).tolist() == [0, 0, 0, 1]
    thin = [save(tmp_path, rows, wire[:rows, :60]) for rows in range(1, 8)]
    assert len(find_twins(thin)) == 7


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    find_twins(STRIPS[:3], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    text = tmp_path / "note.jpg"
    text.write_text("not an image")
    with pytest.raises(ImageError, match=r"note\.jpg"):
        find_twins([STRIPS[0], text])
