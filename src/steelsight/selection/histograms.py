"""Per-image histograms of the combined probability over truth and background: all that the search of the rule needs."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.core.cores import on_all_cores
from steelsight.imaging.combine import CutAt, combine_maps
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.recipe import Member
from steelsight.run.cache import cached, key
from steelsight.run.predictions import OutOfFoldPredictions

_MOST_PIXELS = 1 << 24
"""OpenCV gives counts as float32, which is exact up to here."""
_MEMORY = 256 * 2**20
"""Bytes of histograms that one pass over the images makes at most, or those of one choice."""


def histogram(map_: NDArray[np.uint8], runs: Sequence[Runs], ignored: Runs | None = None) -> NDArray[np.uint32]:
    """Count the pixels of each value over background and over truth, none of what is ignored.

    Args:
        map_: uint8 (K, H, W), probability times 255.
        runs: the true mask of each class.
        ignored: apart from the masks; None where nothing is.

    Returns:
        uint32 (K, 2, 256): [:, 0] background, [:, 1] truth.
    """
    size = (map_.shape[1], map_.shape[2])
    return count_values(map_, masks_of(runs, size), counted_of(ignored, size))


def masks_of(runs: Sequence[Runs], size: tuple[int, int]) -> list[NDArray[np.bool_] | None]:
    """The mask of each class as bool (H, W), None where it is empty."""
    return [decode_runs(truth, size) if truth.area else None for truth in runs]


def counted_of(ignored: Runs | None, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """What is not ignored as bool (H, W), None where all of it is not."""
    return None if ignored is None or not ignored.area else ~decode_runs(ignored, size)


def count_values(
    map_: NDArray[np.uint8], truth: Sequence[NDArray[np.bool_] | None], counted: NDArray[np.bool_] | None
) -> NDArray[np.uint32]:
    """`histogram`, given the masks."""
    counts = np.zeros((len(truth), 2, 256), np.uint32)
    for plane, mask, count in zip(map_, truth, counts, strict=True):
        count[0] = _bins(plane, counted)
        if mask is not None:
            count[1] = _bins(plane, mask)
            count[0] -= count[1]
    return counts


@dataclass(frozen=True)
class Choice:
    """Segmenters whose maps are combined, and where masks are cut out of them."""

    members: tuple[Member, ...]
    at: CutAt = "image"


Progress = Callable[[int, int], None]
"""Called with (images done, of)."""


def image_histograms(
    evidence: OutOfFoldPredictions,
    segmenters: Mapping[int, Sequence[Member]],
    progress: Progress | None = None,
    at: CutAt = "image",
) -> NDArray[np.uint32]:
    """Histograms of every image of a run, at the image's own size, from the maps of members that did not see it.

    Kept under RUN/evidence/histograms, one file per fold and choice of members.

    Args:
        evidence: of the run.
        segmenters: fold -> the members whose maps are combined.
        at: where masks are cut out of the maps.

    Returns:
        uint32 (N, K, 2, 256), in the order of the record.
    """
    record = evidence.record
    total = np.zeros((len(record.samples), len(record.classes), 2, 256), np.uint32)
    done = 0
    for fold, members in segmenters.items():
        indices, choice = evidence.indices(fold), Choice(tuple(members), at)

        def make(fold: int = fold, choice: Choice = choice, before: int = done) -> NDArray[np.uint32]:
            ticks = itertools.count(before + 1)
            tick = None if progress is None else lambda _: progress(next(ticks), len(total))
            return histograms_of(evidence, [choice], evidence.indices(fold), tick)[0]

        total[indices] = cached(_file(evidence, fold, choice), (len(indices), *total.shape[1:]), np.uint32, make)
        done += len(indices)
        if progress:
            progress(done, len(total))
    return total


@dataclass(frozen=True)
class Pass:
    """Histograms that are made in one go over a fold's images: each member's map is read once for all choices."""

    fold: int
    choices: tuple[Choice, ...]


MakeHistograms = Callable[
    [OutOfFoldPredictions, Sequence[Pass], Callable[[int], None]], Iterator[Sequence[NDArray[np.uint32]]]
]
"""Makes passes: yields for each, in their order, the histograms of its fold's images by each choice, uint32 (n, K, 2, 256);
is given what to call with the number of images that are done since."""


def prepare_histograms(
    evidence: OutOfFoldPredictions,
    choices: Mapping[int, Iterable[Choice]],
    progress: Progress | None = None,
    make: MakeHistograms | None = None,
) -> None:
    """Make and store what `image_histograms` will be asked for and is not there yet.

    Args:
        choices: by fold.
        make: where they are made; on this machine if left out.
    """
    missing = {
        fold: [choice for choice in dict.fromkeys(of) if not _file(evidence, fold, choice).is_file()]
        for fold, of in choices.items()
    }
    passes = [Pass(fold, part) for fold, of in missing.items() for part in _parts(evidence, fold, of)]
    images, done = sum(len(evidence.indices(one.fold)) for one in passes), 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, images)

    for one, made in zip(passes, (make or _made_here)(evidence, passes, tick) if passes else (), strict=True):
        for choice, counts in zip(one.choices, made, strict=True):
            cached(_file(evidence, one.fold, choice), counts.shape, np.uint32, partial(_same, counts))


def _made_here(
    evidence: OutOfFoldPredictions, passes: Sequence[Pass], tick: Callable[[int], None]
) -> Iterator[Sequence[NDArray[np.uint32]]]:
    for one in passes:
        yield histograms_of(evidence, one.choices, evidence.indices(one.fold), tick)


def _same(counts: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return counts


def _parts(evidence: OutOfFoldPredictions, fold: int, choices: Sequence[Choice]) -> list[tuple[Choice, ...]]:
    """Choices that are made in one pass over the images, as many as memory is meant for."""
    each = 4 * 2 * 256 * len(evidence.record.classes) * max(1, len(evidence.indices(fold)))
    size = max(1, _MEMORY // each)
    return [tuple(choices[start : start + size]) for start in range(0, len(choices), size)]


def _file(evidence: OutOfFoldPredictions, fold: int, choice: Choice) -> Path:
    known = key(evidence, choice.members, fold)
    return evidence.run.histograms_file(fold, known if choice.at == "image" else f"{known}-{choice.at}")


def histograms_of(
    evidence: OutOfFoldPredictions,
    choices: Sequence[Choice],
    indices: NDArray[np.int64],
    tick: Callable[[int], None] | None = None,
    threads: int | None = None,
) -> list[NDArray[np.uint32]]:
    """Histograms of some images by each choice.

    Args:
        indices: of the images in the record.
        tick: called with 1 for each image that is done.
        threads: as many as there are cores if left out.
    """
    record = evidence.record
    counts = [np.empty((len(indices), len(record.classes), 2, 256), np.uint32) for _ in choices]
    members = {member.name: member for choice in choices for member in choice.members}
    for member in members.values():
        if len(indices):
            evidence.map(member, int(indices[0]))  # opened and compared here, before several threads read it

    def of_image(index: int) -> list[NDArray[np.uint32]]:
        sample = record.samples[index]
        maps = {name: evidence.map(member, index) for name, member in members.items()}
        truth, counted = masks_of(sample.runs, sample.size), counted_of(sample.ignored, sample.size)
        return [count_values(_combined(evidence, choice, maps, sample.size), truth, counted) for choice in choices]

    former = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the cores have images of their own
    try:
        for place, made in enumerate(on_all_cores(of_image, indices.tolist(), threads)):
            for total, count in zip(counts, made, strict=True):
                total[place] = count
            if tick:
                tick(1)
    finally:
        cv2.setNumThreads(former)
    return counts


def _combined(
    evidence: OutOfFoldPredictions, choice: Choice, maps: Mapping[str, NDArray[np.uint8]], size: tuple[int, int]
) -> NDArray[np.uint8]:
    return combine_maps(
        [maps[member.name] for member in choice.members],
        [member.preprocess for member in choice.members],
        size,
        evidence.combine,
        choice.at,
    )


def _bins(plane: NDArray[np.uint8], mask: NDArray[np.bool_] | None) -> NDArray[np.uint32]:
    rows = max(1, _MOST_PIXELS // plane.shape[1])
    total = np.zeros(256, np.uint32)
    for top in range(0, plane.shape[0], rows):
        part = np.ascontiguousarray(plane[top : top + rows])
        inside = None if mask is None else np.ascontiguousarray(mask[top : top + rows]).view(np.uint8)
        total += cv2.calcHist([part], [0], inside, [256], [0, 256]).ravel().astype(np.uint32)
    return total
