"""Twins: images of one surface, found from their pixels alone.

Two images are twins when they show the same surface at another exposure, in a slightly other crop, rotated by quarter
turns or mirrored, or are the same file again. Every image is read once and reduced to its local contrast, which exposure
and vignette leave alone. Candidates are the pairs with the most similar amplitude spectrum, which a shift leaves alone;
a candidate is then aligned by phase correlation and judged by its grain (`alignment.py`): steel without a defect looks
alike from afar, but no two pieces have the same grain.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.alignment import VIEWS, Alignment, align, seen
from steelsight.dataset.disjoint_groups import DisjointGroups
from steelsight.imaging.read import image_size, read_image

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]

_DETAIL_AREA = 24_000
_DETAIL_STEP = 40.0  # int8 steps per unit of local contrast, which is clipped to +-3
_GRAIN_SIGMA = 3.0
_QUIET_SHARE = 0.35
_FREQUENCIES = 12
_FREQUENCY_STEP = 1 / 110
_CANDIDATES = 10
_LEAST_LIKENESS = 0.4
_NEAREST = 2  # of an image are judged even where they are less like it: the strip's edge changes a spectrum
_LEAST_OF_NEAREST = 0.2
_BATCH = 512


@dataclass(frozen=True, eq=False)
class _Look:
    """What is kept of an image.

    Attributes:
        detail: int8 (h, w), local contrast of the image at `scale`; at most about `_DETAIL_AREA` pixels.
        scale: pixels of `detail` per pixel of the image, along each axis.
        digest: of the pixels; equal for the same file again.
    """

    detail: NDArray[np.int8]
    scale: float
    digest: bytes


def find_twins(
    paths: Sequence[Path], *, progress: Progress | None = None, workers: int | None = None
) -> NDArray[np.int64]:
    """Give every image the number of its group of twins; the result does not depend on `workers`.

    Args:
        paths: image files; their names play no part.
        progress: called with (images read, all images).
        workers: threads; by default one per processor.

    Returns:
        int64 (len(paths),): groups count from 0 in the order of their first image; an image without twin has its own.

    Raises:
        ImageError: an image cannot be read.
    """
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        looks = list(_counted(pool.map(_look, paths), len(paths), progress))
        groups = DisjointGroups(len(looks))
        first: dict[bytes, int] = {}
        for index, look in enumerate(looks):
            groups.join(first.setdefault(look.digest, index), index)
        distinct = sorted(first.values())
        pairs = _candidates(_spectra([looks[index] for index in distinct], pool))
        _join_twins(groups, looks, ((distinct[a], distinct[b], view) for a, b, view in pairs), pool)
    return groups.numbers()


@dataclass(frozen=True, eq=False)
class Prints:
    """What is kept of images so that they are known again, without their grain: it takes a few hundred bytes of each.

    Attributes:
        digests: uint8 (n, 16), of the pixels: the same for a file that was saved anew without loss.
        spectra: float16 (n, 13, 25), the upper half of each image's amplitude spectrum, of length 1 with the lower: nearly
            the same at another exposure or quality, and in a slightly other crop; `seen` turns and mirrors it.
        scale: of `_spectrum`; prints are compared at one scale alone.
    """

    digests: NDArray[np.uint8]
    spectra: NDArray[np.float16]
    scale: float


def take_prints(paths: Sequence[Path], *, scale: float | None = None, workers: int | None = None) -> Prints:
    """Read images and keep their prints, in the order given.

    Args:
        scale: that of the prints that they will be compared with; by default the images' own.

    Raises:
        ImageError: an image cannot be read.
    """
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        if scale is None:
            scale = float(np.median(list(pool.map(lambda path: _scale_of(image_size(path)), paths))))
        made = list(pool.map(lambda path: _print(path, scale), paths))
    return Prints(np.array([one[0] for one in made]), np.array([one[1] for one in made]), scale)


def _print(path: Path, scale: float) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    look = _look(path)
    return np.frombuffer(look.digest, np.uint8), _spectrum(look, scale)[_FREQUENCIES:].astype(np.float16)


def likeness(new: Prints, known: Prints) -> NDArray[np.float32]:
    """Float32 (n,): how much the spectrum of each new image is like that of its nearest known one, in any view, -1 to 1."""
    whole = _whole(known.spectra).reshape(len(known.spectra), -1)
    nearest = [(_whole(one[None])[0], whole) for one in new.spectra]
    return np.array(
        [
            max(float((rest @ np.ascontiguousarray(seen(one, view)).ravel()).max()) for view in range(VIEWS))
            for one, rest in nearest
        ],
        np.float32,
    )


def _whole(upper: NDArray[np.float16]) -> Floats:
    """A spectrum from its upper half: it is symmetric about its centre."""
    half = upper.astype(np.float32)
    return np.concatenate([half[:, :0:-1, ::-1], half], axis=1)


def _counted(looks: Iterable[_Look], total: int, progress: Progress | None) -> Iterator[_Look]:
    for done, look in enumerate(looks, 1):
        yield look
        if progress is not None:
            progress(done, total)


def _look(path: Path) -> _Look:
    image = read_image(path)
    digest = hashlib.blake2b(image.tobytes() + repr(image.shape).encode(), digest_size=16).digest()
    grey = image.astype(np.float32) if image.ndim == 2 else image.mean(axis=2, dtype=np.float32)
    scale = _scale_of((grey.shape[0], grey.shape[1]))
    return _Look(np.rint(_local_contrast(_shrunk(grey, scale)) * _DETAIL_STEP).astype(np.int8), scale, digest)


def _shrunk(plane: Floats, scale: float) -> Floats:
    """A plane at a scale of at most 1; never without a pixel, as a small image would be at the scale of a very large one."""
    if scale == 1:
        return plane
    height, width = (round(side * scale) for side in plane.shape)
    if height and width:
        return np.asarray(cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(cv2.resize(plane, (max(1, width), max(1, height)), interpolation=cv2.INTER_AREA), np.float32)


def _scale_of(size: tuple[int, int]) -> float:
    return min(1.0, sqrt(_DETAIL_AREA / (size[0] * size[1])))


def _local_contrast(grey: Floats) -> Floats:
    """Difference from the neighbourhood's mean over the neighbourhood's deviation, clipped to +-3.

    Neighbourhoods much quieter than the image's liveliest are quietened further: the black beside the steel has no
    grain, only noise that no copy repeats.
    """
    difference = grey - cv2.GaussianBlur(grey, (0, 0), _GRAIN_SIGMA)
    variance = cv2.GaussianBlur(difference * difference, (0, 0), 3 * _GRAIN_SIGMA)
    deviation = np.sqrt(variance)
    quiet = _QUIET_SHARE * float(np.percentile(deviation, 99)) + 1e-3
    return np.asarray(np.clip(difference * deviation / (variance + quiet * quiet), -3.0, 3.0), np.float32)


def _spectra(looks: Sequence[_Look], pool: ThreadPoolExecutor) -> Floats:
    """Amplitude spectra, float32 (n, 2F+1, 2F+1): square roots of the amplitudes, centred, each of length 1.

    Frequencies are counted per pixel of the images, not of their details, which a crop would scale; where an image's
    scale is far from the common one, its own is used.
    """
    common = float(np.median([look.scale for look in looks])) if looks else 1.0
    return np.asarray(list(pool.map(lambda look: _spectrum(look, common), looks)), np.float32)


def _spectrum(look: _Look, common_scale: float) -> Floats:
    ratio = common_scale / look.scale
    frequencies = np.arange(-_FREQUENCIES, _FREQUENCIES + 1) * _FREQUENCY_STEP * (ratio if 0.5 < ratio < 2 else 1.0)
    waves = [
        (np.exp(-2j * np.pi * np.outer(frequencies, np.arange(side))) * np.hanning(side + 2)[1:-1]).astype(np.complex64)
        for side in look.detail.shape
    ]
    amplitude = np.sqrt(np.abs(waves[0] @ look.detail.astype(np.float32) @ waves[1].T))
    centred = amplitude - amplitude.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-6), np.float32)


def _candidates(spectra: Floats, block: int = 128) -> list[tuple[int, int, int]]:
    """The likeliest pairs (a, b, view of b) with a != b, most alike first: at most `_CANDIDATES` per image, if alike.

    Peak memory is about 3 `block` rows of 4 n float32.
    """
    count = len(spectra)
    keep = min(_CANDIDATES, VIEWS * (count - 1))
    if keep < 1:
        return []
    half = _FREQUENCIES  # rows above it repeat those below it: the spectrum is symmetric about its centre
    posed = np.stack([seen(spectra, view)[:, half:].reshape(count, -1) for view in range(VIEWS)])
    found: dict[tuple[int, int, int], float] = {}
    for start in range(0, count, block):
        rows = posed[0, start : start + block]
        likeness = np.stack([rows @ other.T for other in posed], axis=1)
        own = np.arange(len(rows))
        likeness[own, :, start + own] = -1.0
        flat = likeness.reshape(len(rows), -1)
        best = np.argpartition(flat, -keep, axis=1)[:, -keep:]
        values = np.take_along_axis(flat, best, axis=1)
        place = np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1)
        judged = (values >= _LEAST_LIKENESS) | ((place < _NEAREST) & (values >= _LEAST_OF_NEAREST))
        for row, at in zip(*np.nonzero(judged), strict=True):
            view, other = divmod(int(best[row, at]), count)
            low, high = sorted((start + int(row), other))  # every view undoes itself, up to a half turn
            found.setdefault((low, high, view), -float(values[row, at]))
    return sorted(found, key=lambda pair: (found[pair], pair))


def _join_twins(
    groups: DisjointGroups, looks: Sequence[_Look], candidates: Iterable[tuple[int, int, int]], pool: ThreadPoolExecutor
) -> None:
    """Judge the candidates, most alike first, and join the groups of those that are twins.

    A sure match joins two groups at once. A fair one might be an accident, and a chain of accidents would swallow the
    data: between groups of several images it takes two.
    """
    fair: list[tuple[int, int]] = []
    remaining = iter(candidates)
    while batch := list(islice(remaining, _BATCH)):
        parted = [(a, b, view) for a, b, view in batch if groups.find(a) != groups.find(b)]
        alignments = pool.map(lambda pair: _aligned(looks[pair[0]], looks[pair[1]], pair[2]), parted)
        for (a, b, _), alignment in zip(parted, alignments, strict=True):
            if alignment.is_sure:
                groups.join(a, b)
            elif alignment.is_fair:
                fair.append((a, b))
    while _join_by_fair(groups, fair):
        pass


def _join_by_fair(groups: DisjointGroups, fair: Iterable[tuple[int, int]]) -> bool:
    """Join groups with enough fair matches between them; say whether any were joined."""
    between: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for a, b in fair:
        low, high = sorted((groups.find(a), groups.find(b)))
        if low != high:
            between.setdefault((low, high), set()).add((a, b))
    joined = False
    for (low, high), matches in between.items():
        if groups.find(low) != groups.find(high) and (len(matches) >= 2 or groups.size(low) == groups.size(high) == 1):
            groups.join(low, high)
            joined = True
    return joined


def _aligned(one: _Look, other: _Look, view: int) -> Alignment:
    """Align two details at the coarser of their scales."""
    first, second = one.detail.astype(np.float32), other.detail.astype(np.float32)
    ratio = one.scale / other.scale
    first, second = _shrunk(first, min(1.0, 1 / ratio)), _shrunk(second, min(1.0, ratio))
    return align(first, np.ascontiguousarray(seen(second, view)))
