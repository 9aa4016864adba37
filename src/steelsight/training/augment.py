"""What the dice say of a training image, and its geometry: windows, flips, black borders; in our order or in the reference's.

Ours takes one geometric step from the original image to the working size, and recolours the image before it is laid on black.
The reference's brings the image to the working size first, and recolours the whole input last. A recipe says which. What
follows on the device, brightness and colour and normalisation: `training/to_input.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Preprocess, resize
from steelsight.recipe import Member
from steelsight.recipe.augment import Crop, ZoomIn

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


@dataclass(frozen=True)
class Placement:
    """Where an augmented image comes to lie in the input: the crop is resized to `height` x `width`, its corner put at
    (`top`, `left`), and all of it flipped."""

    crop: Box
    top: int
    left: int
    height: int
    width: int

    def fills(self, preprocess: Preprocess) -> bool:
        """Whether nothing of the input stays black."""
        return (self.height, self.width) == (preprocess.height, preprocess.width)

    def flipped(self, preprocess: Preprocess, chance: AugmentParams) -> Box:
        """Where it lies after the flips."""
        top = preprocess.height - self.top - self.height if chance.flip_vertical else self.top
        left = preprocess.width - self.left - self.width if chance.flip_horizontal else self.left
        return top, left, self.height, self.width


def placement(preprocess: Preprocess, chance: AugmentParams) -> Placement:
    """Where an image comes to lie."""
    frame = (0, 0, preprocess.height, preprocess.width)
    if not chance.at_working:
        frame = preprocess.frame(chance.crop[2:])
    height, width = (max(1, round(side * chance.shrink)) for side in frame[2:])
    if (height, width) == (preprocess.height, preprocess.width):
        return Placement(chance.crop, 0, 0, height, width)
    room = (frame[2] - height, frame[3] - width)
    top, left = frame[0] + round(room[0] * chance.place[0]), frame[1] + round(room[1] * chance.place[1])
    return Placement(chance.crop, top, left, height, width)


def place(pixels: NDArray[Any], preprocess: Preprocess, chance: AugmentParams) -> NDArray[Any]:
    """Crop, resize, lay on black, flip: (height, width) or (height, width, 3), with the values of the image.

    Of its dtype where it is resized once, straight from the original; float32 where it comes by way of the working size, so
    that its 8 bits are not rounded again.
    """
    at = placement(preprocess, chance)
    top, left, height, width = at.crop
    if chance.at_working:
        pixels = preprocess.place(pixels).astype(np.float32)
    part = pixels[top : top + height, left : left + width]
    small = resize(np.ascontiguousarray(part), (at.height, at.width))
    if not at.fills(preprocess):
        canvas = np.zeros((preprocess.height, preprocess.width, *pixels.shape[2:]), small.dtype)
        canvas[at.top : at.top + at.height, at.left : at.left + at.width] = small
        small = canvas
    if chance.flip_horizontal:
        small = small[:, ::-1]
    if chance.flip_vertical:
        small = small[::-1]
    return np.ascontiguousarray(small)


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
