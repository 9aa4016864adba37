"""What is written in any layout is read back; every image is opened, and each fault leaves out its own image."""

import os
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.layout_writers import (
    coco_counts,
    write_class_image,
    write_coco,
    write_index_png,
    write_picture,
    write_severstal,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import list_images

Bools = NDArray[np.bool_]
CLASSES = ("1", "2", "3")

_sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def _images(draw: st.DrawFn) -> dict[str, tuple[tuple[int, int], dict[str, Bools]]]:
    """One to four images with any masks, at least one of them with a pixel."""
    images: dict[str, tuple[tuple[int, int], dict[str, Bools]]] = {}
    for number in range(draw(st.integers(1, 4))):
        size = draw(_sizes)
        shown = draw(st.lists(st.sampled_from(CLASSES), unique=True, min_size=0 if images else 1))
        masks = {name: draw(arrays(bool, size)) for name in shown}
        if not images:
            masks[shown[0]][0, 0] = True
        images[f"strip_{number}.png"] = (size, masks)
    return images


def _check(dataset: Dataset, expected: dict[str, tuple[tuple[int, int], dict[str, Bools]]]) -> None:
    assert dataset.faults == ()
    assert [sample.image_id for sample in dataset.samples] == list(expected)
    for sample in dataset.samples:
        size, masks = expected[sample.image_id]
        assert sample.size == size
        for name, mask in zip(dataset.classes, sample.mask(), strict=True):
            np.testing.assert_array_equal(mask, masks.get(name, np.zeros(size, bool)))


@settings(max_examples=25, deadline=None)
@given(_images(), st.booleans())
def test_severstal_rows_are_read_back(images: Any, wide: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _check(read_dataset(write_severstal(Path(folder), images, CLASSES, wide=wide)), images)


@settings(max_examples=25, deadline=None)
@given(_images())
def test_coco_run_lengths_are_read_back(images: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        listed = [{"id": number, "file_name": name} for number, name in enumerate(images)]
        marks: list[Any] = []
        for number, (name, (size, masks)) in enumerate(images.items()):
            write_picture(root / "images" / name, size)
            for class_id, mask in masks.items():
                if mask.any():
                    mark = {"id": len(marks), "image_id": number, "category_id": int(class_id)}
                    marks.append(mark | {"segmentation": coco_counts(mask)})
        _check(read_dataset(write_coco(root, listed, marks, {int(name): name for name in CLASSES})), images)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(_sizes.flatmap(lambda size: arrays(np.uint8, size, elements=st.integers(0, 4))), min_size=1, max_size=4)
)
def test_index_masks_are_read_back(masks: list[NDArray[np.uint8]]) -> None:
    masks[0][0, 0] = 2
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for number, indices in enumerate(masks):
            write_index_png(Path(folder), f"{number}.jpg", indices)
            shown = {str(value): indices == value for value in range(1, 5)}
            expected[f"{number}.jpg"] = ((indices.shape[0], indices.shape[1]), shown)
        dataset = read_dataset(Path(folder))
        _check(dataset, expected)
        assert dataset.classes == tuple(str(v) for v in range(1, 5) if any((mask == v).any() for mask in masks))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABC"), _sizes.flatmap(lambda size: arrays(np.uint8, size))), min_size=1))
def test_class_folders_are_read_back(masks: list[tuple[str, NDArray[np.uint8]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for number, (name, grey) in enumerate(masks):
            grey[-1, -1] = 128
            write_class_image(Path(folder) / name, f"{number:02}.jpg", grey)
            expected[f"{name}/{number:02}.jpg"] = ((grey.shape[0], grey.shape[1]), {name: grey > 127})
        _check(read_dataset(Path(folder)), dict(sorted(expected.items())))


def _strips(root: Path) -> dict[str, Path]:
    """Six strips with a truth for the first."""
    images = {}
    for original in list_images(SAMPLE / "train_images")[:6]:
        path = root / "train_images" / original.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(original.read_bytes())
        images[original.name] = path
    (root / "train.csv").write_text(f"ImageId,ClassId,EncodedPixels\n{next(iter(images))},1,1 5\n")
    return images


def test_images_that_cannot_be_used_are_faults_of_their_own(tmp_path: Path) -> None:
    images = list(_strips(tmp_path).values())
    images[1].write_bytes(images[1].read_bytes()[:40_000])
    images[2].write_text("ImageId,ClassId\n")
    assert cv2.imwrite(str(images[3]), np.zeros((256, 1600), np.uint8))
    images[0].unlink()
    dataset = read_dataset(tmp_path)
    assert [(fault.kind, fault.file, fault.line, fault.image_id) for fault in dataset.faults] == [
        ("missing-image", tmp_path / "train.csv", 2, images[0].name),
        ("unreadable-image", images[1], None, images[1].name),
        ("unreadable-image", images[2], None, images[2].name),
        ("all-black", images[3], None, images[3].name),
    ]
    assert [sample.image_id for sample in dataset.samples] == [path.name for path in images[4:]]


def test_a_file_name_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    """As unpacked from an archive of another age; nothing could write such a name down."""
    mask = np.ones((4, 6), np.bool_)
    write_severstal(tmp_path, {"a.jpg": ((4, 6), {"1": mask})}, ["1"])
    strange = tmp_path / "train_images" / os.fsdecode(b"gr\xf6sse.jpg")
    try:
        write_picture(tmp_path / "train_images" / "b.jpg", (4, 6)).rename(strange)
    except OSError:
        pytest.skip("the file system takes UTF-8 alone")
    dataset = read_dataset(tmp_path)
    (fault,) = dataset.faults
    assert (fault.kind, fault.file) == ("bad-image-name", tmp_path / "train_images")
    assert r"gr\udcf6sse.jpg" in fault.message
    assert [sample.image_id for sample in dataset.samples] == ["a.jpg"]


def test_without_decoding_only_the_sizes_are_read(tmp_path: Path) -> None:
    images = list(_strips(tmp_path).values())
    images[1].write_bytes(images[1].read_bytes()[:40_000])
    assert len(read_dataset(tmp_path).samples) == 5
    dataset = read_dataset(tmp_path, decode=False)
    assert [sample.size for sample in dataset.samples] == [(256, 1600)] * 6


@pytest.mark.parametrize("workers", [1, 4])
def test_progress_counts_every_image_and_threads_change_nothing(tmp_path: Path, workers: int) -> None:
    _strips(tmp_path)
    seen: list[tuple[int, int]] = []
    dataset = read_dataset(tmp_path, progress=lambda done, total: seen.append((done, total)), workers=workers)
    assert seen == [(number, 6) for number in range(1, 7)]
    assert [sample.image_id for sample in dataset.samples] == sorted(sample.image_id for sample in dataset.samples)


def test_an_interrupt_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    _strips(tmp_path)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_dataset(tmp_path, progress=stop)


def test_colour_16_bit_and_uneven_sizes_stand_side_by_side(tmp_path: Path) -> None:
    images = {name: (size, {}) for name, size in {"a.png": (5, 7), "b.tif": (31, 8), "c.bmp": (2, 90)}.items()}
    images["a.png"] = ((5, 7), {"1": np.eye(5, 7, dtype=bool)})
    write_severstal(tmp_path, images, ("1",))
    folder = tmp_path / "train_images"
    assert cv2.imwrite(str(folder / "a.png"), np.full((5, 7, 3), (9, 60, 200), np.uint8))
    assert cv2.imwrite(str(folder / "b.tif"), np.full((31, 8), 900, np.uint16))
    _check(read_dataset(tmp_path), images)


def test_in_a_notebook_it_is_a_line(tmp_path: Path) -> None:
    strips = read_dataset(SAMPLE)
    assert repr(strips).startswith(f"<Dataset {str(SAMPLE)!r}, layout severstal, classes ('1', '2', '3', '4'): ")
    assert len(repr(strips)) < 400
