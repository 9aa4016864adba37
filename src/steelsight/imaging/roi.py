"""The region of interest: which part of a line's images counts. Edges, stamps and a mandrel beside it do not.

Outside of it networks see black, as beyond the end of a strip, and nothing is marked or suspected there. It is a mask or
polygons that a person drew once for a line, or `strip`: the strip itself, found in every image anew.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from steelsight.core.errors import UserError
from steelsight.core.model import Model, explain, keys_of
from steelsight.core.parsing import parse_json
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import ImageError, is_image_name, read_image
from steelsight.imaging.rle import RunError, decode_runs, encode_mask, format_runs, parse_runs
from steelsight.imaging.strip_edge import strip_mask

STRIP = "strip"

Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Polygon = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=3)]
"""x and y of the corners: pixels from the image's upper left edge, or shares of its width and height."""

Size = tuple[int, int]
"""Height and width."""

_FILE = (
    "a region is a mask image, white where it counts, or JSON such as "
    '{"inside": [[[0, 0.1], [1, 0.1], [1, 0.9], [0, 0.9]]]}, '
    "in shares of the width and height, or in pixels with width and height beside it"
)


class RoiError(UserError):
    """An image that a region of interest does not fit."""


class Polygons(Model):
    """What counts, drawn with polygons.

    Attributes:
        inside: what counts; the whole image where none is given.
        outside: what does not, within that.
        width, height: of the images that corners in pixels are of; without them corners are shares of both.
    """

    inside: tuple[Polygon, ...] = ()
    outside: tuple[Polygon, ...] = ()
    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _agree(self) -> "Polygons":
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height are given together, or not at all")
        if not self.inside and not self.outside:
            raise ValueError("there is no polygon; draw one inside or outside")
        limits = (self.width or 1, self.height or 1)
        for corners in (*self.inside, *self.outside):
            for corner in corners:
                if any(not -limit / 100 <= value <= 1.01 * limit for value, limit in zip(corner, limits, strict=True)):
                    raise ValueError(
                        f"the corner ({corner[0]:g}, {corner[1]:g}) lies outside of {limits[0]:g} x {limits[1]:g} (width x "
                        "height); for corners in pixels give width and height"
                    )
        return self

    @property
    def size(self) -> Size | None:
        """Of the images that it is for; None for all."""
        return None if self.height is None or self.width is None else (self.height, self.width)

    def draw(self, size: Size) -> NDArray[np.bool_]:
        """What counts of an image of this size."""
        scale = (1.0, 1.0) if self.size is not None else (float(size[1]), float(size[0]))
        inside = _union(self.inside, size, scale) if self.inside else np.ones(size, np.bool_)
        return inside & ~_union(self.outside, size, scale)


class Mask(Model):
    """What counts, pixel by pixel.

    Attributes:
        height, width: of the images that it is for.
        runs: of the pixels that count, as in `submission.csv`.
    """

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    runs: str = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> "Mask":
        try:
            parse_runs(self.runs, self.size)
        except RunError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def size(self) -> Size:
        """Of the images that it is for."""
        return self.height, self.width

    def draw(self, size: Size) -> NDArray[np.bool_]:
        """What counts."""
        return decode_runs(parse_runs(self.runs, size), size)


class Roi(Model):
    """A region of interest: of the three, one.

    Attributes:
        strip: the strip as `steelsight.imaging.strip_edge` finds it in each image.
        polygons, mask: the same for all images.

    >>> roi = Roi(polygons=Polygons(outside=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)))
    >>> roi.counted(np.zeros((1, 4), np.uint8)).astype(int).tolist()
    [[0, 0, 1, 1]]
    """

    strip: Literal[True] | None = None
    polygons: Polygons | None = None
    mask: Mask | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Roi":
        if sum(part is not None for part in (self.strip, self.polygons, self.mask)) != 1:
            raise ValueError("a region of interest is a strip, polygons or a mask: one of the three")
        return self

    @property
    def text(self) -> str:
        """What it is, in words."""
        if self.strip:
            return "the strip, found in each image"
        if self.mask is not None:
            return f"a mask for images of {self.mask.width} x {self.mask.height} pixels (width x height)"
        if self.polygons is None or self.polygons.size is None:
            return "polygons, for images of any size"
        return f"polygons for images of {self.polygons.width} x {self.polygons.height} pixels (width x height)"

    def counted(self, image: Image) -> NDArray[np.bool_]:
        """The pixels of an image that count: bool (H, W).

        Raises:
            RoiError: it is for images of another size, or nothing of this one counts.
        """
        if self.strip:
            return strip_mask(image)
        return _drawn(self, (image.shape[0], image.shape[1]))

    def blacken(self, image: Image) -> Image:
        """The image as networks see it: black outside of the region.

        Raises:
            RoiError: see `counted`.
        """
        counted = self.counted(image)
        return blackened(image, counted)


