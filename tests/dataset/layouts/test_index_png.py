"""Index masks: names, palettes, and what is no index mask."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from helpers.layout_writers import palette_png, write_csv, write_index_png, write_picture
from helpers.pictures import tiff
from PIL import Image

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.mask_images import read_mask
from steelsight.dataset.read import read_dataset

INDICES = np.array([[0, 1, 1], [0, 3, 0]], np.uint8)


@needs_shared
def test_all_908_images_are_read_with_the_names_of_the_index() -> None:
    dataset = read_dataset(SHARED / "neu_seg")
    assert (dataset.layout, dataset.faults) == ("index-png", ())
    assert dataset.classes == ("inclusion", "patches", "scratches")
    assert len(dataset.samples) == 908
    assert all(sample.is_defective and sample.size == (200, 200) for sample in dataset.samples)
    shown = [sum(index in sample.classes for sample in dataset.samples) for index in range(3)]
    assert shown == [365, 367, 365]


def test_classes_without_names_are_the_indices_that_occur(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    write_index_png(tmp_path, "b.bmp", INDICES * 10)
    write_index_png(tmp_path, "clean.jpg", INDICES * 0)
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("1", "3", "10", "30")
    assert [sample.classes for sample in dataset.samples] == [(0, 1), (2, 3), ()]
    np.testing.assert_array_equal(dataset.samples[0].mask()[:2], np.stack([INDICES == 1, INDICES == 3]))


@pytest.mark.parametrize("text", ["background\nscratch\npit\nscale\n", "scratch\n\npit\nscale"])
def test_names_come_from_classes_txt(tmp_path: Path, text: str) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    (tmp_path / "classes.txt").write_text(text)
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("scratch", "pit", "scale")
    assert dataset.samples[0].classes == (0, 2)


def test_an_index_csv_without_numbered_columns_names_nothing(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    write_csv(tmp_path / "index.csv", [("id", "camera_7"), ("a", 1)])
    assert read_dataset(tmp_path).classes == ("1", "3")


def test_a_value_beyond_the_names_is_an_unknown_class(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    write_index_png(tmp_path, "b.jpg", np.minimum(INDICES, 1))
    (tmp_path / "classes.txt").write_text("scratch\npit\n")
    dataset = read_dataset(tmp_path)
    (fault,) = dataset.faults
    assert (fault.kind, fault.file, fault.image_id) == ("unknown-class", tmp_path / "masks" / "a.png", "a.jpg")
    assert "value 3" in fault.message
    assert [sample.image_id for sample in dataset.samples] == ["b.jpg"]


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    (tmp_path / "classes.txt").write_text("pit\npit\n")
    with pytest.raises(UserError, match="one different name a line"):
        read_dataset(tmp_path)


def test_names_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    (tmp_path / "classes.txt").write_bytes("größe\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"classes\.txt: not text in UTF-8 \(byte 3\)"):
        read_dataset(tmp_path)


def test_faults_of_files(tmp_path: Path) -> None:
    write_index_png(tmp_path, "good.jpg", INDICES)
    write_picture(tmp_path / "images" / "bare.jpg", (2, 3))
    write_index_png(tmp_path, "large.jpg", INDICES)
    write_picture(tmp_path / "images" / "large.jpg", (4, 6))
    write_index_png(tmp_path, "text.jpg", INDICES)
    (tmp_path / "masks" / "text.png").write_text("a mask")
    write_index_png(tmp_path, "twice.jpg", INDICES)
    write_picture(tmp_path / "images" / "twice.png", (2, 3))
    cv2.imwrite(str(tmp_path / "masks" / "lonely.png"), INDICES)
    write_index_png(tmp_path, "grey.jpg", np.arange(100, dtype=np.uint8).reshape(10, 10))
    write_picture(tmp_path / "images" / "colour.jpg", (2, 2))
    cv2.imwrite(str(tmp_path / "masks" / "colour.png"), np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    dataset = read_dataset(tmp_path)
    assert {(fault.kind, fault.file.name, fault.image_id) for fault in dataset.faults} == {
        ("missing-mask", "bare.jpg", "bare.jpg"),
        ("wrong-size", "large.png", "large.jpg"),
        ("unreadable-mask", "text.png", "text.jpg"),
        ("duplicate-image", "twice.jpg", "twice.jpg"),
        ("duplicate-image", "twice.png", "twice.png"),
        ("missing-image", "lonely.png", None),
        ("not-an-index-mask", "grey.png", "grey.jpg"),
        ("not-an-index-mask", "colour.png", "colour.jpg"),
    }
    assert [sample.image_id for sample in dataset.samples] == ["good.jpg"]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_mask_gives_its_indices(tmp_path: Path, bits: int) -> None:
    indices = np.arange(35, dtype=np.uint8).reshape(5, 7) % min(2**bits, 16)
    (tmp_path / "mask.png").write_bytes(palette_png(indices, bits))
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), indices)


def test_an_empty_images_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(UserError, match="images: no images here"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "_background_\nscratch\npit\nscale",
        "__ignore__\n_background_\nscratch\npit\nscale",
        "0 background\n1 scratch\n2 pit\n3 scale",
        "1: scratch\n2: pit\n3: scale",
        "BG\nscratch\npit\nscale",
    ],
)
def test_a_background_under_any_name_shifts_no_class(tmp_path: Path, text: str) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    (tmp_path / "classes.txt").write_text(text)
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("scratch", "pit", "scale")
    assert dataset.samples[0].classes == (0, 2)


@pytest.mark.parametrize("text", ["scratch\nbackground\npit", "0 scratch\n1 pit\n2 scale", "1 scratch\n3 pit"])
def test_names_that_leave_open_which_is_index_1_are_refused(tmp_path: Path, text: str) -> None:
    write_index_png(tmp_path, "a.jpg", INDICES)
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(UserError, match="index 0"):
        read_dataset(tmp_path)


def _square(value: int, size: tuple[int, int] = (128, 192)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    mask[11:95, 9:155] = value
    return mask


@pytest.mark.parametrize("named", [False, True])
def test_a_mask_that_was_resized_with_interpolation_is_a_fault(tmp_path: Path, named: bool) -> None:
    halved = cv2.GaussianBlur(cv2.resize(_square(3), (96, 64), interpolation=cv2.INTER_AREA), (3, 3), 1)
    assert set(np.unique(halved)) == {0, 1, 2, 3}
    write_index_png(tmp_path, "a.jpg", halved)
    write_index_png(tmp_path, "b.jpg", _square(3))
    if named:
        (tmp_path / "classes.txt").write_text("scratch\npit\nscale\n")
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("not-an-index-mask", "a.jpg")]
    assert "interpolation" in dataset.faults[0].message
    assert [sample.image_id for sample in dataset.samples] == ["b.jpg"]


def test_a_blurred_mask_is_a_fault_though_its_values_are_classes_of_other_masks(tmp_path: Path) -> None:
    nested = _square(1)
    nested[30:60, 40:90] = 2  # a class around another is none
    write_index_png(tmp_path, "a.jpg", nested)
    write_index_png(tmp_path, "b.jpg", cv2.GaussianBlur(_square(4), (0, 0), 1.5))
    (tmp_path / "classes.txt").write_text("scratch\npit\nscale\ndent\n")
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("not-an-index-mask", "b.jpg")]
    assert [one.area for one in dataset.samples[0].runs] == [84 * 146 - 30 * 50, 30 * 50, 0, 0]


def test_255_beside_an_index_may_mean_ignore(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", np.where(_square(1), 1, 255).astype(np.uint8))


@pytest.mark.parametrize("names", ["", "scratch\npit\n"])
def test_255_beside_small_indices_is_ignored(tmp_path: Path, names: str) -> None:
    mask = np.where(_square(1), 1, 255).astype(np.uint8)
    write_index_png(tmp_path, "a.jpg", mask)
    write_index_png(tmp_path, "b.jpg", _square(1))
    if names:
        (tmp_path / "classes.txt").write_text(names)
    dataset = read_dataset(tmp_path)
    assert (dataset.faults, dataset.classes) == ((), ("scratch", "pit") if names else ("1",))
    np.testing.assert_array_equal(dataset.samples[0].ignored_mask(), mask == 255)
    np.testing.assert_array_equal(dataset.samples[0].mask()[0], mask == 1)
    assert not dataset.samples[1].ignored.area


def test_255_beside_great_indices_may_be_a_class(tmp_path: Path) -> None:
    mask = _square(85)
    mask[20:30, 20:30], mask[40:50, 20:30] = 170, 255
    write_index_png(tmp_path, "a.jpg", mask)
    write_index_png(tmp_path, "b.jpg", _square(85))
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.image_id) for fault in dataset.faults] == [("unknown-class", "a.jpg")]
    assert "beside 170" in dataset.faults[0].message
    asked = read_dataset(tmp_path, ignore_class=["255"])
    assert (asked.faults, asked.classes, asked.samples[0].ignored.area) == ((), ("85", "170"), 100)


def test_255_alone_is_a_class(tmp_path: Path) -> None:
    write_index_png(tmp_path, "a.jpg", _square(255))
    write_index_png(tmp_path, "b.jpg", _square(0))
    alone = read_dataset(tmp_path)
    assert (alone.classes, alone.faults) == (("255",), ())


def test_255_alone_beside_named_classes_is_a_fault_until_it_is_told(tmp_path: Path) -> None:
    for name, value in (("a.jpg", 255), ("b.jpg", 0), ("c.jpg", 255)):
        write_index_png(tmp_path, name, _square(value))
    (tmp_path / "classes.txt").write_text("scratch\n")
    faults = read_dataset(tmp_path).faults
    assert [(fault.kind, fault.image_id) for fault in faults] == [
        ("unknown-class", "a.jpg"),
        ("unknown-class", "c.jpg"),
    ]
    assert "the only one in all masks" in faults[0].message
    assert "`ignore_class=ignore`" in faults[0].message
    told = read_dataset(tmp_path, ignore_class=["ignore"])
    assert (told.faults, told.samples[0].ignored.area) == ((), 84 * 146)
    write_index_png(tmp_path, "b.jpg", _square(1))
    assert not read_dataset(tmp_path).faults


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_mask_of_few_bits_holds_what_is_stored(tmp_path: Path, bits: int) -> None:
    indices = np.arange(2 * 9).reshape(2, 9).astype(np.uint8) % 2**bits
    write_index_png(tmp_path, "a.jpg", indices)
    (tmp_path / "masks" / "a.png").write_bytes(palette_png(indices, bits, grey=True))
    np.testing.assert_array_equal(read_mask(tmp_path / "masks" / "a.png"), indices)
    assert read_dataset(tmp_path).classes == tuple(map(str, range(1, 2**bits)))


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("photometric", [0, 1, 3])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_tiff_of_few_bits_holds_what_is_stored(
    tmp_path: Path, bits: int, photometric: int, deflate: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    indices = np.arange(5 * 9).reshape(5, 9).astype(np.uint8) % 2**bits
    stored = 2**bits - 1 - indices if photometric == 0 else indices  # where white is 0
    path = tmp_path / "a.tif"
    for orientation, seen in ((6, np.rot90(indices, -1)), (None, indices)):
        path.write_bytes(tiff(stored, photometric=photometric, depth=bits, deflate=deflate, orientation=orientation))
        np.testing.assert_array_equal(read_mask(path), seen)
    if photometric == 3:
        np.testing.assert_array_equal(np.asarray(Image.open(path)), indices)
    assert capfd.readouterr().err == ""  # OpenCV would warn of a palette for other bits, once a mask


def test_a_tiff_of_few_bits_and_a_very_long_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(np.ones((1, 1 << 14), np.uint8), depth=4))
    with pytest.raises(UserError, match="not an image that can be decoded"):
        read_mask(path)


def test_a_black_and_white_tiff_holds_index_1(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(INDICES > 0).save(path)
    np.testing.assert_array_equal(read_mask(path), INDICES > 0)


def test_a_second_mask_a_photograph_and_a_mask_in_the_alpha_channel_are_faults(tmp_path: Path) -> None:
    for name in ("good", "two", "photo", "alpha"):
        write_index_png(tmp_path, f"{name}.jpg", _square(1, (100, 160)))
    cv2.imwrite(str(tmp_path / "masks" / "two.bmp"), _square(1, (100, 160)))
    grain = np.random.default_rng(0).integers(0, 40, (100, 160), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "masks" / "photo.png"), grain)
    black = np.zeros((100, 160, 4), np.uint8)
    black[..., 3] = _square(255, (100, 160))
    cv2.imwrite(str(tmp_path / "masks" / "alpha.png"), black)
    dataset = read_dataset(tmp_path)
    assert {(fault.kind, fault.image_id) for fault in dataset.faults} == {
        ("duplicate-mask", "two.jpg"),
        ("not-an-index-mask", "photo.jpg"),
        ("not-an-index-mask", "alpha.jpg"),
    }
    assert [sample.image_id for sample in dataset.samples] == ["good.jpg"]


def test_a_mask_that_is_a_jpeg_is_named_as_such(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5] = 1
    for name in ("a.png", "b.png"):
        write_index_png(tmp_path, name, mask)
    (tmp_path / "masks/b.png").rename(tmp_path / "masks/b.jpg")
    (fault,) = read_dataset(tmp_path).faults
    assert (fault.kind, fault.file.name, fault.image_id) == ("not-an-index-mask", "b.jpg", "b.png")
    assert "b.jpg is a JPEG" in fault.message
