"""Pictures for people: an image with the outlines of what was found, and a legend."""

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.core.formatting import apart
from steelsight.imaging.depth import in_8bit
from steelsight.imaging.preprocess import Image
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.verdicts.policy import VerdictAnswer
from steelsight.verdicts.verdict import Verdict

# Okabe and Ito's colours (RGB), told apart with any kind of colour vision; black is left out on dark steel.
COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE, _LEFT = 22, 8  # pixels of the legend: per line, and before its text
_RIGHT = 2
"""Pixels that stay dark after a line: older OpenCV draws one more than the length that it states."""
_TEXT = 0.5
_DASH, _GAP = 4, 3
"""Of the outline around what is suspected, in thicknesses of a line."""

Colour = tuple[int, int, int]
_LIGHT = (235, 235, 235)
_BORDER = (190, 190, 190)
_VERDICT_COLOURS: dict[VerdictAnswer, tuple[Colour, Colour]] = {
    "pass": ((70, 70, 70), _LIGHT),
    "review": ((150, 150, 150), (0, 0, 0)),
    "reject": ((255, 255, 255), (0, 0, 0)),
}
"""Box and ink: the graver, the brighter. Grey, since colours are the classes'."""


class _Entry(NamedTuple):
    """A piece of the legend, the space after it in pixels, and the box that it stands in, if any."""

    text: str
    colour: Colour
    gap: int
    box: Colour | None = None


def class_colour(index: int) -> Colour:
    """RGB colour of the class with this index; after seven classes they come round again."""
    return COLOURS[index % len(COLOURS)]


def draw_overlay(
    image: Image,
    runs: Sequence[Runs],
    classes: Sequence[str],
    p_defect: float,
    verdict: Verdict | None = None,
    suspected: Sequence[Runs] = (),
    counted: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Outline each class's mask in its colour, what is suspected with dashes, and add a legend below, the verdict first: RGB
    uint8 (height + legend, width, 3).

    Args:
        suspected: by class; empty where nothing is.
        counted: bool (height, width), the region of interest, whose border is drawn thinly; None: the whole image.
    """
    size = (image.shape[0], image.shape[1])
    canvas = _as_rgb(image)
    thickness = max(1, round(min(size) / 160))
    if counted is not None:
        border, _ = cv2.findContours(counted.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, border, -1, _BORDER, 1)
    for index, of_class in enumerate(suspected):
        for outline in _outlines(of_class, size):
            _dash(canvas, outline, class_colour(index), thickness)
    for index, of_class in enumerate(runs):
        cv2.drawContours(canvas, _outlines(of_class, size), -1, class_colour(index), thickness)
    legend = _strip(_legend(runs, classes, p_defect, suspected), size[1])
    return np.concatenate([canvas, *([_strip(_said(verdict), size[1])] if verdict else []), legend])


def _outlines(runs: Runs, size: tuple[int, int]) -> Sequence[NDArray[np.int32]]:
    """Outer and inner borders of a mask."""
    if not runs.area:
        return ()
    found, _ = cv2.findContours(decode_runs(runs, size).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(outline, np.int32) for outline in found]


def _dash(canvas: NDArray[np.uint8], outline: NDArray[np.int32], colour: Colour, thickness: int) -> None:
    """One dash at least, of a contour that goes from pixel to pixel."""
    dash, period = _DASH * thickness, (_DASH + _GAP) * thickness
    for start in range(0, len(outline), period):
        piece = outline[start : start + dash]
        # of one point alone polylines draw nothing
        cv2.polylines(canvas, [piece if len(piece) > 1 else np.repeat(piece, 2, axis=0)], False, colour, thickness)


def _as_rgb(image: Image) -> NDArray[np.uint8]:
    grey_or_colour = in_8bit(image)
    if grey_or_colour.ndim == 2:
        grey_or_colour = np.repeat(grey_or_colour[..., None], 3, axis=2)
    return np.ascontiguousarray(grey_or_colour)


def _said(verdict: Verdict) -> list[_Entry]:
    """The verdict in a box of its own, and why, word by word."""
    box, ink = _VERDICT_COLOURS[verdict.answer]
    words = [_Entry(word, _LIGHT, 6) for word in verdict.reason.split()]
    return [_Entry(verdict.answer.upper(), ink, 18, box), *words]


def _legend(runs: Sequence[Runs], classes: Sequence[str], p_defect: float, suspected: Sequence[Runs]) -> list[_Entry]:
    """P(defect), then every class with its area."""
    entries = [
        _Entry("P(defect) unknown" if isnan(p_defect) else f"P(defect) {apart(p_defect, least=3)[0]}", _LIGHT, 20)
    ]
    for index, (name, of_class) in enumerate(zip(classes, runs, strict=True)):
        doubtful = suspected[index].area if suspected else 0
        text = f"{name}: {of_class.area:,} px" if of_class.area else f"{name}: -"
        if doubtful:
            text += f" ({doubtful:,} px suspected, dashed)"
        entries.append(_Entry(text, class_colour(index) if of_class.area or doubtful else (120, 120, 120), 20))
    return entries


def _strip(entries: Sequence[_Entry], width: int) -> NDArray[np.uint8]:
    """The entries on dark, broken into as many lines as the width needs."""
    placed: list[tuple[_Entry, str, int, int, int]] = []
    left, line = _LEFT, 0
    for entry in entries:
        # OpenCV's built-in font has no other characters
        plain = entry.text.replace("²", "2").encode("ascii", "replace").decode("ascii")
        for piece in _broken(plain, width - _LEFT - _RIGHT):
            length = _length(piece)
            if left > _LEFT and left + length > width - _RIGHT:
                left, line = _LEFT, line + 1
            placed.append((entry, piece, left, line, length))
            left += length + entry.gap
    strip = np.full(((line + 1) * _LINE + 4, width, 3), 24, np.uint8)
    for entry, plain, x, row, length in placed:
        if entry.box is not None:
            top = row * _LINE + 3
            cv2.rectangle(strip, (x - 5, top), (x + length + 5, top + _LINE - 2), entry.box, cv2.FILLED)
        cv2.putText(strip, plain, (x, row * _LINE + 18), _FONT, _TEXT, entry.colour, 1, cv2.LINE_AA)
    return strip


def _broken(text: str, room: int) -> list[str]:
    """A text in pieces that fit into some pixels, cut at its last space or, in a word that is longer, anywhere."""
    pieces = []
    while _length(text) > room and len(text) > 1:
        fits = next((end for end in range(len(text) - 1, 1, -1) if _length(text[:end]) <= room), 1)
        space = text.rfind(" ", 1, fits + 1)
        end = space if space > 0 else fits
        pieces.append(text[:end])
        text = text[end:].lstrip()
    return [*pieces, text]


def _length(text: str) -> int:
    """Its pixels in the legend."""
    return int(cv2.getTextSize(text, _FONT, _TEXT, 1)[0][0])
