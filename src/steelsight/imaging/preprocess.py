"""How an image becomes a network input, and how a probability map goes back to the image's own size.

The one definition: training, evidence, predict and inspect all come through here.
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steelsight.core.model import Model
from steelsight.imaging.depth import white

LONGEST_SIDE = 1 << 14
"""Pixels of a working size's side at most: a file from strangers must not ask for more memory than there is."""

Image = NDArray[np.uint8] | NDArray[np.uint16]
"""Grey (H, W) or RGB colour (H, W, 3), 8 or 16 bit."""


class Preprocess(Model):
    """Image -> network input of a fixed size, and back.

    Attributes:
        height, width: working size in pixels, multiples of 32 (the encoder's stride).
        fit: `stretch` fills the working size; `pad` keeps the aspect, centres the image and fills the rest with black.
        colour: `grey` gives one channel, `rgb` three (a grey image then has three equal ones).
        mean, deviation: subtracted and divided by after pixels are scaled to [0, 1], per channel or one for all.
        bits: of the camera whose values 16-bit images hold: white is 2^bits - 1, and what exceeds it counts as white; None:
            all 16.
    """

    height: int = Field(ge=32, le=LONGEST_SIDE, multiple_of=32)
    width: int = Field(ge=32, le=LONGEST_SIDE, multiple_of=32)
    fit: Literal["stretch", "pad"] = "stretch"
    colour: Literal["grey", "rgb"] = "rgb"
    mean: float = Field(default=0.0, ge=0, le=1)
    deviation: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    bits: int | None = Field(default=None, ge=8, le=16)

    @property
    def channels(self) -> int:
        return 1 if self.colour == "grey" else 3

    def frame(self, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where an image of (height, width) lies in the working size: top, left, height, width."""
        if self.fit == "stretch":
            return 0, 0, self.height, self.width
        scale = min(self.height / image_size[0], self.width / image_size[1])
        height = min(self.height, max(1, round(image_size[0] * scale)))
        width = min(self.width, max(1, round(image_size[1] * scale)))
        return (self.height - height) // 2, (self.width - width) // 2, height, width

    def place(self, image: NDArray[Any]) -> NDArray[Any]:
        """Resize (H, W) or (H, W, C) of any dtype OpenCV knows to the working size, dtype kept, black where padded."""
        top, left, height, width = self.frame((image.shape[0], image.shape[1]))
        placed = resize(image, (height, width))
        if (height, width) == (self.height, self.width):
            return placed
        canvas = np.zeros((self.height, self.width, *image.shape[2:]), image.dtype)
        canvas[top : top + height, left : left + width] = placed
        return canvas

    def normalise(self, placed: NDArray[Any]) -> NDArray[np.float32]:
        """Scale a placed grey or RGB image to a float32 (channels, height, width) input."""
        pixels = self.channels_of(placed).astype(np.float32)
        limit = self.white(placed.dtype) if np.issubdtype(placed.dtype, np.integer) else 1.0
        if self.bits is not None and placed.dtype == np.uint16:
            np.minimum(pixels, np.float32(limit), out=pixels)
        pixels *= np.float32(1.0 / (limit * self.deviation))
        if self.mean:
            pixels -= np.float32(self.mean / self.deviation)
        if pixels.ndim == 2:
            return np.repeat(pixels[None], self.channels, axis=0)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def white(self, dtype: np.dtype[Any]) -> int:
        """The value that stands for 1 on the [0, 1] scale."""
        return white(dtype, self.bits)

    def channels_of(self, image: NDArray[Any]) -> NDArray[Any]:
        """The image with no more channels than the network wants: RGB becomes grey where one is wanted."""
        return as_grey(image) if self.colour == "grey" else image

    def to_input(self, image: Image) -> NDArray[np.float32]:
        """A grey or RGB, 8 or 16 bit image of any size as float32 (channels, height, width)."""
        return self.normalise(self.place(self.channels_of(image)))

    def map_to_image(
        self,
        map_: NDArray[np.float32],
        image_size: tuple[int, int],
        *,
        in_blocks: bool = False,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Bring a float32 (classes, height, width) map to (classes, *image_size), padding cut off.

        Args:
            in_blocks: take the nearest pixel, in place of the bilinear mean.
            out: where the result is put, of its shape; a new array if left out.
        """
        top, left, height, width = self.frame(image_size)
        inside = map_[:, top : top + height, left : left + width]
        brought = np.empty((len(map_), *image_size), np.float32) if out is None else out
        for plane, target in zip(inside, brought, strict=True):
            if in_blocks:
                cv2.resize(plane, image_size[::-1], dst=target, interpolation=cv2.INTER_NEAREST_EXACT)
            else:
                resize(plane, image_size, target)
        return brought


def as_grey(image: NDArray[Any]) -> NDArray[Any]:
    """A grey or RGB image (H, W) or (H, W, 3) as grey (H, W): .299 red + .587 green + .114 blue, rounded.

    >>> as_grey(np.uint8([[[255, 0, 0], [9, 9, 9]]])).tolist()
    [[76, 9]]
    """
    if image.ndim == 2:
        return image
    grey: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey


def resize(image: NDArray[Any], size: tuple[int, int], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Resize to (height, width): area average when shrinking (equals bilinear at exactly one half), else bilinear.

    Args:
        out: where the result is put, of its shape and dtype; else it may be the image itself.
    """
    if image.shape[:2] == size:
        if out is None:
            return image
        out[...] = image
        return out
    shrinks = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    resized: NDArray[Any] = cv2.resize(
        image, (size[1], size[0]), dst=out, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized
