"""What images an inspector was made with, so that one far outside is flagged."""

from collections.abc import Iterable
from typing import Literal, Self

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from steelsight.preprocess import Image

Flag = Literal["size", "brightness"]
_SIZE_FACTOR = 2.0  # a side of half or twice what was seen changes what a defect looks like after resizing
_LEAST_MARGIN = 0.1  # of brightness; exposure drifts that much from day to day

Range = tuple[float, float]


class Familiar(BaseModel):
    """Ranges over the images an inspector was made with, smallest and greatest.

    Attributes:
        height, width: pixels.
        brightness: mean of the pixels on the [0, 1] scale, colours alike.
        images: how many were measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: Range
    width: Range
    brightness: Range
    images: int = Field(ge=1)

    @classmethod
    def of(cls, images: Iterable[Image]) -> Self:
        """Measure images.

        >>> Familiar.of([np.full((2, 4), 51, np.uint8), np.full((3, 4), 102, np.uint8)])
        Familiar(height=(2.0, 3.0), width=(4.0, 4.0), brightness=(0.2, 0.4), images=2)
        """
        measured = np.array([(*image.shape[:2], brightness(image)) for image in images])
        if not len(measured):
            raise ValueError("no image to measure")
        low, high = measured.min(0).tolist(), measured.max(0).tolist()
        height, width, bright = zip(low, high, strict=True)
        return cls(height=height, width=width, brightness=bright, images=len(measured))

    def flags(self, image: Image) -> tuple[Flag, ...]:
        """What about an image lies far outside: a side below half the smallest or above twice the greatest; a brightness
        beyond the range by more than half of its width, at least 0.1."""
        found: list[Flag] = []
        sides = zip(image.shape[:2], (self.height, self.width), strict=True)
        if any(not low / _SIZE_FACTOR <= side <= high * _SIZE_FACTOR for side, (low, high) in sides):
            found.append("size")
        darkest, brightest = self.brightness
        margin = max(_LEAST_MARGIN, (brightest - darkest) / 2)
        if not darkest - margin <= brightness(image) <= brightest + margin:
            found.append("brightness")
        return tuple(found)


def brightness(image: Image) -> float:
    """Mean of all pixels on the [0, 1] scale.

    >>> brightness(np.full((2, 2, 3), 51, np.uint8))
    0.2
    """
    channels = cv2.mean(image)[: 1 if image.ndim == 2 else image.shape[2]]
    return round(float(np.mean(channels)) / np.iinfo(image.dtype).max, 6)
