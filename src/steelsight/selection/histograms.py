"""Per-image histograms of the combined probability over truth and background: all that the search of the rule needs."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.combine import CutAt, combine_maps
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.recipe import Member
from steelsight.run.cache import cached, key
from steelsight.run.predictions import OutOfFoldPredictions

_MOST_PIXELS = 1 << 24
"""OpenCV gives counts as float32, which is exact up to here."""


def histogram(map_: NDArray[np.uint8], runs: Sequence[Runs], ignored: Runs | None = None) -> NDArray[np.uint32]:
    """Count the pixels of each value over background and over truth, none of what is ignored.

    Args:
        map_: uint8 (K, H, W), probability times 255.
        runs: the true mask of each class.
        ignored: apart from the masks; None where nothing is.

    Returns:
        uint32 (K, 2, 256): [:, 0] background, [:, 1] truth.
    """
    counts = np.zeros((len(runs), 2, 256), np.uint32)
    counted = None if ignored is None or not ignored.area else ~decode_runs(ignored, (map_.shape[1], map_.shape[2]))
    for plane, truth, count in zip(map_, runs, counts, strict=True):
        count[0] = _bins(plane, counted)
        if truth.area:
            count[1] = _bins(plane, decode_runs(truth, (plane.shape[0], plane.shape[1])))
            count[0] -= count[1]
    return counts


def image_histograms(
    evidence: OutOfFoldPredictions,
    segmenters: Mapping[int, Sequence[Member]],
    progress: Callable[[int, int], None] | None = None,
    at: CutAt = "image",
) -> NDArray[np.uint32]:
    """Histograms of every image of a run, at the image's own size, from the maps of members that did not see it.

    Kept under RUN/evidence/histograms, one file per fold and choice of members.

    Args:
        evidence: of the run.
        segmenters: fold -> the members whose maps are combined.
        progress: called with (images done, images).
        at: where masks are cut out of the maps.

    Returns:
        uint32 (N, K, 2, 256), in the order of the record.
    """
    record = evidence.record
    total = np.zeros((len(record.samples), len(record.classes), 2, 256), np.uint32)
    done = 0
    for fold, members in segmenters.items():
        indices = evidence.indices(fold)
        known = key(evidence, members, fold)
        path = evidence.run.histograms_file(fold, known if at == "image" else f"{known}-{at}")

        def make(
            indices: NDArray[np.int64] = indices, members: Sequence[Member] = members, before: int = done
        ) -> NDArray[np.uint32]:
            tick = None if progress is None else lambda count: progress(before + count, len(total))
            return _of_images(evidence, members, indices, at, tick)

        total[indices] = cached(path, (len(indices), *total.shape[1:]), np.uint32, make)
        done += len(indices)
        if progress:
            progress(done, len(total))
    return total


def _of_images(
    evidence: OutOfFoldPredictions,
    members: Sequence[Member],
    indices: NDArray[np.int64],
    at: CutAt,
    tick: Callable[[int], None] | None,
) -> NDArray[np.uint32]:
    record = evidence.record
    counts = np.empty((len(indices), len(record.classes), 2, 256), np.uint32)
    preprocesses = [member.preprocess for member in members]
    for place, index in enumerate(indices.tolist()):
        sample = record.samples[index]
        maps = [evidence.map(member, index) for member in members]
        combined = combine_maps(maps, preprocesses, sample.size, evidence.combine, at)
        counts[place] = histogram(combined, sample.runs, sample.ignored)
        if tick:
            tick(place + 1)
    return counts


def _bins(plane: NDArray[np.uint8], mask: NDArray[np.bool_] | None) -> NDArray[np.uint32]:
    rows = max(1, _MOST_PIXELS // plane.shape[1])
    total = np.zeros(256, np.uint32)
    for top in range(0, plane.shape[0], rows):
        part = np.ascontiguousarray(plane[top : top + rows])
        inside = None if mask is None else np.ascontiguousarray(mask[top : top + rows]).view(np.uint8)
        total += cv2.calcHist([part], [0], inside, [256], [0, 256]).ravel().astype(np.uint32)
    return total
