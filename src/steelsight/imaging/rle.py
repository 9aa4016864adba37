"""Run-length encoding of masks: column-major runs, as the Severstal competition and COCO write them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError

RunFault = Literal["run-odd-count", "run-not-a-number", "run-out-of-range", "run-overlap"]

_NUMBERS = re.compile(r"[0-9\s]*", re.ASCII)
_BLOCK = 1 << 18  # pixels compared at a time, so that the comparison stays in the processor's cache
_MOST_DIGITS = 12  # of 5 bits each: 60 bits, within int64
_LARGEST = np.iinfo(np.int64).max // 2  # so that start + length still fits


class RunError(UserError):
    """Text or counts that are no run lengths; `kind` is the stable word of the fault."""

    def __init__(self, kind: RunFault, message: str) -> None:
        super().__init__(message)
        self.kind: RunFault = kind


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of set pixels in column-major order (top to bottom, then left to right).

    Attributes:
        starts: int64 (n,), 0-based, ascending, non-overlapping.
        lengths: int64 (n,), each at least 1.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @cached_property
    def area(self) -> int:
        """Number of set pixels."""
        return int(self.lengths.sum())

    @property
    def ends(self) -> NDArray[np.int64]:
        """int64 (n,): the pixel after the last one of each run."""
        return self.starts + self.lengths

    @classmethod
    def empty(cls) -> "Runs":
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))


def encode_mask(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> Runs:
    """Find the runs of a mask: the longest ones, so that no two are adjacent.

    Args:
        mask: bool or uint8 (H, W), set where not zero, in any memory order (column-major is the fastest).

    >>> format_runs(encode_mask(np.array([[0, 1], [1, 1]], np.uint8)))
    '2 3'
    """
    flat = _column_major(mask.astype(np.bool_, copy=False))
    left, right = flat[:-1], flat[1:]
    blocks = (slice(at, at + _BLOCK) for at in range(0, left.size, _BLOCK))
    edges = [np.flatnonzero(left[block] != right[block]) + (block.start + 1) for block in blocks]
    before = [0] if flat[:1].any() else []
    after = [flat.size] if flat[-1:].any() else []
    bounds = np.concatenate([before, *edges, after]).astype(np.int64)
    return Runs(bounds[::2], bounds[1::2] - bounds[::2])


def decode_runs(runs: Runs, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw runs as a boolean (H, W) mask of the given (height, width).

    Raises:
        RunError: a run ends beyond the image.

    >>> decode_runs(parse_runs("2 3", None), (2, 2)).astype(int).tolist()
    [[0, 1], [1, 1]]
    """
    height, width = size
    counts = _alternating(runs, size)
    values = np.zeros(counts.size, np.bool_)
    values[1::2] = True
    columns = np.repeat(values, counts).reshape(width, height)
    return _transpose(columns)


def parse_runs(text: str, size: tuple[int, int] | None) -> Runs:
    """Read "start length start length ..." with starts counted from 1; adjacent runs are kept as they stand.

    Args:
        size: (height, width) of the image, or None to leave the end of the image unchecked.

    Raises:
        RunError: see `RunFault`; `run-overlap` also stands for runs that do not ascend.

    >>> parse_runs("29102 12 29346 24", (256, 1600)).area
    36
    """
    numbers = _parse_numbers(text)
    if numbers.size % 2:
        raise RunError(
            "run-odd-count", f"{numbers.size} numbers, but start and length come in pairs; add the missing length"
        )
    starts, lengths = numbers[::2] - 1, numbers[1::2].copy()
    if numbers.size and numbers.min() < 1:
        raise RunError("run-out-of-range", "a start or length of 0; both count from 1")
    runs = Runs(starts, lengths)
    early = np.flatnonzero(starts[1:] < runs.ends[:-1])
    if early.size:
        at = int(early[0])
        raise RunError(
            "run-overlap",
            f"run {starts[at + 1] + 1} {lengths[at + 1]} begins before the end of run {starts[at] + 1} {lengths[at]}; "
            "runs must ascend without overlap",
        )
    if size is not None:
        _check_end(runs, size)
    return runs


def format_runs(runs: Runs) -> str:
    """Write runs as "start length start length ..." with starts counted from 1; empty runs give ""."""
    numbers = np.empty(2 * runs.starts.size, np.int64)
    numbers[::2] = runs.starts + 1
    numbers[1::2] = runs.lengths
    return " ".join(map(str, numbers.tolist()))


def shared_area(a: Runs, b: Runs) -> int:
    """Count the pixels set in both, from the runs alone; neither the image's size nor a mask is needed.

    >>> shared_area(parse_runs("1 10", None), parse_runs("5 2 9 9", None))
    4
    """
    if not a.starts.size or not b.starts.size:
        return 0
    return int((_area_before(b, a.ends) - _area_before(b, a.starts)).sum())


