"""Images that were trained on are known again by their pixels and likeness, and others are not."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.read import list_images
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.training_images import PRINTS, SEEN, are_fresh, read_prints, write_seen


def samples(paths: Any) -> list[Sample]:
    return [Sample(path.name, path, (256, 1600), ()) for path in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_seen(tmp_path, samples(list_images(SAMPLE / "train_images")[:12]))
    write_checksums(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "suffix", "said"),
    [
        (lambda image: image, ".png", "these very pixels"),
        (lambda image: image, ".jpg", "by its likeness"),
        (lambda image: (image * 0.8).astype(np.uint8), ".png", "by its likeness"),
        (lambda image: image[:, ::-1], ".png", "by its likeness"),
    ],
)
def test_a_training_image_saved_anew_is_refused(
    folder: Path, tmp_path: Path, change: Any, suffix: str, said: str
) -> None:
    image = cv2.imread(str(list_images(SAMPLE / "train_images")[3]), cv2.IMREAD_GRAYSCALE)
    path = tmp_path / f"again{suffix}"
    assert cv2.imwrite(str(path), change(image))
    with pytest.raises(UserError, match=said):
        are_fresh(folder, samples([path]))


def test_other_images_are_fresh(folder: Path) -> None:
    assert are_fresh(folder, samples(list_images(SAMPLE / "test_images"))).all()


def test_a_few_that_are_alike_are_left_out_and_many_are_refused(folder: Path, tmp_path: Path) -> None:
    other = list_images(SAMPLE / "test_images")
    image = cv2.imread(str(list_images(SAMPLE / "train_images")[3]), cv2.IMREAD_GRAYSCALE)
    alike = [tmp_path / f"alike{number}.png" for number in range(2)]
    for path, turned in zip(alike, (image[:, ::-1], image[::-1]), strict=True):
        assert cv2.imwrite(str(path), turned)
    many = (other * (40 // len(other) + 1))[:38]
    assert are_fresh(folder, samples([*many, *alike])).tolist() == [True] * 38 + [False] * 2
    with pytest.raises(UserError, match="2 of the given images are such"):
        are_fresh(folder, samples([*many[:37], *alike]))


def test_the_fingerprints_are_small_and_an_inspector_without_them_is_read(folder: Path) -> None:
    assert (folder / PRINTS).stat().st_size < 12 * 1000
    (folder / PRINTS).unlink()
    assert read_prints(folder) is None
    with pytest.raises(UserError, match="this file"):
        are_fresh(folder, samples(list_images(SAMPLE / "train_images")[:1]))
    assert (folder / SEEN).is_file()


def test_foreign_fingerprints_are_refused(folder: Path) -> None:
    (folder / PRINTS).write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UserError, match="fingerprints"):
        read_prints(folder)
    np.savez(folder / PRINTS, digests=np.zeros(3), spectra=np.zeros(3), scale=1.0)
    with pytest.raises(UserError, match="fingerprints"):
        read_prints(folder)


@pytest.mark.parametrize("change", [(b"", b""), (b"\x08\x00", b"\x09\x00"), (b"\x14\x00\x00\x00", b"\x14\x00\x01\x00")])
@pytest.mark.parametrize(
    "array", [b"no array", "(2,", "{'descr': '<f2', 'fortran_order': False, 'shape': (10000000000000, 13, 25)}"]
)
def test_no_archive_of_strangers_fails_in_other_words(tmp_path: Path, array: Any, change: Any) -> None:
    """A compression that is not known, a password, a header that is no Python, more than a memory holds."""
    if isinstance(array, str):
        array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(array) + 1) + array.encode() + b"\n"
    with zipfile.ZipFile(tmp_path / PRINTS, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("digests.npy", array)
    (tmp_path / PRINTS).write_bytes((tmp_path / PRINTS).read_bytes().replace(*change))
    write_checksums(tmp_path)
    with pytest.raises(UserError, match="not the fingerprints that `steelsight export` wrote"):
        read_prints(tmp_path)
