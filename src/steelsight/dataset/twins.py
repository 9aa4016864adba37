"""Twins: images of one surface, found from their pixels alone.

Two images are twins when they show the same surface at another exposure, in a slightly other crop, rotated by quarter
turns or mirrored, or are the same file again. Every image is read once and becomes a `_Look`: a small thumbnail of local
contrast, by which candidates are found (a matrix product over all pairs and eight poses), and a detail image, by which each
candidate is aligned and judged. Steel and tiles without a defect all look alike from afar; what tells them apart is the
grain, and the grain must match.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.errors import UserError

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]

POSES = 8
_THUMBNAIL = 16
_DETAIL_AREA = 24_000
_DETAIL_STEP = 40.0  # int8 steps per unit of local contrast, which is clipped to +-3
_GRAIN_SIGMA = 3.0
_CANDIDATES = 16
_LEAST_LIKENESS = 0.45
_LEAST_CORRELATION = 0.4
_LEAST_PEAK = 20.0
_LEAST_OVERLAP = 0.7
_BATCH = 256


@dataclass(frozen=True, eq=False)
class _Look:
    """What is kept of an image: thumbnail float32 (256,), unit length; detail int8 (h, w), about `_DETAIL_AREA` pixels."""

    thumbnail: Floats
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
        UserError: an image cannot be read.
    """
    if not paths:
        return np.empty(0, np.int64)
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        looks = list(_counted(pool.map(_look, paths), len(paths), progress))
        groups = _Groups(len(looks))
        first: dict[bytes, int] = {}
        for index, look in enumerate(looks):
            groups.join(first.setdefault(look.digest, index), index)
        distinct = sorted(first.values())
        thumbnails = np.stack([looks[index].thumbnail for index in distinct])
        candidates = ((distinct[a], distinct[b], pose) for a, b, pose in _candidates(thumbnails))
        _join_twins(groups, looks, candidates, pool)
    return groups.numbers()


def _counted(looks: Iterable[_Look], total: int, progress: Progress | None) -> Iterator[_Look]:
    for done, look in enumerate(looks, 1):
        yield look
        if progress is not None:
            progress(done, total)


