"""From what a loader sends to a network's input and its target, on the device, a batch at a time.

A loader sends pixels as they lie in the input: 8 bit, one channel where the image is grey, whatever the network wants. Values
are those of doing it image by image before, up to the rounding of float32.
"""

from typing import TypedDict

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steelsight.imaging.preprocess import Preprocess
from steelsight.networks.cells import CELL
from steelsight.recipe import Member
from steelsight.training.augment import IGNORED
from steelsight.training.losses import Output
from steelsight.training.recolour import change_colour, recolour
from steelsight.training.warp import warp

_SHOWN = 0.5  # of a pixel: a cell that holds less of a defect shows none


class RawBatch(TypedDict, total=False):
    """What a loader sends of n images.

    Attributes:
        pixels: uint8, or float32 in [0, 1] of what is finer: (n, 1 or 3, height, width).
        coloured: bool (n,), where pixels have three channels: which images are not grey.
        mask: uint8, or float32 in [0, 1]: (n, classes, height, width).
        ignored: as mask, (n, 1, height, width), where some have what is not to be learned from: any of it counts.
        label: float32 (n,), 1 for a defect.
        chance: float32 (n, 4), brightness, contrast, hue and saturation; not of plain inputs.
        frame: int64 (n, 4), top, left, height and width of the image in its input, where some leave a border.
        places: int64 (n, warp.PLACES), how pixels and mask are still to be warped.
    """

    pixels: Tensor
    coloured: Tensor
    mask: Tensor
    ignored: Tensor
    label: Tensor
    chance: Tensor
    frame: Tensor
    places: Tensor


class ToInput(nn.Module):
    """Warp, recolour, normalise; it has no weights.

    Args:
        preprocess: of the inputs.
        whole_input: brightness and colour act on the input with its border, and are not clipped.
        cells: the mask is to be of the cells of a classifier.
    """

    def __init__(self, preprocess: Preprocess, *, whole_input: bool = False, cells: bool = False) -> None:
        super().__init__()
        self._channels = preprocess.channels
        # rounded as Preprocess.normalise rounds them
        self._deviation, self._mean = preprocess.deviation, _as_float32(preprocess.mean / preprocess.deviation)
        self._whole_input, self._cells = whole_input, cells

    @classmethod
    def of(cls, member: Member) -> "ToInput":
        """For what a member is trained and validated on."""
        return cls(member.preprocess, whole_input=member.augment.recolour == "input", cells=member.head == "cells")

    @torch.no_grad()
    def forward(self, raw: RawBatch) -> tuple[Tensor, Output]:
        """The input, float32 (n, channels, height, width) with channels last, and the target: the masks, or the labels, or
        with cells both. `IGNORED` is what is not to be learned from: pixels, and cells that hold some and show no defect
        beside them."""
        return self._pixels(raw).contiguous(memory_format=torch.channels_last), self._target(raw)

    def _pixels(self, raw: RawBatch) -> Tensor:
        pixels = raw["pixels"]
        if "chance" not in raw:
            limit = 255 if pixels.dtype == torch.uint8 else 1
            return self._normalised(pixels.to(torch.float32), 1 / (limit * self._deviation))
        pixels = _scaled(pixels)
        if "places" in raw:
            pixels = warp(pixels, raw["places"])
        brightness, contrast, hue, saturation = raw["chance"].unbind(1)
        if "coloured" in raw:
            changed = change_colour(pixels, hue, saturation)
            pixels = torch.where(raw["coloured"][:, None, None, None], changed, pixels)
        inside = None if self._whole_input or "frame" not in raw else _inside(raw["frame"], pixels)
        pixels = recolour(pixels, brightness, contrast, inside)
        if not self._whole_input:
            pixels = pixels.clamp_(0, 1)
        if inside is not None:
            pixels = pixels.mul_(inside)
        return self._normalised(pixels, 1 / self._deviation)

    def _normalised(self, pixels: Tensor, scale: float) -> Tensor:
        pixels = pixels * _as_float32(scale) if scale != 1 else pixels
        if self._mean:
            pixels = pixels - self._mean
        return pixels.expand(-1, self._channels, -1, -1)

    def _target(self, raw: RawBatch) -> Output:
        if "mask" not in raw:
            return raw["label"]
        mask = self._plane(raw, raw["mask"])
        ignored = self._plane(raw, raw["ignored"]) > 0 if "ignored" in raw else None
        if ignored is not None:
            mask = torch.where(ignored, float(IGNORED), mask)
        return (raw["label"], _cells(mask, ignored)) if self._cells else mask

    @staticmethod
    def _plane(raw: RawBatch, plane: Tensor) -> Tensor:
        if "chance" not in raw and plane.dtype == torch.uint8:
            return plane.to(torch.float32) / 255
        plane = _scaled(plane)
        return warp(plane, raw["places"]) if "places" in raw else plane


def _cells(mask: Tensor, ignored: Tensor | None) -> Tensor:
    """The greatest value in each cell of a mask; `IGNORED` in cells with an ignored pixel and no defect."""
    greatest = F.max_pool2d(mask, CELL)
    if ignored is None:
        return greatest
    is_partly = F.max_pool2d(ignored.to(torch.float32), CELL) > 0
    return torch.where(is_partly & (greatest < _SHOWN), float(IGNORED), greatest)


def _scaled(values: Tensor) -> Tensor:
    return values.to(torch.float32) * _as_float32(1 / 255) if values.dtype == torch.uint8 else values


def _inside(frame: Tensor, pixels: Tensor) -> Tensor:
    """Where the images lie: bool (n, 1, height, width)."""
    top, left, tall, wide = (side[:, None] for side in frame.unbind(1))
    rows = torch.arange(pixels.shape[2], device=pixels.device)[None]
    columns = torch.arange(pixels.shape[3], device=pixels.device)[None]
    down, across = (rows >= top) & (rows < top + tall), (columns >= left) & (columns < left + wide)
    return down[:, None, :, None] & across[:, None, None, :]


def _as_float32(value: float) -> float:
    return float(np.float32(value))
