"""Random augmentation: windows, flips and black borders, brightness and colour, in our order or in the reference's.

Ours takes one geometric step from the original image to the working size, and recolours the image before it is laid on black.
The reference's brings the image to the working size first, and recolours the whole input last. A recipe says which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as colour

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Image, Preprocess, resize
from steelsight.recipe import Member
from steelsight.recipe.augment import Crop, ZoomIn

Recolour = Callable[[NDArray[Any]], NDArray[np.float32]]
Box = tuple[int, int, int, int]
"""Top, left, height, width."""

IGNORED = np.float32(-1)
"""What a target holds where nothing is to be learned; truth is 0 to 1."""

Edges = tuple[float, float, float, float]
"""Top, left, bottom, right."""


@dataclass(frozen=True)
class AugmentParams:
    """What the dice said for one image; `shrink` a factor, `place` in [0, 1].

    Attributes:
        crop: in pixels of the original, or of the working size where `at_working`.
        at_working: the image is brought to the working size before anything else.
        whole_input: brightness and colour act on the input with its border, and are not clipped.
    """

    crop: Box
    shrink: float
    place: tuple[float, float]
    flip_horizontal: bool
    flip_vertical: bool
    brightness: float
    contrast: float
    hue: float
    saturation: float
    at_working: bool = False
    whole_input: bool = False


def draw(member: Member, sample: Sample, random: np.random.Generator) -> AugmentParams:
    """Draw an augmentation of an image for a member."""
    augment, shrink = member.augment, 1.0
    at_working = augment.zoom_at == "working"
    size = (member.preprocess.height, member.preprocess.width) if at_working else sample.size
    crop = (0, 0, *size)
    if augment.crop:
        crop = _crop(member, augment.crop, sample, random)
    elif augment.zoom_out and random.random() < augment.zoom_out.probability:
        shrink = random.uniform(augment.zoom_out.smallest, augment.zoom_out.largest)
    elif sample.shown:
        pass  # nobody knows where the defect is, so nothing of the image may be cut away
    elif augment.zoom_in and random.random() < augment.zoom_in.probability:
        defect = defect_box(sample)
        if defect is None:
            crop = _window(size, random.uniform(augment.zoom_in.smallest, augment.zoom_in.largest), random)
        else:
            box = _at_working_size(defect, sample.size, member.preprocess) if at_working else _edges(defect)
            crop = _zoom(size, box, augment.zoom_in, random)
    return AugmentParams(
        crop=crop,
        shrink=shrink,
        place=(random.random(), random.random()),
        flip_horizontal=random.random() < augment.horizontal_flip,
        flip_vertical=random.random() < augment.vertical_flip,
        brightness=random.uniform(-augment.brightness, augment.brightness),
        contrast=random.uniform(*augment.contrast),
        hue=random.uniform(-augment.hue, augment.hue),
        saturation=random.uniform(*augment.saturation),
        at_working=at_working,
        whole_input=augment.recolour == "input",
    )


def apply(image: Image, preprocess: Preprocess, chance: AugmentParams) -> NDArray[np.float32]:
    """The augmented network input: float32 (channels, height, width)."""
    pixels: NDArray[Any] = preprocess.channels_of(image)
    scale = np.float32(1.0 / preprocess.white(pixels.dtype))
    if chance.whole_input:
        placed = _recolour(_place(pixels, preprocess, chance, lambda part: part.astype(np.float32) * scale), chance)
    else:
        placed = _place(pixels, preprocess, chance, lambda part: _clipped(part.astype(np.float32) * scale, chance))
    return preprocess.normalise(placed)


def apply_to_mask(mask: NDArray[np.bool_], preprocess: Preprocess, chance: AugmentParams) -> NDArray[np.float32]:
    """The mask (classes, H, W) under the same geometry: float32 (classes, height, width), soft at its edges."""
    target = np.zeros((len(mask), preprocess.height, preprocess.width), np.float32)
    for plane, out in zip(mask, target, strict=True):
        if plane.any():
            grey = plane.view(np.uint8) * np.uint8(255)
            out[...] = _place(grey, preprocess, chance, lambda part: part.astype(np.float32) * np.float32(1 / 255))
    return target


def apply_to_target(sample: Sample, preprocess: Preprocess, chance: AugmentParams) -> NDArray[np.float32]:
    """The truth of a sample under the same geometry: as `apply_to_mask`, and `IGNORED` where any of a pixel is ignored."""
    target = apply_to_mask(sample.mask(), preprocess, chance)
    if sample.ignored.area:
        ignored = apply_to_mask(sample.ignored_mask()[None], preprocess, chance)[0]
        target[:, ignored > 0] = IGNORED
    return target


def defect_box(sample: Sample) -> Box | None:
    """The box around all defects of a sample, from its runs without decoding them; None where there are none."""
    height = sample.size[0]
    starts = np.concatenate([runs.starts for runs in sample.runs])
    if not len(starts):
        return None
    last = starts + np.concatenate([runs.lengths for runs in sample.runs]) - 1
    left, right = int(starts.min() // height), int(last.max() // height)
    if (starts // height != last // height).any():  # a run that goes on in the next column touches both edges
        return 0, left, height, right - left + 1
    top, bottom = int((starts % height).min()), int((last % height).max())
    return top, left, bottom - top + 1, right - left + 1


def _place(
    pixels: NDArray[Any], preprocess: Preprocess, chance: AugmentParams, recolour: Recolour
) -> NDArray[np.float32]:
    """Crop, resize to its final size, recolour, lay on black, flip."""
    top, left, height, width = chance.crop
    if chance.at_working:
        pixels = preprocess.place(pixels).astype(np.float32)  # further steps are not rounded to 8 bit
        frame = (0, 0, preprocess.height, preprocess.width)
    else:
        frame = preprocess.frame((height, width))
    part = pixels[top : top + height, left : left + width]
    inner = (max(1, round(frame[2] * chance.shrink)), max(1, round(frame[3] * chance.shrink)))
    small = recolour(resize(np.ascontiguousarray(part), inner))
    if inner != (preprocess.height, preprocess.width):
        room = (frame[2] - inner[0], frame[3] - inner[1])
        y, x = frame[0] + round(room[0] * chance.place[0]), frame[1] + round(room[1] * chance.place[1])
        canvas = np.zeros((preprocess.height, preprocess.width, *pixels.shape[2:]), np.float32)
        canvas[y : y + inner[0], x : x + inner[1]] = small
        small = canvas
    if chance.flip_horizontal:
        small = small[:, ::-1]
    if chance.flip_vertical:
        small = small[::-1]
    return small


def _recolour(pixels: NDArray[np.float32], chance: AugmentParams) -> NDArray[np.float32]:
    """Brightness is added, contrast stretches about the mean; hue and saturation change colour images only."""
    if pixels.ndim == 3:
        tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        tensor = colour.adjust_saturation(colour.adjust_hue(tensor, chance.hue), chance.saturation)
        pixels = np.ascontiguousarray(tensor.numpy().transpose(1, 2, 0))
    mean = pixels.mean((0, 1))
    changed: NDArray[np.float32] = (pixels - mean) * np.float32(chance.contrast) + (
        mean + np.float32(chance.brightness)
    )
    return changed


def _clipped(pixels: NDArray[np.float32], chance: AugmentParams) -> NDArray[np.float32]:
    clipped: NDArray[np.float32] = np.clip(_recolour(pixels, chance), 0.0, 1.0).astype(np.float32, copy=False)
    return clipped


def _window(size: tuple[int, int], scale: float, random: np.random.Generator) -> Box:
    height, width = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return (
        int(random.integers(size[0] - height + 1)),
        int(random.integers(size[1] - width + 1)),
        height,
        width,
    )


def _crop(member: Member, crop: Crop, sample: Sample, random: np.random.Generator) -> Box:
    """A window of the image, in pixels of the original, at a random scale; around a defect pixel where the dice say so."""
    whole, window, scale = member.preprocess, member.training_preprocess, random.uniform(crop.smallest, crop.largest)
    height = min(sample.size[0], max(1, round(sample.size[0] * window.height / whole.height * scale)))
    width = min(sample.size[1], max(1, round(sample.size[1] * window.width / whole.width * scale)))
    last_top, last_left = sample.size[0] - height, sample.size[1] - width
    if random.random() >= crop.on_defect or not sample.is_defective:
        return int(random.integers(last_top + 1)), int(random.integers(last_left + 1)), height, width
    row, column = _defect_pixel(sample, random)
    top = int(np.clip(row - random.integers(height), 0, last_top))
    left = int(np.clip(column - random.integers(width), 0, last_left))
    return top, left, height, width


def _defect_pixel(sample: Sample, random: np.random.Generator) -> tuple[int, int]:
    """Row and column of a pixel of a random class of the image, every pixel of that class as likely."""
    runs = sample.runs[random.choice(sample.classes)]
    pixel = int(random.integers(runs.area))
    before = np.cumsum(runs.lengths) - runs.lengths
    run = int(np.searchsorted(before, pixel, side="right")) - 1
    column, row = divmod(int(runs.starts[run]) + pixel - int(before[run]), sample.size[0])
    return row, column


def _edges(box: Box) -> Edges:
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def _at_working_size(box: Box, image: tuple[int, int], preprocess: Preprocess) -> Edges:
    """Where a box of an image of (height, width) lies in the working size."""
    top, left, height, width = preprocess.frame(image)
    down, across = height / image[0], width / image[1]
    edges = _edges(box)
    return top + edges[0] * down, left + edges[1] * across, top + edges[2] * down, left + edges[3] * across


def _zoom(size: tuple[int, int], defect: Edges, zoom: ZoomIn, random: np.random.Generator) -> Box:
    """Cut a share of the margins around the defect, then bring the window to the image's aspect."""
    if zoom.margins == "each":
        cuts = random.uniform(zoom.margin_least, zoom.margin_most, 4)
    else:
        cuts = np.repeat(random.uniform(zoom.margin_least, zoom.margin_most), 4)
    y0, y1 = round(defect[0] * cuts[0]), size[0] - round((size[0] - defect[2]) * cuts[1])
    x0, x1 = round(defect[1] * cuts[2]), size[1] - round((size[1] - defect[3]) * cuts[3])
    sides = ((y1 - y0) / size[0], (x1 - x0) / size[1])
    if zoom.aspect == "widen":
        tall, wide = (min(side, round(side * max(sides))) for side in size)
        y0 = int(np.clip(round((y0 + y1 - tall) / 2), 0, size[0] - tall))
        x0 = int(np.clip(round((x0 + x1 - wide) / 2), 0, size[1] - wide))
        return y0, x0, tall, wide
    tall, wide = (max(1, round(side * min(sides))) for side in size)
    # the reference anchors it at the top left after one of four flips that it undoes: at one of the four corners
    low, far = random.random(2) < 0.5
    return (y1 - tall if low else y0), (x1 - wide if far else x0), tall, wide
