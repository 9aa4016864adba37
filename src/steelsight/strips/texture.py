"""The steel itself: speckle, lines along the strip, waves across it, and where it ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.strips.coil import Texture
from steelsight.strips.seeded_random import Field, field, looked_up, pick, profile, scores, speckle, waves


@dataclass(frozen=True)
class Extent:
    """Which columns of a surface show steel.

    Attributes:
        left, right: the first column and the one after the last, in its middle row.
        pad: columns and rows of the surface on each side that lie outside the frame.
        steel: bool (height, width).
    """

    left: int
    right: int
    pad: int
    steel: NDArray[np.bool_]


def woven(random: np.random.Generator, texture: Texture, size: tuple[int, int], scale: float) -> Field:
    """The reflectance of bare steel, float32 of `size` around 1; `scale` is pixels for one of line 1's."""
    amount = field(random, size, (170 * scale, 110 * scale))
    amount *= np.float32(texture.patchy * 0.6)
    amount += 1 + texture.patchy * profile(random, size[1], 40 * scale)
    np.maximum(amount, np.float32(0.15), out=amount)
    surface = _grain(random, texture, size, scale)
    surface += _mottle(random, texture, size, scale)
    surface += texture.streaks * _streaks(random, size, scale)
    surface += texture.ripples * field(random, size, (9 * scale, 13 * scale))
    surface *= amount
    surface += texture.stripes * field(random, size, (400 * scale, 9 * scale))
    surface += texture.stripes * 0.7 * profile(random, size[1], 20 * scale)
    surface += texture.stripes * profile(random, size[1], 55 * scale)
    surface += texture.cloud * field(random, size, (34 * scale, 42 * scale))
    if texture.chatter > 0.002:
        surface += _chatter(random, texture, size, scale)
    surface += 1
    return surface


def _grain(random: np.random.Generator, texture: Texture, size: tuple[int, int], scale: float) -> Field:
    down, across = 0.52 * scale**0.5, texture.blur * scale**0.5
    z = scores(down, across)
    tail = np.maximum(np.abs(z) - 2.05, 0) ** 2
    value = np.maximum(z, -1.9) + np.where(z > 0, texture.flecks * tail, 0)
    return looked_up(speckle(random, size, down, across), texture.grain * np.minimum(value, 16))


def _mottle(random: np.random.Generator, texture: Texture, size: tuple[int, int], scale: float) -> Field:
    across = texture.size * scale
    down = across * texture.long
    z = scores(down, across)
    tail = np.maximum(np.abs(z) - 1.4, 0)
    value = z + 0.17 * texture.flecks * np.where(z > 0, tail, -0.2 * tail)
    return looked_up(speckle(random, size, down, across), texture.mottle * np.clip(value, -6, 9))


def _streaks(random: np.random.Generator, size: tuple[int, int], scale: float) -> Field:
    lines = field(random, size, (110 * scale, 1.6 * scale))
    lines += 0.9 * field(random, size, (34 * scale, 5 * scale))
    return lines


def _chatter(random: np.random.Generator, texture: Texture, size: tuple[int, int], scale: float) -> Field:
    """Waves across the strip that rise and fall a little, as rolls leave them."""
    height, width = size
    ridges = waves(random, (height + 64, width), (2.6 * scale, 60 * scale))
    sway = np.clip(np.rint(profile(random, width, 160 * scale) * 6 * scale).astype(np.int64) + 32, 0, 64)
    places = (np.arange(height) * width)[:, None] + (sway * width + np.arange(width))[None, :]
    return looked_up(np.take(np.ascontiguousarray(ridges), places), texture.chatter * (np.arange(256) - 127.5) / 50)


def extent(random: np.random.Generator, size: tuple[int, int], scale: float, pad: int) -> Extent:
    """Where the strip begins and ends across: about half of all frames show a black margin, left or right.

    `pad` columns on each side lie outside the frame.
    """
    height, width = size
    seen = width - 2 * pad
    margin = 0
    if random.random() < 0.54:
        margin = round(pick(random, (0.01, 0.06, 0.1, 0.17, 0.45, 0.62, 0.66, 0.84, 0.88, 0.93)) * seen)
        margin = min(margin, seen - round(80 * min(scale, seen / 400)))
    at_left = random.random() < 0.55
    slope = (random.random() - 0.5) * 0.05
    lean = np.rint(slope * (np.arange(height) - height / 2)).astype(np.int64)
    columns = np.arange(width)[None, :]
    if not margin:
        return Extent(0, width, pad, np.ones(size, np.bool_))
    if at_left:
        return Extent(pad + margin, width, pad, columns >= (pad + margin + lean)[:, None])
    return Extent(0, width - pad - margin, pad, columns < (width - pad - margin + lean)[:, None])


def edged(random: np.random.Generator, surface: Field, where: Extent, scale: float) -> None:
    """Draw the worn band along a strip's edge, where there is one."""
    height, width = surface.shape
    if where.left == 0 and where.right == width:
        return
    band = max(4, round(pick(random, (6, 14, 30, 60)) * scale))
    inner = (where.left, where.left + band) if where.left else (where.right - band, where.right)
    left, right = max(0, inner[0]), min(width, inner[1])
    lines = profile(random, right - left, 3 * scale) * np.float32(0.12) + np.float32(
        pick(random, (-0.3, -0.1, 0.05, 0.4))
    )
    rough = field(random, (height, right - left), (14 * scale, 2 * scale)) * np.float32(pick(random, (0.02, 0.08, 0.2)))
    surface[:, left:right] *= np.maximum(1 + lines[None, :] + rough, np.float32(0.3))
    fall = max(2.0, pick(random, (1, 5, 15, 60)) * scale)
    away = np.arange(right - left, dtype=np.float32) if where.left else np.arange(right - left, dtype=np.float32)[::-1]
    surface[:, left:right] *= np.clip((away + 1) * np.float32(1 / fall) + np.float32(0.25), 0, 1)
    thin = max(2, round(4 * scale))
    rim = slice(where.left, where.left + thin) if where.left else slice(where.right - thin, where.right)
    surface[:, rim] *= np.float32(pick(random, (0.4, 0.6, 0.9, 1.5)))