def _look(path: Path) -> _Look:
    image = _read_grey(path)
    digest = hashlib.blake2b(image.tobytes() + repr(image.shape).encode(), digest_size=16).digest()
    grey = image.astype(np.float32)
    scale = min(1.0, (_DETAIL_AREA / grey.size) ** 0.5)
    small = grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    detail = np.rint(_local_contrast(small, _GRAIN_SIGMA) * _DETAIL_STEP).astype(np.int8)
    side = 4 * _THUMBNAIL
    square = _local_contrast(cv2.resize(small, (side, side), interpolation=cv2.INTER_AREA), 6.0)
    thumbnail = cv2.resize(
        cv2.GaussianBlur(square, (0, 0), 2.0), (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA
    )
    return _Look(_unit(thumbnail.ravel()), detail, scale, digest)


def _read_grey(path: Path) -> NDArray[Any]:
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise UserError(f"{path}: not a readable image; replace it or leave it out")
    return np.asarray(image)


def _local_contrast(grey: Floats, sigma: float) -> Floats:
    """Difference from the neighbourhood's mean over the neighbourhood's deviation: exposure and vignette cancel out."""
    difference = grey - cv2.GaussianBlur(grey, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(difference * difference, (0, 0), 3 * sigma))
    return np.clip(difference / (spread + 1.0), -3.0, 3.0).astype(np.float32)


def _unit(vector: Floats) -> Floats:
    centred = vector - vector.mean()
    return (centred / max(float(np.linalg.norm(centred)), 1e-6)).astype(np.float32)


def _posed(image: NDArray[Any], pose: int) -> NDArray[Any]:
    """Pose 0-3: that many quarter turns; pose 4-7: the same, then mirrored left to right."""
    turned = np.rot90(image, pose % 4, axes=(-2, -1))
    return turned[..., ::-1] if pose >= 4 else turned


def _candidates(thumbnails: Floats, block: int = 256) -> list[tuple[int, int, int]]:
    """The likeliest pairs (a, b, pose of b) with a != b, most alike first: at most `_CANDIDATES` per image.

    Peak memory is `block` rows of 8 n float32.
    """
    count = len(thumbnails)
    squares = thumbnails.reshape(count, _THUMBNAIL, _THUMBNAIL)
    posed = [np.ascontiguousarray(_posed(squares, pose).reshape(count, -1)) for pose in range(POSES)]
    found: list[tuple[float, int, int, int]] = []
    for start in range(0, count, block):
        rows = thumbnails[start : start + block]
        likeness = np.stack([rows @ other.T for other in posed], axis=1)
        likeness[np.arange(len(rows)), :, start + np.arange(len(rows))] = -1.0
        flat = likeness.reshape(len(rows), -1)
        keep = min(_CANDIDATES, flat.shape[1] - 1)
        best = np.argpartition(flat, -keep, axis=1)[:, -keep:]
        for row, columns in enumerate(best):
            for column in columns:
                value = float(flat[row, column])
                if value >= _LEAST_LIKENESS:
                    pose, other = divmod(int(column), count)
                    found.append((-value, start + row, other, pose))
    return [(a, b, pose) for _, a, b, pose in sorted(found)]


def _join_twins(
    groups: "_Groups", looks: Sequence[_Look], candidates: Iterable[tuple[int, int, int]], pool: ThreadPoolExecutor
) -> None:
    """Judge the candidates, most alike first, and join the groups of those that are twins."""
    remaining = iter(candidates)
    while batch := list(islice(remaining, _BATCH)):
        open_ = [(a, b, pose) for a, b, pose in batch if groups.find(a) != groups.find(b)]
        verdicts = list(pool.map(lambda pair: _same_surface(looks[pair[0]], looks[pair[1]], pair[2]), open_))
        for (a, b, _), same in zip(open_, verdicts, strict=True):
            if same:
                groups.join(a, b)


def _same_surface(one: _Look, other: _Look, pose: int) -> bool:
    """Whether the grain of both images matches after the best shift."""
    first, second = _common_scale(one, other)
    second = _posed(second, pose)
    return _match(first, second)


def _common_scale(one: _Look, other: _Look) -> tuple[Floats, Floats]:
    first, second = one.detail.astype(np.float32), other.detail.astype(np.float32)
    ratio = one.scale / other.scale
    if ratio < 1:
        second = cv2.resize(second, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    elif ratio > 1:
        first = cv2.resize(first, None, fx=1 / ratio, fy=1 / ratio, interpolation=cv2.INTER_AREA)
    return first, second


def _match(first: Floats, second: Floats) -> bool:
    height, width = (max(first.shape[axis], second.shape[axis]) for axis in (0, 1))
    if min(first.shape[0], second.shape[0]) < _LEAST_OVERLAP * height:
        return False
    if min(first.shape[1], second.shape[1]) < _LEAST_OVERLAP * width:
        return False
    size = tuple(cv2.getOptimalDFTSize(int(side * 1.25)) for side in (height, width))
    cross = np.fft.rfft2(first, size) * np.conj(np.fft.rfft2(second, size))
    cross /= np.sqrt(np.abs(cross)) + 1e-3
    surface = np.fft.irfft2(cross, size)
    at = int(surface.argmax())
    spread = float(surface.std())
    if spread == 0 or surface.flat[at] - surface.mean() < _LEAST_PEAK * spread:
        return False
    down, right = (
        place - side if place > side // 2 else place for place, side in zip(divmod(at, size[1]), size, strict=True)
    )
    return _correlation(first, second, down, right) >= _LEAST_CORRELATION


def _correlation(first: Floats, second: Floats, down: int, right: int) -> float:
    """Correlation where `second`, moved by (down, right), overlaps `first`, without the means of rows and columns.

    Straight streaks and bands are common to many surfaces of one rolling or grinding; without them the grain decides.
    """
    height = min(first.shape[0] - max(down, 0), second.shape[0] - max(-down, 0))
    width = min(first.shape[1] - max(right, 0), second.shape[1] - max(-right, 0))
    if height < _LEAST_OVERLAP * first.shape[0] or width < _LEAST_OVERLAP * first.shape[1]:
        return -1.0
    a = _without_streaks(first[max(down, 0) :, max(right, 0) :][:height, :width])
    b = _without_streaks(second[max(-down, 0) :, max(-right, 0) :][:height, :width])
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6))


def _without_streaks(image: Floats) -> Floats:
    flat = image - image.mean(axis=0)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


class _Groups:
    """Disjoint groups of the numbers 0 to n - 1, joined by union."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = index = self._parent[self._parent[index]]
        return index

    def join(self, a: int, b: int) -> None:
        low, high = sorted((self.find(a), self.find(b)))
        self._parent[high] = low

    def numbers(self) -> NDArray[np.int64]:
        roots = [self.find(index) for index in range(len(self._parent))]
        order = {root: number for number, root in enumerate(dict.fromkeys(roots))}
        return np.array([order[root] for root in roots], np.int64)
