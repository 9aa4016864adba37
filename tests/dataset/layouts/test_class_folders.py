"""Class folders: smeared masks, folders without defects, and masks that show nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from helpers.layout_writers import palette_png, write_class_image, write_picture

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset

SMEARED = np.array([[0, 100, 127], [128, 200, 255]], np.uint8)
EMPTY = np.zeros((2, 3), np.uint8)


@needs_shared
def test_magnetic_tile_has_1051_images_and_four_empty_masks() -> None:
    dataset = read_dataset(SHARED / "magnetic_tile")
    assert dataset.layout == "class-folders"
    assert dataset.classes == ("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
    assert [fault.kind for fault in dataset.faults] == ["empty-mask"] * 4
    assert {fault.file.parent.parent.name for fault in dataset.faults} == {"MT_Uneven"}
    assert len(dataset.samples) + len(dataset.faults) == 1051
    assert sum(not sample.is_defective for sample in dataset.samples) == 764


@pytest.mark.parametrize("inner", ["", "Imgs", "images"])
def test_a_pixel_above_127_is_defect_and_the_folder_its_class(tmp_path: Path, inner: str) -> None:
    write_class_image(tmp_path / "Crack" / inner, "a.jpg", SMEARED)
    write_class_image(tmp_path / "Free" / inner, "b.jpg", EMPTY)
    write_class_image(tmp_path / "Polished" / inner, "c.JPG", EMPTY)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("Crack",), ())
    first = dataset.samples[0]
    assert first.image_id == (Path("Crack") / inner / "a.jpg").as_posix()
    np.testing.assert_array_equal(first.mask()[0], SMEARED > 127)
    assert [sample.is_defective for sample in dataset.samples] == [True, False, False]


def test_a_16_bit_mask_is_cut_at_half_of_its_range(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "a.jpg", SMEARED)
    cv2.imwrite(str(tmp_path / "Crack" / "a.png"), SMEARED.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_dataset(tmp_path).samples[0].mask()[0], SMEARED > 127)


def test_a_palette_mask_is_cut_by_its_colours(tmp_path: Path) -> None:
    """As a tool that makes PNG files small writes it: its indices are 0 and 1, or the other way round."""
    for name, indices, palette in (("a", [[0, 0, 1]], (0, 255)), ("b", [[1, 1, 0]], (255, 0))):
        write_picture(tmp_path / "Crack" / f"{name}.jpg", (1, 3))
        colours = bytes(value for value in palette for _ in range(3))
        (tmp_path / "Crack" / f"{name}.png").write_bytes(palette_png(np.array(indices, np.uint8), 1, colours))
    dataset = read_dataset(tmp_path)
    assert [sample.mask()[0].tolist() for sample in dataset.samples] == [[[False, False, True]]] * 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mask_of_0_and_1_is_a_fault_and_no_good_image(tmp_path: Path, dtype: type) -> None:
    """Nor is one of 16 bit that holds 0 and 255."""
    write_class_image(tmp_path / "Crack", "a.jpg", SMEARED)
    write_class_image(tmp_path / "Pit", "b.jpg", EMPTY)
    cv2.imwrite(str(tmp_path / "Pit" / "b.png"), np.array([[0, 1, 1], [0, 0, 1]], dtype))
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("not-a-mask", "Pit/b.jpg")]
    assert [sample.image_id for sample in dataset.samples] == ["Crack/a.jpg"]


def test_images_that_share_a_mask_are_faults(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "a.jpg", SMEARED)
    write_class_image(tmp_path / "Crack", "b.jpg", SMEARED)
    write_picture(tmp_path / "Crack" / "b.bmp", (2, 3))
    write_picture(tmp_path / "good" / "c.bmp", (2, 3))
    write_picture(tmp_path / "good" / "c.jpg", (2, 3))
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [
        ("duplicate-image", "Crack/b.bmp"),
        ("duplicate-image", "Crack/b.jpg"),
    ]
    assert len(dataset.samples) == 3


def test_a_folder_named_good_needs_no_masks_and_must_show_no_defect(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "a.jpg", SMEARED)
    write_picture(tmp_path / "good" / "b.jpg", (2, 3))
    write_class_image(tmp_path / "good", "c.jpg", SMEARED)
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("unexpected-mask", "good/c.jpg")]
    assert [sample.image_id for sample in dataset.samples] == ["Crack/a.jpg", "good/b.jpg"]


def test_faults_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "Crack"
    write_class_image(folder, "a.jpg", SMEARED)
    write_class_image(folder, "empty.jpg", EMPTY)
    write_picture(folder / "bare.jpg", (2, 3))
    cv2.imwrite(str(folder / "lonely.png"), SMEARED)
    write_class_image(folder, "size.jpg", SMEARED)
    write_picture(folder / "size.jpg", (9, 9))
    write_class_image(folder, "broken.jpg", SMEARED)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:-8])
    write_class_image(folder, "colour.jpg", SMEARED)
    cv2.imwrite(str(folder / "colour.png"), np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    dataset = read_dataset(tmp_path)
    assert {(fault.kind, fault.file.name, fault.image_id) for fault in dataset.faults} == {
        ("empty-mask", "empty.png", "Crack/empty.jpg"),
        ("missing-mask", "bare.jpg", "Crack/bare.jpg"),
        ("missing-image", "lonely.png", None),
        ("wrong-size", "size.png", "Crack/size.jpg"),
        ("unreadable-mask", "broken.png", "Crack/broken.jpg"),
        ("not-a-mask", "colour.png", "Crack/colour.jpg"),
    }
    assert [sample.image_id for sample in dataset.samples] == ["Crack/a.jpg"]


def test_a_png_that_may_be_a_picture_is_told_as_one(tmp_path: Path) -> None:
    """Whoever removes it as a mask has lost a good image."""
    write_class_image(tmp_path / "Crack", "a.jpg", SMEARED)
    write_picture(tmp_path / "good" / "b.png", (2, 3))
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.file.name) == ("missing-image", "b.png")
    assert "if it is a picture itself, save it as BMP or TIFF" in fault.message
    assert "remove" not in fault.message


def test_masks_that_are_all_empty_are_refused(tmp_path: Path) -> None:
    write_class_image(tmp_path / "Crack", "a.jpg", EMPTY)
    with pytest.raises(UserError, match="no mask shows a defect"):
        read_dataset(tmp_path)


BLOCK = np.zeros((64, 96), np.uint8)
BLOCK[10:40, 10:50] = 255


@pytest.mark.parametrize("name", ["not good", "no_good", "not_ok", "free_edge_crack", "clean-cut", "MT_Free"])
def test_a_word_within_a_folder_name_decides_nothing(tmp_path: Path, name: str) -> None:
    write_class_image(tmp_path / "dent", "a.jpg", BLOCK)
    write_class_image(tmp_path / name, "b.jpg", BLOCK)
    write_picture(tmp_path / name / "c.jpg", BLOCK.shape)
    write_picture(tmp_path / "good" / "d.jpg", BLOCK.shape)
    dataset = read_dataset(tmp_path)
    assert set(dataset.classes) == {"dent", name}
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("missing-mask", f"{name}/c.jpg")]
    assert [sample.image_id for sample in dataset.samples if not sample.is_defective] == ["good/d.jpg"]


@pytest.mark.parametrize("name", ["good", "OK", "defect-free", "No defects", "flawless"])
def test_a_folder_whose_whole_name_says_good_needs_no_masks(tmp_path: Path, name: str) -> None:
    write_class_image(tmp_path / "dent", "a.jpg", BLOCK)
    write_picture(tmp_path / name / "d.jpg", BLOCK.shape)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("dent",), ())


def test_a_folder_of_empty_masks_counts_as_good_and_is_named(tmp_path: Path) -> None:
    write_class_image(tmp_path / "dent", "a.jpg", BLOCK)
    write_class_image(tmp_path / "pit", "b.jpg", BLOCK * 0)
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.faults) == (("dent",), ())
    assert dataset.notes == ("folder pit: none of its 1 masks shows a pixel, so its images count as defect-free",)


def test_photographs_second_masks_and_alpha_masks_are_faults(tmp_path: Path) -> None:
    write_class_image(tmp_path / "dent", "a.jpg", BLOCK)
    noise = np.random.default_rng(0).normal(0, 12, BLOCK.shape)
    for level in (110, 210):
        write_class_image(tmp_path / "dent", f"photo{level}.jpg", np.clip(noise + level, 0, 255).astype(np.uint8))
    write_class_image(tmp_path / "dent", "two.jpg", BLOCK)
    cv2.imwrite(str(tmp_path / "dent" / "two.PNG"), BLOCK)
    write_picture(tmp_path / "good" / "alpha.jpg", BLOCK.shape)
    cv2.imwrite(str(tmp_path / "good" / "alpha.png"), np.dstack([BLOCK * 0] * 3 + [BLOCK]))
    write_class_image(tmp_path / "good", "ones.jpg", BLOCK // 255)
    write_picture(tmp_path / "good" / "b.jpg", BLOCK.shape)
    cv2.imwrite(str(tmp_path / "good" / "B_mask.png"), BLOCK)
    dataset = read_dataset(tmp_path)
    assert {(fault.kind, fault.image_id) for fault in dataset.faults} == {
        ("not-a-mask", "dent/photo110.jpg"),
        ("not-a-mask", "dent/photo210.jpg"),
        ("duplicate-mask", "dent/two.jpg"),
        ("not-a-mask", "good/alpha.jpg"),
        ("not-a-mask", "good/ones.jpg"),
        ("unsure-label", "good/b.jpg"),
        ("missing-image", None),
    }
    assert [sample.image_id for sample in dataset.samples] == ["dent/a.jpg"]