def blackened(image: Image, counted: NDArray[np.bool_]) -> Image:
    """An image with black where it does not count; the very image where all of it does."""
    if counted.all():
        return image
    inside = counted if image.ndim == 2 else counted[..., None]
    return np.where(inside, image, image.dtype.type(0))


def read_inside(path: Path, roi: Roi | None, *, grey: bool = False) -> Image:
    """Read an image as networks see it.

    Raises:
        ImageError: see `read_image`.
        RoiError: the region does not fit it.
    """
    image = read_image(path, grey=grey)
    if roi is None:
        return image
    try:
        return roi.blacken(image)
    except RoiError as error:
        raise RoiError(f"{path}: {error}") from None


def choose_roi(given: str | None) -> Roi | None:
    """The region that a user asks for.

    Args:
        given: `none`, `strip`, or the file of a mask or of polygons; None for `none`.

    Raises:
        UserError: there is no such file, or it is neither.
    """
    if given is None or given == "none":
        return None
    return Roi(strip=True) if given == STRIP else read_roi(Path(given))


def read_roi(path: Path) -> Roi:
    """Read a mask image or the JSON of polygons.

    Raises:
        UserError: it is neither, or leaves nothing to be judged.
    """
    if is_image_name(path):
        return Roi(mask=_read_mask(path))
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"`roi={path}`: there is no such file; {_FILE}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"`roi={path}`: cannot be read ({error}); {_FILE}") from None
    try:
        polygons = Polygons.model_validate_json(json.dumps(content))
    except ValidationError as error:
        said = explain(error, keys=lambda _: keys_of(Polygons), mend=_FILE)
        raise UserError(f"`roi={path}`: {said}") from None
    return Roi(polygons=polygons)


def _read_mask(path: Path) -> Mask:
    try:
        pixels = read_image(path)
    except ImageError as error:
        if error.kind == "missing-image":
            raise UserError(f"`roi={path}`: there is no such file; {_FILE}") from None
        raise UserError(f"`roi={path}`: {error.sentence}; {_FILE}") from None
    if pixels.ndim != 2:
        raise UserError(f"`roi={path}`: a mask in colour; save it in grey, white where it counts")
    counted = pixels > np.iinfo(pixels.dtype).max // 2
    if not counted.any():
        raise UserError(
            f"`roi={path}`: no pixel is white, so nothing would count; save it in grey, white where it counts"
        )
    height, width = counted.shape
    return Mask(height=height, width=width, runs=format_runs(encode_mask(counted)))


@lru_cache(maxsize=16)
def _drawn(roi: Roi, size: Size) -> NDArray[np.bool_]:
    """A fixed region for images of one size; not to be written to."""
    shape = roi.mask or roi.polygons
    if shape is None:
        raise ValueError("a strip is found in each image")
    if shape.size is not None and shape.size != size:
        raise RoiError(
            f"the region of interest is for images of {shape.size[1]} x {shape.size[0]} pixels (width x height), and this "
            f"one has {size[1]} x {size[0]}; draw it for this size, or as polygons in shares of the sides, which fit any"
        )
    counted = shape.draw(size)
    if not counted.any():
        raise RoiError(
            f"no pixel of an image of {size[1]} x {size[0]} (width x height) lies in the region of interest; draw it larger"
        )
    counted.flags.writeable = False
    return counted


def _union(polygons: tuple[Polygon, ...], size: Size, scale: tuple[float, float]) -> NDArray[np.bool_]:
    mask = np.zeros(size, np.bool_)
    for corners in polygons:
        mask |= _filled(np.array(corners, np.float64) * scale, size)
    return mask


def _filled(corners: NDArray[np.float64], size: Size) -> NDArray[np.bool_]:
    """The pixels whose centres lie in a polygon, by the even-odd rule."""
    toggled = np.zeros((size[0], size[1] + 1), np.uint8)
    rows = np.arange(size[0]) + 0.5
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crossed = np.flatnonzero((rows >= min(y0, y1)) & (rows < max(y0, y1)))
        if crossed.size:
            x = x0 + (rows[crossed] - y0) * (x1 - x0) / (y1 - y0)
            toggled[crossed, np.clip(np.ceil(x - 0.5), 0, size[1]).astype(np.int64)] ^= 1
    return np.bitwise_xor.accumulate(toggled, axis=1)[:, :-1].astype(np.bool_)
