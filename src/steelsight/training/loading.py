"""Images on their way to a device: read, placed in their input (training: as the dice say), in batches of 8 bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Preprocess, resize
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.recipe import Member
from steelsight.training.augment import IGNORED, AugmentParams, draw, place, placement
from steelsight.training.kept_images import ReadImage
from steelsight.training.paste import Donors
from steelsight.training.randomness import generator
from steelsight.training.to_input import RawBatch

_SHOWN = 0.5  # of a pixel: a window that holds less of a defect shows none

Item = tuple[int, int, int]
"""Position of a sample, epoch, place in the epoch: all that an augmentation depends on, beside seed and job."""

Raw = dict[str, Any]
"""What `RawBatch` has of one image, as arrays and numbers."""


@dataclass(frozen=True)
class TrainingImages(Dataset[Raw]):
    """Augmented inputs with targets: a mask in step segment, a label in step classify, both for head `cells`.

    Attributes:
        warped_later: zooms at the working size are left to the device, to which 8 bits are sent.
    """

    member: Member
    samples: Sequence[Sample]
    seed: int
    job: str
    read: ReadImage = read_image
    warped_later: bool = False

    def __getitem__(self, item: Item) -> Raw:
        index, epoch, position = item
        sample = self.samples[index]
        image = self.read(sample.path)
        random = generator(self.seed, self.job, epoch, position)
        sample, image = self.donors.paste(self.member, sample, image, self.read, random)
        return raw_image(self.member, sample, image, draw(self.member, sample, random), self.warped_later)

    @cached_property
    def donors(self) -> Donors:
        """Whose defects are pasted."""
        return Donors(self.samples)


def raw_image(member: Member, sample: Sample, image: NDArray[Any], chance: AugmentParams, later: bool = False) -> Raw:
    """An augmented image and its target, as far as a loader takes them."""
    preprocess, windows = member.training_preprocess, member.augment.crop is not None
    later = later and chance.at_working
    raw = raw_pixels(image, preprocess, chance, later)
    pooled = member.step == "classify" and member.head == "pooled"
    if pooled and not windows:
        return raw | {"label": np.float32(sample.is_defective)}
    mask, ignored = raw_mask(sample, preprocess, chance, later), raw_ignored(sample, preprocess, chance, later)
    if member.step == "classify":
        raw["label"] = np.float32(_shows(mask, ignored) if windows else sample.is_defective)
    return raw if pooled else raw | {"mask": mask, "ignored": ignored}


def raw_pixels(image: NDArray[Any], preprocess: Preprocess, chance: AugmentParams, later: bool = False) -> Raw:
    """An augmented image, as far as a loader takes it."""
    pixels = preprocess.channels_of(image)
    placed = preprocess.place(pixels) if later else place(pixels, preprocess, chance)
    raw: Raw = {"pixels": _finest(placed, preprocess.white(pixels.dtype))}
    raw["chance"] = np.array([chance.brightness, chance.contrast, chance.hue, chance.saturation], np.float32)
    at = placement(preprocess, chance)
    raw["frame"] = None if at.fills(preprocess) else np.array(at.flipped(preprocess, chance), np.int64)
    if later:
        to = (at.top, at.left, at.height, at.width)
        raw["places"] = np.array([*at.crop, *to, chance.flip_vertical, chance.flip_horizontal], np.int64)
    return raw


@dataclass(frozen=True)
class PlainImages(Dataset[Raw]):
    """Inputs as at inference, with the same targets."""

    member: Member
    samples: Sequence[Sample]
    read: ReadImage = read_image

    def __getitem__(self, index: int) -> Raw:
        sample, preprocess = self.samples[index], self.member.preprocess
        placed = preprocess.place(preprocess.channels_of(self.read(sample.path)))
        white = preprocess.white(placed.dtype)
        if placed.dtype == np.uint16:
            placed = np.minimum(placed, np.uint16(white))
        raw: Raw = {"pixels": _finest(placed, white)}
        if self.member.step == "classify":
            return raw | {"label": np.float32(sample.is_defective)}
        return raw | {"mask": _plain(self.member, sample, sample.runs), "ignored": _plain_ignored(self.member, sample)}


@dataclass(frozen=True)
class JobImages(Dataset[Raw]):
    """All images of a job: those to learn from by `Item`, those of the fold by their position."""

    training: Dataset[Raw]
    plain: PlainImages

    def __getitem__(self, item: Item | int) -> Raw:
        return self.plain[item] if isinstance(item, int) else self.training[item]


def gather(images: Sequence[Raw]) -> RawBatch:
    """Stack what was read of several images. Grey ones get three channels only beside others that have colour, and 8 bits
    become float32 only beside finer ones."""
    first, batch = images[0], RawBatch(pixels=_stacked([image["pixels"] for image in images]))
    if batch["pixels"].shape[1] == 3:
        batch["coloured"] = torch.tensor([image["pixels"].shape[0] == 3 for image in images])
    if "mask" in first:
        batch["mask"] = torch.from_numpy(np.stack([image["mask"] for image in images]))
    if any(image.get("ignored") is not None for image in images):
        none = np.zeros((1, *first["mask"].shape[1:]), first["mask"].dtype)
        ignored = [none if image["ignored"] is None else image["ignored"] for image in images]
        batch["ignored"] = torch.from_numpy(np.stack(ignored))
    if "label" in first:
        batch["label"] = torch.from_numpy(np.stack([image["label"] for image in images]))
    if "chance" in first:
        batch["chance"] = torch.from_numpy(np.stack([image["chance"] for image in images]))
    if any(image.get("frame") is not None for image in images):
        whole = np.array([0, 0, *first["pixels"].shape[1:]], np.int64)
        frames = [whole if image["frame"] is None else image["frame"] for image in images]
        batch["frame"] = torch.from_numpy(np.stack(frames))
    if "places" in first:
        batch["places"] = torch.from_numpy(np.stack([image["places"] for image in images]))
    return batch


def plain_target(member: Member, sample: Sample) -> NDArray[np.float32]:
    """The truth of a sample at the member's working size: float32 (classes, height, width), soft at the edges, `IGNORED`
    where any of a pixel is ignored."""
    target = _plain(member, sample, sample.runs).astype(np.float32) / np.float32(255)
    ignored = _plain_ignored(member, sample)
    if ignored is not None:
        target[:, ignored[0] > 0] = IGNORED
    return target


def _plain(member: Member, sample: Sample, planes: Sequence[Runs]) -> NDArray[np.uint8]:
    preprocess = member.preprocess
    target = np.zeros((len(planes), preprocess.height, preprocess.width), np.uint8)
    top, left, height, width = preprocess.frame(sample.size)
    for runs, out in zip(planes, target, strict=True):
        if runs.area:
            out[top : top + height, left : left + width] = resize(_grey(runs, sample), (height, width))
    return target


def _plain_ignored(member: Member, sample: Sample) -> NDArray[np.uint8] | None:
    return _plain(member, sample, [sample.ignored]) if sample.ignored.area else None


def raw_mask(sample: Sample, preprocess: Preprocess, chance: AugmentParams, later: bool = False) -> NDArray[Any]:
    """The mask under the geometry of the image: (classes, height, width), uint8 or, where it is finer, float32 in [0, 1]."""
    return _placed(sample, sample.runs, preprocess, chance, later)


def raw_ignored(
    sample: Sample, preprocess: Preprocess, chance: AugmentParams, later: bool = False
) -> NDArray[Any] | None:
    """Likewise what is ignored, (1, height, width): any of it counts. None where nothing is."""
    return _placed(sample, [sample.ignored], preprocess, chance, later) if sample.ignored.area else None


def _placed(
    sample: Sample, planes: Sequence[Runs], preprocess: Preprocess, chance: AugmentParams, later: bool
) -> NDArray[Any]:
    finer = chance.at_working and not later
    target: NDArray[Any] = np.zeros(
        (len(planes), preprocess.height, preprocess.width), np.float32 if finer else np.uint8
    )
    for runs, out in zip(planes, target, strict=True):
        if runs.area:
            grey = _grey(runs, sample)
            out[...] = preprocess.place(grey) if later else place(grey, preprocess, chance)
    if finer:
        target *= np.float32(1 / 255)
    return target


def _grey(runs: Runs, sample: Sample) -> NDArray[np.uint8]:
    return decode_runs(runs, sample.size).view(np.uint8) * np.uint8(255)


def _shows(mask: NDArray[Any], ignored: NDArray[Any] | None) -> bool:
    if ignored is not None:
        mask = np.where(ignored > 0, mask.dtype.type(0), mask)
    greatest = float(mask.max()) if mask.size else 0.0
    return greatest / (255 if mask.dtype == np.uint8 else 1) >= _SHOWN


def _finest(placed: NDArray[Any], white: int) -> NDArray[Any]:
    """8 bits as they are, what is finer as float32 in units of white; channels first."""
    if placed.dtype != np.uint8:
        placed = placed.astype(np.float32) * np.float32(1 / white)
    return placed[None] if placed.ndim == 2 else np.ascontiguousarray(placed.transpose(2, 0, 1))


def _stacked(images: Sequence[NDArray[Any]]) -> Tensor:
    channels = max(len(image) for image in images)
    if any(image.dtype != np.uint8 for image in images):
        images = [_as_float(image) for image in images]
    return torch.from_numpy(np.stack([np.broadcast_to(image, (channels, *image.shape[1:])) for image in images]))


def _as_float(image: NDArray[Any]) -> NDArray[np.float32]:
    return image.astype(np.float32) * np.float32(1 / 255) if image.dtype == np.uint8 else image
