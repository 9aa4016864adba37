"""A picture that states an orientation is read as a hand has turned it: in every format, at every door, with its masks."""

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.parity import assert_alike
from helpers.pictures import encoded, steel, stored_for, tiff, turned_jpeg, turned_png
from helpers.tiny_inspector import RULE, make_inspector
from helpers.training_samples import member
from PIL import Image as Pillow
from PIL import ImageOps

from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.orientation import stated_orientation
from steelsight.imaging.pixels import as_pixels
from steelsight.imaging.read import decode_image, image_size, read_image
from steelsight.inspector.inspector import Inspector
from steelsight.training.loading import TrainingImages

ORIENTATIONS = range(1, 9)
SEEN = steel(1, (64, 96))


def turned_tiff(pixels: Any, orientation: int) -> bytes:
    return tiff(pixels, orientation=orientation, deflate=True)  # plain ones of a quarter turn Pillow garbles


WRITERS = {".jpg": turned_jpeg, ".png": turned_png, ".tif": turned_tiff}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_is_read_as_a_hand_has_turned_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(WRITERS[suffix](stored_for(SEEN, orientation), orientation))
    read = read_image(path)
    assert stated_orientation(path.read_bytes()) == orientation
    assert image_size(path) == read.shape == SEEN.shape
    opened = Pillow.open(path)
    np.testing.assert_array_equal(read, as_pixels(Pillow.open(path)))
    opened.load()  # here Pillow turns a TIFF
    by_pillow = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read, by_pillow)
    np.testing.assert_array_equal(read_image(path, grey=True), by_pillow)
    if suffix == ".jpg":
        stored = cv2.imdecode(np.frombuffer(encoded(".jpg", stored_for(SEEN, orientation)), np.uint8), 0)
        np.testing.assert_array_equal(stored_for(read, orientation), stored)
    else:
        np.testing.assert_array_equal(read, SEEN)


@pytest.mark.parametrize("pixels", [np.dstack([SEEN, SEEN + 1, SEEN + 2]), SEEN.astype(np.uint16) * 200])
def test_colour_and_16_bit_turn_alike(pixels: Any) -> None:
    content = turned_png(stored_for(pixels, 6), 6)
    expected = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    np.testing.assert_array_equal(decode_image(content, Path("a.png")), expected)


def test_an_orientation_that_is_none_and_a_broken_one_turn_nothing() -> None:
    for content in (turned_jpeg(SEEN, 0), turned_jpeg(SEEN, 9), turned_png(SEEN, 77), tiff(SEEN, orientation=0)):
        assert stated_orientation(content) == 1
        assert decode_image(content, Path("a")).shape == SEEN.shape
    cut = turned_jpeg(SEEN, 6).replace(b"\x12\x01\x03\0", b"\x12\x01\x02\0")  # an orientation in letters
    assert stated_orientation(cut) == 1


def test_an_exif_that_breaks_off_elsewhere_still_turns() -> None:
    entries = b"\x02\0\x0f\x01\x07\0\x64\0\0\0\xff\xff\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    exif = b"Exif\0\0II*\0\x08\0\0\0" + entries  # a maker's note beyond the end, and no link to a next page
    plain = encoded(".jpg", SEEN)
    content = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
    assert stated_orientation(content) == 6


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eight images with labelme's JSON, drawn on what is seen: stored in the eight ways, and turned by hand."""
    turned, by_hand = tmp_path_factory.mktemp("turned"), tmp_path_factory.mktemp("by_hand")
    for number in ORIENTATIONS:
        seen = steel(number, (64, 96))
        seen[8:20, 10:40] = 230
        points = [[10, 8], [40, 8], [40, 20], [10, 20]]
        said = {"shapes": [{"label": "scratch", "points": points, "shape_type": "polygon"}]}
        for folder, content in (
            (turned, turned_png(stored_for(seen, number), number)),
            (by_hand, encoded(".png", seen)),
        ):
            (folder / f"{number}.png").write_bytes(content)
            labels = said | {"imagePath": f"{number}.png", "imageHeight": 64, "imageWidth": 96}
            (folder / f"{number}.json").write_text(json.dumps(labels))
    return turned, by_hand


