"""An image beside the same image with its masks filled in the colours of their classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.preprocess import Image
from steelsight.plots.outlines import STRIP, Colour, display, sized

_OPACITY = 0.7
_GAP = 6  # white pixels between the two


def filled_beside(image: Image, masks: NDArray[np.bool_], colours: Sequence[tuple[int, int, int]]) -> Colour:
    """The image, and beside it (below it, where it is a strip) the same with each class's mask filled.

    Args:
        image: any size and depth.
        masks: bool (classes, H, W), at the image's own size.
        colours: RGB, one per class; where two classes overlap, the later one is on top.
    """
    shown = display(image)
    painted = shown.copy()
    for mask, colour in zip(masks, colours, strict=True):
        painted[mask] = np.round((1 - _OPACITY) * shown[mask] + _OPACITY * np.array(colour)).astype(np.uint8)
    pictures = [sized(picture) for picture in (shown, painted)]
    height, width = pictures[0].shape[:2]
    axis = 0 if width >= STRIP * height else 1
    gap = np.full((_GAP, width, 3) if axis == 0 else (height, _GAP, 3), 255, np.uint8)
    return np.concatenate([pictures[0], gap, pictures[1]], axis)
