"""What images an inspector was made with, so that one far outside is flagged."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steelsight.core.model import Model
from steelsight.imaging.depth import white
from steelsight.imaging.preprocess import Image

Flag = Literal["size", "brightness", "light", "contrast", "sharpness", "bits"]
_SIZE_FACTOR = 2.0  # a side of half or twice what was seen changes what a defect looks like after resizing
_LEAST_MARGIN = 0.1  # of brightness; exposure drifts that much from day to day
_DARKER = 1 / 3  # of the least brightness or light: real strips come to .39, a lamp that fails to a tenth
_FLATTER = 1 / 2  # of the least contrast
_DULLER, _NOISIER = 0.75, 1.5  # of the least and the greatest sharpness
_SHIFTED = 4  # bits: those of 12 in 16 are a sixteenth of the light
_UNUSED = 2  # of 14 in 16: where 16-bit images are new, that is enough
_NOTHING = 5 / 255  # light or contrast that no surface is without; see `dataset.read.BLACK`

_BLOCK, _QUARTER = 32, 4  # pixels
_LIVELY = 0.1  # share of the blocks, the liveliest, that sharpness is measured in: beside the steel there is nothing
_EXACT = 1 << 24  # pixels; OpenCV counts them in half of numpy's time, and gives numbers of 24 bits
_BRIGHT, _LIVELIEST = 0.99, 0.99  # quantiles: a narrow strip fills a few blocks of a frame

Interval = tuple[float, float]


class ImageStatistics(NamedTuple):
    """What shows whether a camera sees anything, on the [0, 1] scale of the pixels.

    Attributes:
        light: the pixel that one in a hundred exceeds.
        contrast: mean difference of a pixel from its neighbours at a quarter of the size, in the liveliest blocks.
        sharpness: the same difference at full size over that at a quarter, in the liveliest tenth of the blocks: a frame out
            of focus keeps what is coarse and loses what is fine. 0 where there is no contrast.
    """

    light: float
    contrast: float
    sharpness: float


class InputRange(Model):
    """Ranges over the images an inspector was made with, smallest and greatest.

    Attributes:
        height, width: pixels.
        brightness: mean of the pixels on the [0, 1] scale, colours alike.
        light, contrast, sharpness: see `ImageStatistics`; None in an inspector that was made before they were measured.
        images: how many were measured.
        bits: see `Preprocess`; the [0, 1] scale ends there.
    """

    height: Interval
    width: Interval
    brightness: Interval
    light: Interval | None = None
    contrast: Interval | None = None
    sharpness: Interval | None = None
    images: int = Field(ge=1)
    bits: int | None = Field(default=None, ge=8, le=16)

    @classmethod
    def of(cls, images: Iterable[Image], bits: int | None = None) -> Self:
        """Measure images.

        Args:
            bits: see `Preprocess`.

        >>> InputRange.of([np.full((2, 4), 51, np.uint8), np.full((3, 4), 102, np.uint8)]).brightness
        (0.2, 0.4)
        """
        measured = np.array([(*image.shape[:2], brightness(image, bits), *look(image, bits)) for image in images])
        if not len(measured):
            raise ValueError("no image to measure")
        low, high = measured.min(0).tolist(), measured.max(0).tolist()
        height, width, bright, light, contrast, sharpness = zip(low, high, strict=True)
        return cls(
            height=height,
            width=width,
            brightness=bright,
            light=light,
            contrast=contrast,
            sharpness=sharpness,
            images=len(measured),
            bits=bits,
        )

    def flags(self, image: Image) -> tuple[Flag, ...]:
        """What about an image lies far outside.

        `size`: a side below half the smallest or above twice the greatest. `brightness`: beyond the range by more than half
        of its width, at least 0.1, or below a third of the least. `light`: below a third of the least, or the values of a
        camera of fewer bits in a 16-bit file, unless the images were such. `bits`: values of a 16-bit image beyond the
        bits of those images. `contrast`: below half of the least. `sharpness`: below three quarters of the least, or above
        one and a half times the greatest, as pure noise is.
        """
        found: list[Flag] = []
        sides = zip(image.shape[:2], (self.height, self.width), strict=True)
        if any(not low / _SIZE_FACTOR <= side <= high * _SIZE_FACTOR for side, (low, high) in sides):
            found.append("size")
        darkest, brightest = self.brightness
        margin = max(_LEAST_MARGIN, (brightest - darkest) / 2)
        if not max(darkest - margin, darkest * _DARKER) <= brightness(image, self.bits) <= brightest + margin:
            found.append("brightness")
        blind = tuple(self._blind(look(image, self.bits)))
        if "light" not in blind and self._is_shifted(image):
            found.append("light")
        if self.bits is not None and image.dtype == np.uint16 and int(image.max()) >> self.bits:
            found.append("bits")
        return (*found, *blind)

    def _is_shifted(self, image: Image) -> bool:
        """Whether a 16-bit image holds the values of a camera of fewer bits, where the known images had more light."""
        known = self.light[1] if self.light is not None else self.brightness[1]
        top = white(image.dtype, self.bits)
        fewer = (top >> _SHIFTED,) if self.bits else (top >> _SHIFTED, top >> _UNUSED)
        return image.dtype == np.uint16 and any(known > most / top and int(image.max()) <= most for most in fewer)

    def _blind(self, seen: ImageStatistics) -> Iterable[Flag]:
        """What a camera does not see that is covered, without a lamp or out of focus."""
        if seen.light < _least(self.light, _DARKER, 0 if self.brightness[1] < 2 * _NOTHING else _NOTHING):
            yield "light"
        if seen.contrast < _least(self.contrast, _FLATTER, 0) or seen.contrast == 0:
            yield "contrast"
        if self.sharpness is not None and not (
            self.sharpness[0] * _DULLER <= seen.sharpness <= self.sharpness[1] * _NOISIER
        ):
            yield "sharpness"


def _least(range_: Interval | None, factor: float, otherwise: float) -> float:
    return otherwise if range_ is None else range_[0] * factor


def look(image: Image, bits: int | None = None) -> ImageStatistics:
    """Measure what a camera sees.

    Args:
        bits: see `Preprocess`.

    >>> look(np.full((64, 64), 51, np.uint8))
    ImageStatistics(light=0.2, contrast=0.0, sharpness=0.0)
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    top = white(image.dtype, bits)
    small: NDArray[np.float32] = cv2.resize(_unit(grey, top), _over(grey, _QUARTER), interpolation=cv2.INTER_AREA)
    coarse = _differences(small, _BLOCK // _QUARTER)
    contrast = float(np.quantile(coarse, _LIVELIEST))
    sharpness = 0.0
    if contrast > 0:
        lively = np.argsort(coarse)[-max(1, int(coarse.size * _LIVELY)) :]
        fine = _fine_differences(grey, top, lively)
        sharpness = float(np.median(fine)) / max(float(np.median(coarse[lively])), 1e-6)
    values = _counts(np.ascontiguousarray(grey[::2, ::2]), top).cumsum()
    light = min(1.0, int(np.searchsorted(values, _BRIGHT * values[-1])) / top)
    return ImageStatistics(round(light, 6), round(contrast, 6), round(sharpness, 6))


def _counts(grey: NDArray[Any], top: int) -> NDArray[np.int64]:
    """How many pixels have each value, from 0 to `top` at least."""
    if grey.dtype == np.uint8 and grey.size < _EXACT:
        counts: NDArray[np.float32] = cv2.calcHist([grey], [0], None, [256], [0, 256])
        return counts.ravel().astype(np.int64)
    return np.bincount(grey.ravel(), minlength=top + 1)


def _unit(grey: NDArray[Any], top: int) -> NDArray[np.float32]:
    """Pixels on the [0, 1] scale."""
    within = grey if top >= np.iinfo(grey.dtype).max else np.minimum(grey, top)
    values: NDArray[np.float32] = within.astype(np.float32)
    values *= np.float32(1 / top)
    return values


def _fine_differences(grey: NDArray[Any], top: int, blocks: NDArray[np.intp]) -> NDArray[np.float64]:
    """`_differences` of the whole image at full size, in some of its blocks.

    Where blocks are squares of whole pixels, only these are looked at, each with the pixels around it.
    """
    height, width = grey.shape
    if height % _BLOCK or width % _BLOCK:
        return _differences(_unit(grey, top), _BLOCK)[blocks]
    side = _BLOCK + 2
    around = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)  # as `cv2.blur` sees an image's edge
    every = np.lib.stride_tricks.sliding_window_view(around, (side, side))[::_BLOCK, ::_BLOCK]
    seen = _unit(every[np.divmod(blocks, width // _BLOCK)], top)
    apart = _apart(seen.reshape(-1, side)).reshape(seen.shape)[:, 1:-1, 1:-1]
    means: NDArray[np.float32] = cv2.resize(
        np.ascontiguousarray(apart).reshape(-1, _BLOCK), (1, len(blocks)), interpolation=cv2.INTER_AREA
    )
    return means.ravel().astype(np.float64)


def _over(image: NDArray[Any], step: int) -> tuple[int, int]:
    """Width and height of an image made so many times smaller, as OpenCV takes them."""
    return max(1, image.shape[1] // step), max(1, image.shape[0] // step)


def _differences(image: NDArray[np.float32], block: int) -> NDArray[np.float64]:
    """Mean difference of a pixel from its neighbourhood's mean, one number a block."""
    apart = _apart(image)
    blocks: NDArray[np.float32] = cv2.resize(apart, _over(apart, block), interpolation=cv2.INTER_AREA)
    return blocks.ravel().astype(np.float64)


def _apart(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel is from the mean of its neighbourhood."""
    apart: NDArray[np.float32] = cv2.absdiff(image, cv2.blur(image, (3, 3)))
    apart[apart < 1e-6] = 0  # what rounding leaves of nothing
    return apart


def brightness(image: Image, bits: int | None = None) -> float:
    """Mean of all pixels on the [0, 1] scale.

    >>> brightness(np.full((2, 2, 3), 51, np.uint8))
    0.2
    """
    channels = cv2.mean(image)[: 1 if image.ndim == 2 else image.shape[2]]
    return round(float(np.mean(channels)) / white(image.dtype, bits), 6)
