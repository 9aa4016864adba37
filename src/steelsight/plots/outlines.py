"""Images with outlines, as JPEG inside the page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steelsight.imaging.preprocess import Image

TRUTH = (86, 180, 233)
PREDICTION = (230, 159, 0)
"""RGB of the two outlines: Okabe and Ito's sky blue and orange, apart for every kind of colour vision and on grey steel."""

_QUALITY = 82
_DENSITY = 1.3  # pixels of a picture per pixel of the page, for fine screens and paper
_WIDEST, _TALLEST = 1120, 300
_LEAST = 300  # pixels of the longer side: small tiles are enlarged, so that an outline has room
STRIP = 4
"""Times as wide as high: takes a row of the page of its own."""
_MARGIN = np.ones((5, 5), np.uint8)  # outlines lie two pixels outside, so that a small defect stays visible
_DASH, _GAP = 9, 5
_TEXT = 0.5  # OpenCV's font scale

Line = Literal["solid", "dashed"]
Colour = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The masks to draw in one colour.

    Attributes:
        masks: bool (classes, H, W), at the image's own size.
        colour: RGB.
        line: dashed lines stay apart from solid ones on a grey print.
    """

    masks: NDArray[np.bool_]
    colour: tuple[int, int, int]
    line: Line = "solid"


def display(image: Image) -> Colour:
    """An image as 8-bit RGB; 16-bit images are stretched between their 0.5 and 99.5 % quantiles."""
    pixels: NDArray[Any] = np.asarray(image)
    if pixels.dtype == np.uint16:
        low, high = (float(bound) for bound in np.quantile(pixels, (0.005, 0.995)))
        pixels = np.clip((pixels.astype(np.float32) - low) * (255 / max(high - low, 1.0)), 0, 255)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def outlined(image: Image, outlines: Sequence[Outline], classes: Sequence[str] = (), widest: int = _WIDEST) -> Colour:
    """Draw outlines on an image, brought to a size that suits the page; classes are named beside their outlines.

    Args:
        image: any size and depth.
        outlines: drawn in this order.
        classes: names to write beside each outline; none where empty or where there is but one class.
        widest: width limit of the picture in pixels.
    """
    canvas = sized(display(image), widest)
    for outline in outlines:
        for index, mask in enumerate(outline.masks):
            if not mask.any():
                continue
            contours = _contours(mask, (canvas.shape[1], canvas.shape[0]))
            for contour in contours:
                _line(canvas, contour, outline)
            if len(classes) > 1 and contours:
                _name(canvas, max(contours, key=cv2.contourArea), classes[index], outline)
    return canvas


def page_width(picture: Colour) -> int:
    """Width in pixels at which the page shows a picture."""
    return int(picture.shape[1] / _DENSITY)


def jpeg(picture: Colour) -> Markup:
    """A picture as a `data:` address."""
    done, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise RuntimeError(f"OpenCV could not encode a picture of shape {picture.shape} as JPEG")
    return Markup("data:image/jpeg;base64,") + base64.b64encode(content.tobytes()).decode("ascii")


def fitted(picture: Colour, widest: int = _WIDEST) -> Colour:
    """A picture no wider than the page."""
    if picture.shape[1] <= widest:
        return picture
    size = (widest, round(picture.shape[0] * widest / picture.shape[1]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def sized(picture: Colour, widest: int = _WIDEST) -> Colour:
    """A picture at the size that suits the page."""
    height, width = picture.shape[:2]
    if width < STRIP * height:
        widest = widest // 2 - 20  # two beside each other
    scale = min(widest / width, _TALLEST / height, max(1.0, _LEAST / max(height, width)))
    if scale == 1.0:
        return picture.copy()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=method))


def _contours(mask: NDArray[np.bool_], size: tuple[int, int]) -> list[NDArray[np.int32]]:
    """Outer and inner borders of a mask at the picture's (width, height)."""
    shown = mask.astype(np.uint8)
    if shown.shape[::-1] != size:
        area = cv2.resize(
            shown * 255, size, interpolation=cv2.INTER_AREA if size[0] < shown.shape[1] else cv2.INTER_LINEAR
        )
        shown = (area > 127).astype(np.uint8)
        if not shown.any():
            shown = (area > 0).astype(np.uint8)
    found, _ = cv2.findContours(cv2.dilate(shown, _MARGIN), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(contour, dtype=np.int32) for contour in found]


def _line(canvas: Colour, contour: NDArray[np.int32], outline: Outline) -> None:
    if outline.line == "solid" or len(contour) < 2 * _DASH:
        cv2.polylines(canvas, [contour], True, outline.colour, 2, cv2.LINE_AA)
        return
    for start in range(0, len(contour), _DASH + _GAP):
        cv2.polylines(canvas, [contour[start : start + _DASH]], False, outline.colour, 2, cv2.LINE_AA)


def _name(canvas: Colour, contour: NDArray[np.int32], name: str, outline: Outline) -> None:
    """A small plate in the outline's colour, outside it where there is room: above truth, below prediction."""
    left, top, width, height = cv2.boundingRect(contour)
    (text_width, text_height), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, _TEXT, 1)
    plate_width, plate_height = text_width + 6, text_height + 6
    above, below = top - plate_height - 3, top + height + 3
    first, second = (above, below) if outline.line == "solid" else (below, above)
    fits = 0 <= first <= canvas.shape[0] - plate_height
    x = left if outline.line == "solid" else left + width - plate_width
    x = int(np.clip(x, 0, max(0, canvas.shape[1] - plate_width)))
    y = int(np.clip(first if fits else second, 0, max(0, canvas.shape[0] - plate_height)))
    cv2.rectangle(canvas, (x, y), (x + plate_width - 1, y + plate_height - 1), outline.colour, cv2.FILLED)
    corner = (x + 3, y + plate_height - 4)
    cv2.putText(canvas, name, corner, cv2.FONT_HERSHEY_SIMPLEX, _TEXT, (15, 15, 15), 1, cv2.LINE_AA)