@pytest.fixture(scope="module")
def datasets(folders: tuple[Path, Path]) -> tuple[Dataset, Dataset]:
    turned, by_hand = (read_dataset(folder) for folder in folders)
    return turned, by_hand


def test_masks_lie_on_the_turned_picture_and_the_check_says_so(datasets: tuple[Dataset, Dataset]) -> None:
    turned, by_hand = datasets
    assert not turned.faults
    assert not by_hand.faults
    assert [(one.kind, one.images) for one in turned.remarks] == [("exif-orientation", 7)]
    for one, other in zip(turned.samples, by_hand.samples, strict=True):
        assert (one.size, one.runs[0].area) == (other.size, other.runs[0].area) == ((64, 96), 360)
        np.testing.assert_array_equal(one.mask(), other.mask())
        assert read_image(one.path)[one.mask()[0]].min() == 230


@pytest.mark.parametrize("name", ["segment-lite0", "classify-lite0"])
def test_networks_learn_from_the_same_pixels_and_masks(datasets: tuple[Dataset, Dataset], name: str) -> None:
    small = member(name, "members.*.input={height: 64, width: 96, colour: grey}")
    learned = [TrainingImages(small, dataset.samples, 0, "job") for dataset in datasets]
    for item in [(place, 0, place) for place in range(8)]:
        raw, same = (images[item] for images in learned)
        assert raw.keys() == same.keys()
        for part, value in raw.items():
            np.testing.assert_array_equal(value, same[part])


def test_twins_are_seen_in_turned_pictures(datasets: tuple[Dataset, Dataset]) -> None:
    turned, by_hand = datasets
    groups = find_twins([sample.path for dataset in (turned, by_hand) for sample in dataset.samples])
    assert groups[:8].tolist() == groups[8:].tolist()


def test_an_inspector_says_the_same_of_files_streams_and_pillow_images(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    inspector = Inspector.open(make_inspector(tmp_path / "inspector"))
    turned, by_hand = (sorted(folder.glob("*.png")) for folder in folders)
    engine = inspector.engine("latency")
    for one, other, file in zip(inspector.stream(turned), inspector.stream(by_hand), turned, strict=True):
        opened = Pillow.open(io.BytesIO(file.read_bytes()))
        for said in (one, inspector(file), inspector(opened), inspector(ImageOps.exif_transpose(opened))):
            assert said.image is not None
            np.testing.assert_array_equal(said.image, other.image)
            assert_alike(other, said, engine, RULE)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_label_for_the_size_before_turning_is_refused_with_the_reason(tmp_path: Path, orientation: int) -> None:
    points = [[10, 8], [40, 8], [40, 20], [10, 20]]
    shapes = [{"label": "scratch", "points": points, "shape_type": "polygon"}]
    for name, (height, width) in {"stored": (96, 64), "other": (40, 50), "seen": (64, 96)}.items():
        (tmp_path / f"{name}.png").write_bytes(turned_png(stored_for(SEEN, orientation), orientation))
        said = {"shapes": shapes, "imagePath": f"{name}.png", "imageHeight": height, "imageWidth": width}
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    dataset = read_dataset(tmp_path)
    assert {fault.image_id: fault.kind for fault in dataset.faults} == {
        "stored.png": "exif-orientation",
        "other.png": "wrong-size",
    }
    told = next(fault.message for fault in dataset.faults if fault.kind == "exif-orientation")
    assert f"made for 64 x 96 (width x height), as the image is stored; EXIF orientation {orientation}" in told
    assert [sample.image_id for sample in dataset.samples] == ["seen.png"]