def _area_before(runs: Runs, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count, for each position, the set pixels before it."""
    index = np.searchsorted(runs.starts, positions, side="right") - 1
    complete = np.concatenate([[0], np.cumsum(runs.lengths)])
    within = np.clip(positions - runs.starts[index], 0, runs.lengths[index])
    return np.where(index < 0, 0, complete[index] + within)


def from_coco_counts(counts: Sequence[int] | str, size: tuple[int, int]) -> Runs:
    """Read COCO run lengths, which begin with the unset pixels: a list of counts, or the compressed string.

    Raises:
        RunError: `run-not-a-number` for a broken string, `run-out-of-range` where the counts do not fill the image.

    >>> format_runs(from_coco_counts([1, 3], (2, 2)))
    '2 3'
    """
    array = expand_counts(counts) if isinstance(counts, str) else _as_integers(counts)
    height, width = size
    if array.size and array.min() < 0:
        raise RunError("run-out-of-range", f"run length {array.min()}; run lengths are 0 or more")
    total = sum(array.tolist())  # which may exceed 64 bits
    if total != height * width:
        raise RunError(
            "run-out-of-range", f"run lengths add up to {total}, not to the {height} x {width} pixels of the image"
        )
    ends = np.cumsum(array)
    starts, lengths = (ends - array)[1::2], array[1::2]
    drawn = lengths > 0
    return Runs(starts[drawn], lengths[drawn])


def to_coco_counts(runs: Runs, size: tuple[int, int]) -> list[int]:
    """Write runs as COCO's uncompressed run lengths: unset, set, unset, ... in turn.

    Raises:
        RunError: a run ends beyond the image.

    >>> to_coco_counts(parse_runs("2 3", None), (2, 2))
    [1, 3]
    """
    counts: list[int] = _alternating(runs, size).tolist()
    return counts[:-1] if counts[-1] == 0 and len(counts) > 1 else counts


def expand_counts(text: str) -> NDArray[np.int64]:
    """Read COCO's compressed counts: 5 bits a character, each count from the fourth on less the one two before it.

    Source: rleFrString of the COCO API (common/maskApi.c).

    Raises:
        RunError: `run-not-a-number` for a character outside the code or a string that breaks off.
    """
    codes = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64) - 48
    if not codes.size:
        return codes
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise RunError("run-not-a-number", f"{text[:40]!r} is no compressed COCO run length; write it with pycocotools")
    last = np.flatnonzero(codes & 32 == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    digits = last - first + 1
    if digits.max() > _MOST_DIGITS:
        raise RunError(
            "run-not-a-number", f"a count of {digits.max()} characters in {text[:40]!r}; {_MOST_DIGITS} hold any mask"
        )
    place = np.arange(codes.size) - np.repeat(first, digits)
    values = np.add.reduceat((codes & 31) << (5 * place), first)
    values -= np.where(codes[last] & 16, np.int64(1) << (5 * digits), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def compress_counts(counts: Sequence[int]) -> str:
    """Write COCO's compressed counts; the inverse of `expand_counts`.

    Source: rleToString of the COCO API (common/maskApi.c).

    >>> expand_counts(compress_counts([5, 300, 2, 7])).tolist()
    [5, 300, 2, 7]
    """
    values = np.array(counts, dtype=np.int64)
    values[3:] -= values[1:-2].copy()
    digits = np.ones(values.size, np.int64)
    for place in range(1, _MOST_DIGITS):
        half = 1 << (5 * place - 1)  # the upper half of the last digit's range stands for negative values
        longer = (values < -half) | (values >= half)
        if not longer.any():
            break
        digits += longer
    places = np.arange(digits.sum()) - np.repeat(np.cumsum(digits) - digits, digits)
    codes = (np.repeat(values, digits) >> (5 * places)) & 31
    codes[places < np.repeat(digits, digits) - 1] |= 32
    return str((codes + 48).astype(np.uint8).tobytes(), "ascii")


def _column_major(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask.ravel(order="F") if mask.flags.f_contiguous else _transpose(mask).ravel()


def _transpose(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Transpose into fresh row-major memory; OpenCV moves bytes in tiles, several times as fast as numpy's copy."""
    return cv2.transpose(mask.view(np.uint8)).view(np.bool_) if mask.size else mask.T.copy()


def _alternating(runs: Runs, size: tuple[int, int]) -> NDArray[np.int64]:
    """Lengths of unset, set, unset, ..., unset stretches over the whole image."""
    _check_end(runs, size)
    bounds = np.empty(2 * runs.starts.size + 2, np.int64)
    bounds[0], bounds[-1] = 0, size[0] * size[1]
    bounds[1:-1:2], bounds[2:-1:2] = runs.starts, runs.ends
    return np.diff(bounds)


def _parse_numbers(text: str) -> NDArray[np.int64]:
    if not _NUMBERS.fullmatch(text):
        wrong = next((word for word in text.split() if not (word.isascii() and word.isdigit())), text)
        raise RunError("run-not-a-number", f"{wrong[:40]!r} is not a whole number; write start length start length ...")
    numbers = np.fromstring(text, dtype=np.int64, sep=" ") if text.strip() else np.empty(0, np.int64)
    if numbers.size and numbers.max() > _LARGEST:
        raise RunError("run-out-of-range", f"a number above {_LARGEST} lies beyond any image; correct it")
    return numbers


def _as_integers(counts: Sequence[int]) -> NDArray[np.int64]:
    wrong = next((count for count in counts if isinstance(count, bool) or not isinstance(count, int)), None)
    if wrong is not None:
        raise RunError("run-not-a-number", f"{wrong!r} is not a whole number; COCO run lengths are whole numbers")
    if counts and max(counts) > _LARGEST:
        raise RunError("run-out-of-range", f"{max(counts)} lies beyond any image; correct it")
    return np.array(counts, dtype=np.int64)


def _check_end(runs: Runs, size: tuple[int, int]) -> None:
    height, width = size
    if runs.starts.size and runs.starts[-1] + runs.lengths[-1] > height * width:
        raise RunError(
            "run-out-of-range",
            f"run {runs.starts[-1] + 1} {runs.lengths[-1]} ends at pixel {runs.starts[-1] + runs.lengths[-1]}, beyond "
            f"the {height * width} pixels of an image of {height} x {width}; correct the run or the size",
        )
