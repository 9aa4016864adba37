"""Images on their way into a network: read, augmented (training) or plain (validation, evidence), in batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Image, resize
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import Roi, read_inside
from steelsight.networks.cells import CELL
from steelsight.recipe import Member
from steelsight.training.augment import IGNORED, apply, apply_to_target, draw
from steelsight.training.losses import Output
from steelsight.training.randomness import generator

_SHOWN = 0.5  # of a pixel: a window that holds less of a defect shows none

Item = tuple[int, int, int]
"""Position of a sample, epoch, place in the epoch: all that an augmentation depends on, beside seed and job."""


ReadImage = Callable[[Path], Image]


CACHE = 2 * 2**30
"""Bytes of decoded images that a training keeps, all its processes together."""


class ImageCache:
    """Decoded images, kept up to `limit` bytes and never dropped: an epoch visits every image, so that the first ones in
    serve as well as any.

    For loading in the training process itself; loader processes would each fill a cache of their own.
    """

    def __init__(self, limit: int = CACHE, *, grey: bool = False, roi: Roi | None = None) -> None:
        self._room = limit
        self._grey, self._roi = grey, roi
        self._kept: dict[Path, Image] = {}

    def __call__(self, path: Path) -> Image:
        if path in self._kept:
            return self._kept[path]
        image = read_inside(path, self._roi, grey=self._grey)
        if image.nbytes <= self._room:
            self._room -= image.nbytes
            self._kept[path] = image
        return image


@dataclass(frozen=True)
class TrainingImages(Dataset[tuple[Tensor, Output]]):
    """Augmented inputs with targets: a mask (classes, height, width) in step segment, 0 or 1 in step classify; for head
    `cells` that and the greatest mask value in each cell (classes, rows, columns). `IGNORED` is what is not to be learned
    from: pixels, and cells that hold some and show no defect beside them."""

    member: Member
    samples: Sequence[Sample]
    seed: int
    job: str
    read: ReadImage = read_image

    def __getitem__(self, item: Item) -> tuple[Tensor, Output]:
        index, epoch, place = item
        sample = self.samples[index]
        image = self.read(sample.path)
        random = generator(self.seed, self.job, epoch, place)
        chance = draw(self.member, sample, random)
        preprocess = self.member.training_preprocess
        pixels = torch.from_numpy(apply(image, preprocess, chance))
        if self.member.step == "classify" and self.member.head == "pooled" and self.member.augment.crop is None:
            return pixels, torch.tensor(float(sample.is_defective))
        mask = torch.from_numpy(apply_to_target(sample, preprocess, chance))
        if self.member.step == "segment":
            return pixels, mask
        shown = sample.is_defective if self.member.augment.crop is None else bool(mask.max() >= _SHOWN)
        defective = torch.tensor(float(shown))
        return pixels, defective if self.member.head == "pooled" else (defective, _cells(mask))


@dataclass(frozen=True)
class PlainImages(Dataset[tuple[Tensor, Tensor]]):
    """Inputs as at inference, with the same targets."""

    member: Member
    samples: Sequence[Sample]
    read: ReadImage = read_image

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[index]
        pixels = torch.from_numpy(self.member.preprocess.to_input(self.read(sample.path)))
        if self.member.step == "classify":
            return pixels, torch.tensor(float(sample.is_defective))
        return pixels, torch.from_numpy(plain_target(self.member, sample))

    def __len__(self) -> int:
        return len(self.samples)


def plain_target(member: Member, sample: Sample) -> NDArray[np.float32]:
    """The truth of a sample at the member's working size: float32 (classes, height, width), soft at the edges, `IGNORED`
    where any of a pixel is ignored."""
    target = _at_working_size(sample.mask(), member, sample.size)
    if sample.ignored.area:
        ignored = _at_working_size(sample.ignored_mask()[None], member, sample.size)[0]
        target[:, ignored > 0] = IGNORED
    return target


def _at_working_size(mask: NDArray[np.bool_], member: Member, size: tuple[int, int]) -> NDArray[np.float32]:
    preprocess = member.preprocess
    target = np.zeros((len(mask), preprocess.height, preprocess.width), np.float32)
    top, left, height, width = preprocess.frame(size)
    for plane, out in zip(mask, target, strict=True):
        if plane.any():
            grey = resize(plane.view(np.uint8) * np.uint8(255), (height, width))
            out[top : top + height, left : left + width] = grey.astype(np.float32) / np.float32(255)
    return target


def _cells(mask: Tensor) -> Tensor:
    """The greatest value in each cell of (classes, height, width); `IGNORED` in cells with an ignored pixel and no defect."""
    greatest = F.max_pool2d(mask, CELL)
    if float(mask.min()) >= 0:
        return greatest
    is_partly = F.max_pool2d((mask < 0).float(), CELL) > 0
    return torch.where(is_partly & (greatest < _SHOWN), torch.full_like(greatest, float(IGNORED)), greatest)


def training_batches(
    images: Dataset[tuple[Tensor, Output]], items: Sequence[Sequence[Item]], workers: int
) -> DataLoader[tuple[Tensor, Output]]:
    """A loader of one epoch: each element of `items` is one device batch."""
    return DataLoader(
        images,
        batch_sampler=[list(batch) for batch in items],
        num_workers=workers,
        worker_init_fn=_one_thread if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def plain_batches(images: PlainImages, batch: int, workers: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """A loader of all images in order."""
    return DataLoader(
        images,
        batch_size=batch,
        num_workers=workers,
        worker_init_fn=_one_thread if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def default_workers(device: Literal["cpu", "cuda"] | str) -> int:
    """Loader processes: up to eight for a GPU; none beside a processor that trains, for they would take its cores."""
    return 0 if device == "cpu" else max(1, min(8, torch.get_num_threads()))


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
