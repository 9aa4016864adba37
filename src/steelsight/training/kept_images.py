"""Decoded images that a training keeps, so that later epochs need not decode them again: at the size at which they are used.

An epoch visits every image, so that the first ones in serve as well as any: none is dropped for another.
"""

import mmap
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Image, Preprocess, as_grey
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import Roi, read_inside
from steelsight.recipe import Member

ReadImage = Callable[[Path], Image]

CACHE = 2 * 2**30
"""Bytes of decoded images that a training on a processor keeps, all its processes together."""

FORKS = sys.platform.startswith("linux")
"""Whether loader processes are forked, and can share what they keep; other systems' libraries do not bear it."""

_NONE, _GREY, _COLOUR = 0, 1, 2


@dataclass(frozen=True)
class ReadFor:
    """Read an image as a member uses it: in its colour, and at its working size where nothing is cut from the original.

    Attributes:
        at: the working size, None for the image's own.
        roi: what of it counts, the same for all members.
        in_colour: whether grey is made of the file's colours, as an inspector does where another of its networks sees them:
            the luma of a JPEG differs from that by a rounding, and more where a colour is saturated.
    """

    grey: bool
    at: Preprocess | None = None
    roi: Roi | None = field(default=None, compare=False)
    in_colour: bool = False

    @classmethod
    def member(cls, member: Member, roi: Roi | None = None, *, in_colour: bool = False) -> "ReadFor":
        at = member.preprocess if member.augment.zoom_at == "working" else None
        return cls(member.preprocess.colour == "grey", at, roi, in_colour)

    def __call__(self, path: Path) -> Image:
        image = read_inside(path, self.roi, grey=self.grey and not self.in_colour)
        if self.grey:
            image = as_grey(image)
        if self.at is None:
            return image
        placed: Image = self.at.place(self.at.channels_of(image))
        return placed

    def pixels(self, sample: Sample) -> int:
        """Of an image as it is read."""
        height, width = sample.size if self.at is None else (self.at.height, self.at.width)
        return height * width


class ImageCache:
    """Images kept in the process that trains, up to `limit` bytes."""

    def __init__(self, limit: int = CACHE, read: ReadImage = read_image) -> None:
        self._room, self._read = limit, read
        self._kept: dict[Path, Image] = {}

    def __call__(self, path: Path) -> Image:
        if path in self._kept:
            return self._kept[path]
        image = self._read(path)
        if image.nbytes <= self._room:
            self._room -= image.nbytes
            self._kept[path] = image
        return image


class SharedImages:
    """Images of 8 bit kept in memory that loader processes share with the process that forks them, up to `limit` bytes: what
    one of them decodes none decodes again, nor do those of the next job. It is no part of /dev/shm, and goes with them.
    """

    def __init__(self, limit: int, samples: Iterable[Sample], read: ReadFor) -> None:
        self._read, self._places = read, {}  # type: ignore[var-annotated]
        start = 0
        for sample in samples:
            size = read.pixels(sample) * (1 if read.grey else 3)
            if sample.path not in self._places and start + size <= limit:
                self._places[sample.path] = (len(self._places), start, size)
                start += size
        self._states = _shared(len(self._places) * 9).reshape(-1, 9)  # what is there, height and width
        self._bytes = _shared(start)
        self._lock = multiprocessing.get_context("fork").Lock()

    def __call__(self, path: Path) -> Image:
        if path not in self._places:
            return self._read(path)
        number, start, size = self._places[path]
        with self._lock:
            state = self._states[number].copy()
        if state[0] != _NONE:
            height, width = state[1:].view(np.int32).tolist()
            shape = (height, width) if state[0] == _GREY else (height, width, 3)
            kept = self._bytes[start : start + int(np.prod(shape))].reshape(shape)
            kept.flags.writeable = False
            return kept
        image = self._read(path)
        if image.dtype == np.uint8 and image.nbytes <= size:
            self._bytes[start : start + image.nbytes] = image.ravel()
            with self._lock:  # not before all of it is there
                self._states[number, 1:] = np.array(image.shape[:2], np.int32).view(np.uint8)
                self._states[number, 0] = _GREY if image.ndim == 2 else _COLOUR
        return image


def image_readers(
    members: Sequence[Member],
    samples: Sequence[Sample],
    workers: int,
    cache: int,
    roi: Roi | None = None,
    *,
    grey: bool = True,
) -> dict[str, ReadImage]:
    """How images are read for each member, by its name; those that read alike share what they keep.

    Args:
        samples: all that may be read.
        workers: loader processes.
        cache: bytes that all of them keep together.
        grey: whether all members of the run see grey alone, those that are not among these too; see `Recipe.sees_grey`.
    """
    wanted = {member.name: ReadFor.member(member, roi, in_colour=not grey) for member in members}
    each = cache // len(set(wanted.values()))
    if workers and not FORKS:
        return dict(wanted)
    keeping: dict[ReadFor, ReadImage] = {
        read: SharedImages(each, samples, read) if workers else ImageCache(each, read) for read in set(wanted.values())
    }
    return {name: keeping[read] for name, read in wanted.items()}


def _shared(size: int) -> NDArray[np.uint8]:
    """Zeros that forked processes share; pages that nobody writes take no memory."""
    return np.frombuffer(mmap.mmap(-1, max(1, size)), np.uint8)[:size]
