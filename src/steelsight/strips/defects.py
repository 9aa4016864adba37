"""The four classes of defect: how many a strip shows, how large, where, and with what contrast.

Class 1 is pitting (small, many), 2 a fine crack along the strip (rare), 3 scratches and abrasion (common), 4 rolled-in scale
and slivers (large, raised, torn). Areas and counts have the quantiles of the competition's annotations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.strips.defect_looks import cracked, pitted, raised, scratched, scuffed
from steelsight.strips.seeded_random import Bytes, Field, pick
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
_SLENDER = 6  # a band is at least so many times as long as wide, unless it fills the frame


@dataclass(frozen=True)
class _Draw:
    """A shape, and how what it does to the reflectance is drawn."""

    shape: Shape
    change: Callable[[float], Field]


@dataclass(frozen=True)
class _Ground:
    """Where defects may lie: the steel of the frame, `pad` pixels within the surface."""

    steel: NDArray[np.bool_]
    left: int
    right: int
    pad: int
    height: int
    scale: float


def harmed(
    random: np.random.Generator,
    surface: Field,
    where: Extent,
    classes: tuple[int, ...],
    difficulty: float,
    scale: float,
) -> Bytes:
    """Draw defects of these classes into a surface; the truth, uint8 like the surface: 0, or the class of the pixel.

    The frame shows at least some pixels of each class. The higher the difficulty, in [0, 1], the fainter they are.
    """
    height, width = surface.shape
    pad = where.pad
    left, right = max(where.left, pad), min(where.right, width - pad)
    ground = _Ground(where.steel, left, right, pad, height - 2 * pad, scale)
    truth = np.zeros(surface.shape, np.uint8)
    for number in classes:
        target = pick(random, AREAS[number]) * scale**2
        target = min(target, _CROWDED * (right - left) * ground.height / len(classes))
        faint = (1.6 - 1.2 * difficulty) * pick(random, (0.45, 0.8, 1.0, 1.25, 1.7))
        for area in _areas(random, number, target):
            _into(surface, truth, ground, _placed(random, number, area, ground, truth), number, faint)
        while not (truth[pad:-pad, pad:-pad] == number).any():
            _into(surface, truth, ground, _placed(random, number, target, ground, truth), number, faint)
    return truth


def _areas(random: np.random.Generator, number: int, target: float) -> list[float]:
    """Pixels of each separate defect, `target` together."""
    count = max(1, round(pick(random, COUNTS[number])))
    parts = [pick(random, (0.4, 1.0, 2.2)) for _ in range(count)]
    return [max(9.0, target * part / sum(parts)) for part in parts]


def _placed(random: np.random.Generator, number: int, area: float, ground: _Ground, truth: Bytes) -> _Draw:
    """The best of a few tries: a defect that lies whole on steel that is still good, or as much of it as can be."""
    best, most = None, -1.0
    for _ in range(_TRIES):
        draw = _shaped(random, number, area, ground)
        free = float(_good(draw.shape, truth, ground).sum()) / max(1, draw.shape.area)
        if free > most:
            best, most = draw, free
        if most > 0.98:
            break
    if best is None:
        raise ValueError("no try was made")
    return best


def _good(shape: Shape, truth: Bytes, ground: _Ground) -> NDArray[np.bool_]:
    """The pixels of a shape, within the surface, that lie on steel that is still good."""
    rows, columns, own_rows, own_columns = shape.within((truth.shape[0], truth.shape[1]))
    free = (truth[rows, columns] == 0) & ground.steel[rows, columns]
    return np.asarray(free & shape.mask[own_rows, own_columns].astype(bool), np.bool_)


def _into(surface: Field, truth: Bytes, ground: _Ground, draw: _Draw, number: int, contrast: float) -> None:
    rows, columns, own_rows, own_columns = draw.shape.within((truth.shape[0], truth.shape[1]))
    harm = _good(draw.shape, truth, ground)
    surface[rows, columns] *= 1 + draw.change(contrast)[own_rows, own_columns] * harm
    truth[rows, columns][harm] = number


def _shaped(random: np.random.Generator, number: int, area: float, ground: _Ground) -> _Draw:
    """One defect of a class with about `area` pixels, somewhere on the steel."""
    scale = ground.scale
    centre = ground.pad + random.random() * ground.height, ground.left + random.random() * (ground.right - ground.left)
    if number == 1:
        pit = blob(random, centre, area * 1.1, pick(random, (0.8, 1.4, 2.2, 4)), 0.35)
        shape = torn(random, pit, 1.5 * scale)
        return _Draw(shape, lambda contrast: pitted(random, shape.mask, contrast, scale))
    if number == 2:
        shape = _band(random, area, centre[1], ground, (9, 14, 18, 24))
        return _Draw(shape, lambda contrast: cracked(random, shape, contrast, scale))
    if number == 4:
        patch = blob(random, centre, area * 1.15, pick(random, (0.3, 0.6, 1.1, 2)), 0.45)
        shape = torn(random, patch, 4 * scale)
        return _Draw(shape, lambda contrast: raised(random, shape.mask, contrast, scale))
    if random.random() < 0.8:
        shape = _band(random, area, centre[1], ground, (12, 18, 24, 36, 70))
        return _Draw(shape, lambda contrast: scratched(random, shape.mask, contrast, scale))
    shape = blob(random, centre, area, pick(random, (0.05, 0.3, 0.8, 1.6)), 0.3)
    return _Draw(shape, lambda contrast: scuffed(random, shape.mask, contrast, scale))


def _band(random: np.random.Generator, area: float, place: float, ground: _Ground, widths: tuple[float, ...]) -> Shape:
    """A band down the strip of about `area` pixels in the frame: as wide as usual where that is slender, else wider, and
    through the whole surface where it fills the frame's height."""
    width = min(pick(random, widths) * ground.scale, max((area / _SLENDER) ** 0.5, area / ground.height))
    length = int(min(ground.height, max(3, area / max(width, 0.5))))
    width = max(1.0, 1.08 * area / length)
    top = ground.pad + random.random() * (ground.height - length)
    if length == ground.height:
        top, length = 0, length + 2 * ground.pad
    lean = (random.random() - 0.5) * 0.06
    return ribbon(random, top, place - width / 2, length, width, lean, 1.5 * ground.scale)
