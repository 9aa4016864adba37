"""Decoded images are kept as they are used, within their limit, and shared by loader processes."""

import multiprocessing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.training_samples import member, severstal
from numpy.typing import NDArray

from steelsight.cascade.judge import sees_grey
from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import as_grey
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import Polygons, Roi
from steelsight.training.kept_images import FORKS, ImageCache, ReadFor, SharedImages, image_readers

needs_fork = pytest.mark.skipif(not FORKS, reason="loader processes share nothing here")


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Grey, colour, 16 bit, and another grey one."""
    rng, made = np.random.default_rng(0), []
    drawn: list[NDArray[Any]] = [
        rng.integers(0, 256, (40, 60)).astype(np.uint8),
        rng.integers(0, 256, (40, 60, 3)).astype(np.uint8),
        rng.integers(0, 65536, (40, 60)).astype(np.uint16),
        rng.integers(0, 256, (20, 90)).astype(np.uint8),
    ]
    for number, image in enumerate(drawn):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        made.append(Sample(path.name, path, (image.shape[0], image.shape[1]), ()))
    return made


@needs_fork
def test_what_another_process_decoded_is_there_and_nothing_else_is(samples: list[Sample]) -> None:
    images = SharedImages(10**6, samples, ReadFor(grey=False))
    expected = [read_image(sample.path) for sample in samples]
    process = multiprocessing.get_context("fork").Process(target=lambda: [images(sample.path) for sample in samples])
    process.start()
    process.join()
    assert process.exitcode == 0
    for sample in samples:
        sample.path.unlink()
    for number in (0, 1, 3):
        kept = images(samples[number].path)
        assert kept.dtype == np.uint8
        assert np.array_equal(kept, expected[number])
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 0
    with pytest.raises(Exception, match=r"2\.png"):  # 16 bit is not kept
        images(samples[2].path)


@needs_fork
@pytest.mark.parametrize("limit", [0, 40 * 60 * 3, 40 * 60 * 6])
def test_no_more_is_kept_than_the_limit_allows(limit: int, samples: list[Sample]) -> None:
    images = SharedImages(limit, samples, ReadFor(grey=False))
    for sample in samples:
        assert np.array_equal(images(sample.path), read_image(sample.path))
    assert images._bytes.nbytes <= limit
    assert len(images._places) == limit // (40 * 60 * 3)


def test_where_zooms_are_of_the_working_size_that_is_what_is_kept(samples: list[Sample]) -> None:
    of = member("segment-b0-strategy-1", "members.*.input.colour=grey", recipe="paper")
    read = ReadFor.member(of)
    image = read(samples[0].path)
    assert image.shape == (of.preprocess.height, of.preprocess.width)
    assert np.array_equal(of.preprocess.to_input(image), of.preprocess.to_input(read_image(samples[0].path)))
    assert ReadFor.member(member("segment-lite0")).at is None


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=needs_fork)])
def test_what_lies_outside_of_the_region_of_interest_is_black(workers: int) -> None:
    at_working, whole = (
        member("segment-b0-strategy-1", "members.*.input.colour=grey", recipe="paper"),
        member("segment-lite0", "members.*.input.colour=grey"),
    )
    roi = Roi(polygons=Polygons(outside=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)))
    sample = severstal().samples[0]
    expected = read_image(sample.path, grey=True).copy()
    expected[:, : expected.shape[1] // 2] = 0
    readers = image_readers([at_working, whole], [sample], workers, 10**7, roi)
    for _ in range(2):  # read, then kept
        assert np.array_equal(readers[whole.name](sample.path), expected)
        assert np.array_equal(readers[at_working.name](sample.path), at_working.preprocess.place(expected))


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=needs_fork)])
def test_members_that_read_alike_share_what_they_keep(workers: int) -> None:
    members = [
        member("segment-lite0", "members.*.input.colour=grey"),
        member("classify-lite0", "members.*.input.colour=grey"),
        member("segment-b0-strategy-1", recipe="paper"),
    ]
    readers = image_readers(members, severstal().samples, workers, 10**6)
    first, second, third = (readers[of.name] for of in members)
    assert first is second
    assert first is not third
    assert isinstance(first, SharedImages if workers else ImageCache)


@pytest.mark.parametrize("recipe", ["lite", "paper"])  # seen at the image's size, and at the working size
def test_beside_a_member_that_sees_colour_a_grey_one_sees_what_its_inspector_will(tmp_path: Path, recipe: str) -> None:
    segmenter = {"lite": "segment-lite0", "paper": "segment-b0-strategy-1"}[recipe]
    grey = member(segmenter, "members.*.input.colour=grey", recipe=recipe)
    coloured = member("classify-lite0", "members.*.input.colour=rgb")
    rng, path = np.random.default_rng(0), tmp_path / "0.jpg"
    cv2.imwrite(str(path), rng.integers(0, 256, (256, 384, 3)).astype(np.uint8))
    sample = Sample("0.jpg", path, (256, 384), ())
    assert not np.array_equal(as_grey(read_image(path)), read_image(path, grey=True))
    for members in ([grey], [grey, coloured]):
        engine = Engine(tuple(BrightImage(one.preprocess) for one in members[1:]), (BrightPixels(grey.preprocess),))
        deployed = grey.preprocess.to_input(read_image(path, grey=sees_grey(engine)))
        read = image_readers(members, [sample], 0, 10**7, grey=all(one.preprocess.colour == "grey" for one in members))
        assert np.array_equal(grey.preprocess.to_input(read[grey.name](path)), deployed)
