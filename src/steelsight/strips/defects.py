"""The four classes of defect: how many a strip shows, how large, where, and with what contrast.

Class 1 is pitting (small, many), 2 a fine crack along the strip (rare), 3 scratches and abrasion (common), 4 rolled-in scale
and slivers (large, raised, torn). Areas and counts have the quantiles of the competition's annotations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.strips.chance import Bytes, Field, pick
from steelsight.strips.looks import cracked, pitted, raised, scratched, scuffed
from steelsight.strips.shapes import Shape, blob, ribbon, torn
from steelsight.strips.texture import Extent

CLASSES = ("1", "2", "3", "4")
"""Names of the defect classes, in their order."""

AREAS = {
    1: (163, 1280, 2000, 2640, 3326, 4100, 5100, 6900, 31303),
    2: (316, 1500, 1950, 2430, 2944, 3500, 4240, 5400, 14023),
    3: (115, 2700, 5054, 7900, 11947, 18500, 29016, 54000, 368240),
    4: (491, 8200, 13114, 18600, 25357, 33500, 45221, 69000, 192780),
}
"""Pixels of a class in an image of 1600 x 256 that shows it, at each eighth of the competition's images."""

COUNTS = {1: (1, 1.4, 2.4, 5.4, 11), 2: (0.6, 1, 1.2, 1.4, 2.4), 3: (0.6, 1, 2, 4, 8), 4: (0.6, 1, 1.8, 3, 7)}
"""Separate defects of a class in such an image, at each quarter."""

_CROWDED = 0.45  # of the steel: no strip is all defect
_TRIES = 6


@dataclass(frozen=True)
class _Draw:
    """A shape, and how what it does to the reflectance is drawn."""

    shape: Shape
    change: Callable[[float], Field]


def harmed(
    random: np.random.Generator,
    surface: Field,
    where: Extent,
    classes: tuple[int, ...],
    difficulty: float,
    scale: float,
) -> Bytes:
    """Draw defects of these classes into a surface; the truth, uint8 like the surface: 0, or the class of the pixel.

    The higher the difficulty, in [0, 1], the fainter they are.
    """
    truth = np.zeros(surface.shape, np.uint8)
    for number in classes:
        target = pick(random, AREAS[number]) * scale**2
        target = min(target, _CROWDED * (where.right - where.left) * surface.shape[0] / len(classes))
        count = max(1, round(pick(random, COUNTS[number])))
        faint = (1.75 - 1.3 * difficulty) * pick(random, (0.35, 0.7, 1.0, 1.25, 1.8))
        parts = np.array([pick(random, (0.4, 1.0, 2.2)) for _ in range(count)])
        for part in parts / parts.sum():
            area = max(9.0, target * float(part))
            draws = [_shaped(random, number, area, where, surface.shape[0], scale) for _ in range(_TRIES)]
            free = [_free(draw.shape, truth, where) for draw in draws]
            best = int(np.argmax([share >= 0.98 or share for share in free]))
            _into(surface, truth, where, draws[best], number, faint * pick(random, (0.8, 1.0, 1.2)))
    return truth


def _free(shape: Shape, truth: Bytes, where: Extent) -> float:
    """The share of a shape that lies on steel that is still good."""
    rows, columns, own_rows, own_columns = shape.within((truth.shape[0], truth.shape[1]))
    good = shape.mask[own_rows, own_columns].astype(bool) & (truth[rows, columns] == 0) & where.steel[rows, columns]
    return float(good.sum() / max(1, shape.area))


def _into(surface: Field, truth: Bytes, where: Extent, draw: _Draw, number: int, contrast: float) -> None:
    rows, columns, own_rows, own_columns = draw.shape.within((truth.shape[0], truth.shape[1]))
    change = draw.change(contrast)[own_rows, own_columns]
    harm: NDArray[np.bool_] = draw.shape.mask[own_rows, own_columns].astype(bool)
    harm = harm & (truth[rows, columns] == 0) & where.steel[rows, columns]
    truth[rows, columns][harm] = number
    surface[rows, columns] *= 1 + change * harm


def _shaped(
    random: np.random.Generator, number: int, area: float, where: Extent, height: int, scale: float
) -> _Draw:
    """One defect of a class with about `area` pixels, somewhere on the steel."""
    wide = where.right - where.left
    place = where.left + random.random() * wide
    row = random.random() * height
    if number == 1:
        shape = torn(random, blob(random, (row, place), area * 1.1, pick(random, (0.8, 1.4, 2.2, 4)), 0.35), 1.5 * scale)
        return _Draw(shape, lambda contrast: pitted(random, shape.mask, contrast, scale))
    if number == 2:
        shape = _band(random, area, place, height, scale, (9, 14, 18, 24))
        return _Draw(shape, lambda contrast: cracked(random, shape, contrast, scale))
    if number == 4:
        tall = pick(random, (0.3, 0.6, 1.1, 2))
        shape = torn(random, blob(random, (row, place), area * 1.15, tall, 0.45), 4 * scale)
        return _Draw(shape, lambda contrast: raised(random, shape.mask, contrast, scale))
    if random.random() < 0.8:
        shape = _band(random, area, place, height, scale, (12, 18, 24, 36, 70))
        return _Draw(shape, lambda contrast: scratched(random, shape.mask, contrast, scale))
    tall = pick(random, (0.05, 0.3, 0.8, 1.6))
    shape = blob(random, (row, place), area, tall, 0.3)
    return _Draw(shape, lambda contrast: scuffed(random, shape.mask, contrast, scale))


def _band(
    random: np.random.Generator, area: float, place: float, height: int, scale: float, widths: tuple[float, ...]
) -> Shape:
    """A band down the strip of about `area` pixels: as wide as usual and as long as that allows, else wider."""
    width = min(pick(random, widths) * scale, area**0.5)
    length = int(min(height, max(3, area / width)))
    top = random.random() * (height - length)
    return ribbon(random, top, place, length, max(1.0, 1.08 * area / length), (random.random() - 0.5) * 0.06, 1.5 * scale)
