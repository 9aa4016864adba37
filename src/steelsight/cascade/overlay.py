"""Pictures for people: an image with the outlines of what was found, and a legend."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.preprocess import Image
from steelsight.rle import Runs, decode_runs

# Okabe and Ito's colours (RGB), told apart with any kind of colour vision; black is left out on dark steel.
COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE = 22  # pixels per line of the legend
_TEXT = 0.5


def class_colour(index: int) -> tuple[int, int, int]:
    """RGB colour of the class with this index; after seven classes they come round again."""
    return COLOURS[index % len(COLOURS)]


def draw_overlay(image: Image, runs: Sequence[Runs], classes: Sequence[str], p_defect: float) -> NDArray[np.uint8]:
    """Outline each class's mask in its colour and add a legend below: RGB uint8 (height + legend, width, 3)."""
    size = (image.shape[0], image.shape[1])
    canvas = _as_rgb(image)
    thickness = max(1, round(min(size) / 160))
    for index, of_class in enumerate(runs):
        if of_class.area:
            mask = decode_runs(of_class, size).astype(np.uint8)
            outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(canvas, outlines, -1, class_colour(index), thickness)
    return np.concatenate([canvas, _legend(size[1], runs, classes, p_defect)])


def _as_rgb(image: Image) -> NDArray[np.uint8]:
    grey_or_colour = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.astype(np.uint8)
    if grey_or_colour.ndim == 2:
        grey_or_colour = np.repeat(grey_or_colour[..., None], 3, axis=2)
    return np.ascontiguousarray(grey_or_colour)


def _legend(width: int, runs: Sequence[Runs], classes: Sequence[str], p_defect: float) -> NDArray[np.uint8]:
    """P(defect), then every class with its area, broken into as many lines as the width needs."""
    entries: list[tuple[str, tuple[int, int, int]]] = [(f"P(defect) {p_defect:.3f}", (235, 235, 235))]
    for index, (name, of_class) in enumerate(zip(classes, runs, strict=True)):
        found = f"{of_class.area} px" if of_class.area else "-"
        plain = name.encode("ascii", "replace").decode("ascii")  # OpenCV's built-in font has no other characters
        entries.append((f"{plain}: {found}", class_colour(index) if of_class.area else (120, 120, 120)))
    placed: list[tuple[str, tuple[int, int, int], int, int]] = []
    left, line = 8, 0
    for text, colour in entries:
        length = cv2.getTextSize(text, _FONT, _TEXT, 1)[0][0] + 20
        if left > 8 and left + length > width:
            left, line = 8, line + 1
        placed.append((text, colour, left, line))
        left += length
    strip = np.full(((line + 1) * _LINE + 4, width, 3), 24, np.uint8)
    for text, colour, x, row in placed:
        cv2.putText(strip, text, (x, row * _LINE + 18), _FONT, _TEXT, colour, 1, cv2.LINE_AA)
    return strip
