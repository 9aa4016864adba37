"""Light and camera: from what a surface reflects to grey values."""

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.strips.coil import Light
from steelsight.strips.lines import Line
from steelsight.strips.seeded_random import NORMAL, Bytes, Field, looked_up, pick, profile, speckle

_DIMMEST = 32.0  # grey levels: no strip is so dark that its files would count as all black


def lit(
    random: np.random.Generator, surface: Field, steel: NDArray[np.bool_], light: Light, line: Line, scale: float
) -> Field:
    """Grey levels of a surface under a coil's light, and of the darkness beside it, before the camera."""
    height, width = surface.shape
    across = profile(random, width, light.reach * scale) * np.float32(light.uneven)
    across += profile(random, width, 50 * scale) * np.float32(light.uneven * 0.12)
    down = (np.arange(height, dtype=np.float32) + 0.5) / height - np.float32(0.5)
    level = max(_DIMMEST, light.level * line.brightness * pick(random, (0.85, 0.95, 1.05, 1.2)))
    bend = np.float32(pick(random, (-0.2, 0.0, 0.2, 0.6)))
    along = 1 + np.float32(light.slope * line.slope) * (down + bend * down * np.abs(down))
    place = np.linspace(-1, 1, width, dtype=np.float32)
    corner = 1 - np.float32(line.vignetting) * (place * place)
    rows = 1 + np.float32(light.jitter) * profile(random, height, 1)  # the exposure of single lines
    columns = np.maximum(1 + across, np.float32(0.25)) * corner
    if line.fixed:
        columns *= 1 + np.float32(line.fixed) * profile(random, width, 1)
    grey = surface * (np.float32(level) * columns)[None, :]
    grey *= (along * rows)[:, None]
    return np.asarray(grey * steel, np.float32)


def taken(random: np.random.Generator, grey: Field, light: Light, line: Line) -> Bytes:
    """What the camera makes of grey levels: noise that grows with the light, clipped to 8 bit; uint8 of the same size."""
    if line.lens:
        fine = np.clip(grey * 128, 0, 65535).astype(np.uint16)  # whole numbers: OpenCV blurs them the same everywhere
        grey = cv2.GaussianBlur(fine, (0, 0), line.lens).astype(np.float32) * np.float32(1 / 128)
    grain = looked_up(speckle(random, (grey.shape[0], grey.shape[1]), 0, 0), NORMAL * (light.noise * line.noise))
    grain *= np.float32(0.7) + grey * np.float32(0.016)
    grain += grey
    grain += np.float32(0.5)
    return np.clip(grain, 0, 255).astype(np.uint8)
