"""How each class of defect looks: what it does to the reflectance inside its shape. Nothing outside the shape changes."""

import cv2
import numpy as np

from steelsight.strips.seeded_random import Bytes, Field, field, looked_up, pick, profile, scores, speckle
from steelsight.strips.shapes import Shape


def pitted(random: np.random.Generator, mask: Bytes, contrast: float, scale: float) -> Field:
    """A pit: dark and rough, with flecks of light on its walls. The change of reflectance, float32 like the mask."""
    size = (mask.shape[0], mask.shape[1])
    down, across = 1.6 * scale, 1.1 * scale
    z = scores(down, across)
    bright = pick(random, (0.2, 0.5, 1.0))
    rough = looked_up(speckle(random, size, down, across), -0.5 - 0.28 * z + bright * np.maximum(z - 0.9, 0))
    return rough * _soft(mask, 2 * scale) * np.float32(0.75 * contrast)


def cracked(random: np.random.Generator, shape: Shape, contrast: float, scale: float) -> Field:
    """A fine crack: a dark thread, broken here and there, in a band of disturbed steel."""
    mask, middle = shape.mask, shape.middle
    height, width = mask.shape
    if middle is None:
        raise ValueError("a crack follows a ribbon")
    away = np.abs(np.arange(width)[None, :] - middle[:, None]).astype(np.float32)
    thread = np.clip(np.float32(1.1 * scale + 0.4) - away + 0.5 * profile(random, height, 5 * scale)[:, None], 0, 1)
    thread *= np.clip(profile(random, height, 14 * scale) * np.float32(0.6) + 1, 0.1, 1)[:, None]
    disturbed = field(random, (height, width), (5 * scale, 1.3 * scale)) * np.float32(0.13) + np.float32(
        pick(random, (-0.2, -0.08, 0.1))
    )
    change = (disturbed * _soft(mask, 1.5 * scale) - np.float32(0.55) * thread) * np.float32(contrast)
    return np.asarray(change * mask, np.float32)


def scratched(random: np.random.Generator, mask: Bytes, contrast: float, scale: float) -> Field:
    """A bundle of fine scratches or a rubbed band along the strip: bright or dark lines, broken and specked."""
    height, width = mask.shape
    size = (height, width)
    fine = profile(random, width, 1.4 * scale)[None, :] + 0.8 * field(random, size, (70 * scale, 1.2 * scale))
    fine += 0.7 * profile(random, width, 9 * scale)[None, :]  # most of them lie close together
    fine += 0.8 * field(random, size, (22 * scale, 3 * scale))
    lines = np.clip(fine - np.float32(pick(random, (-0.4, 0.5, 1.0, 1.5))), 0, 2.5)
    lines *= np.clip(field(random, size, (9 * scale, 2 * scale)) * np.float32(0.45) + 1, 0.1, 2)
    z = scores(1.0 * scale, 0.7 * scale)
    specks = looked_up(speckle(random, size, 1.0 * scale, 0.7 * scale), np.maximum(z - 1.3, 0) + 0.12 * z)
    dark = random.random() < 0.55
    strength = pick(random, (-0.15, -0.22, -0.34)) if dark else pick(random, (0.1, 0.16, 0.28, 0.5))
    change = lines * np.float32(strength) + specks * np.float32(pick(random, (0.04, 0.12, 0.25, 0.5)))
    change += np.float32(pick(random, (-0.1, -0.03, 0.04, 0.12)))
    change *= _soft(mask, 3 * scale) * np.float32(contrast)
    return np.asarray(np.clip(change, -0.8, 2.2), np.float32)


def scuffed(random: np.random.Generator, mask: Bytes, contrast: float, scale: float) -> Field:
    """A patch that was knocked or rubbed: specks and short strokes, bright as bare metal or dull."""
    size = (mask.shape[0], mask.shape[1])
    down, across = pick(random, (1.0, 2.0)) * scale, pick(random, (1.0, 2.5, 6.0)) * scale
    z = scores(down, across)
    bright = pick(random, (-0.25, 0.15, 0.35, 0.8))
    strokes = looked_up(speckle(random, size, down, across), bright * np.maximum(z - 0.9, 0) - 0.1 * z - 0.06)
    strokes *= _soft(mask, 5 * scale) * np.float32(contrast)
    return np.asarray(np.maximum(strokes, -0.8), np.float32)


def raised(random: np.random.Generator, mask: Bytes, contrast: float, scale: float) -> Field:
    """Rolled-in scale or a sliver: a darker skin in relief, lit from one side, with a shadow where its edge stands up."""
    height, width = mask.shape
    step = max(1, round(1.5 * scale))
    room = (height + step, width + step)
    down, across = pick(random, (2.5, 4, 6)) * scale, pick(random, (3, 6, 10)) * scale
    hills = looked_up(speckle(random, room, down, across), scores(down, across))
    hills += 1.2 * field(random, room, (13 * scale, 34 * scale))
    hills += 3 * field(random, room, (45 * scale, 60 * scale))
    slope = (hills[step:, step:] - hills[:-step, :-step]) * np.float32(pick(random, (0.25, 0.45, 0.8)))
    edge = _soft(mask, 4 * scale)
    rim = np.clip(1 - np.abs(edge - np.float32(0.6)) * 3, 0, 1) * mask
    skin = np.float32(pick(random, (-0.5, -0.35, -0.2, -0.05)))
    fine = looked_up(
        speckle(random, (height, width), 0.9 * scale, 0.9 * scale), 0.07 * scores(0.9 * scale, 0.9 * scale)
    )
    change = (skin + slope + fine) * np.maximum(edge, np.float32(0.5)) - np.float32(0.3) * rim
    return np.asarray(np.clip(change * np.float32(contrast), -0.85, 1.5) * mask, np.float32)


def _soft(mask: Bytes, reach: float) -> Field:
    """From 0 at the edge of a mask to 1 inside; 0 outside."""
    side = 2 * max(1, round(reach)) + 1
    inner = cv2.blur(mask * np.uint8(255), (side, side), borderType=cv2.BORDER_CONSTANT).astype(np.float32)
    inner *= np.float32(1 / 255)
    return np.asarray(inner * mask, np.float32)
