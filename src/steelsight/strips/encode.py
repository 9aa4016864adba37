"""A drawn strip as the camera's computer stores it."""

import cv2

from steelsight.strips.lines import line_of
from steelsight.strips.seeded_random import Bytes


def as_jpeg(image: Bytes, line: int = 1) -> bytes:
    """A JPEG of the quality that a line stores.

    >>> from steelsight.strips.draw import draw_strip
    >>> as_jpeg(draw_strip(7, 0, size=(64, 400)).image)[:2].hex()
    'ffd8'
    """
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, line_of(line).quality])[1].tobytes()
