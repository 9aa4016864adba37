"""What occurs on good strip too: bands, oil, drops, scale, roll marks, weld seams, dotted lines, tread."""

import cv2
import numpy as np

from steelsight.strips.coil import Coil
from steelsight.strips.seeded_random import Field, field, looked_up, pick, profile, scores, sine, speckle
from steelsight.strips.shapes import Shape, blob, ribbon


def marked(random: np.random.Generator, surface: Field, coil: Coil, scale: float) -> tuple[str, ...]:
    """Draw the marks that chance and the coil's habits give a strip into its surface; says which."""
    shown = tuple(name for name, share in coil.marks.items() if random.random() < share)
    for name in shown:
        match name:
            case "bands":
                _bands(random, surface, scale)
            case "oil":
                _oil(random, surface, scale)
            case "drops":
                _drops(random, surface, scale)
            case "scale":
                _scale(random, surface, scale)
            case "roll":
                _roll(random, surface, scale)
            case "weld":
                _weld(random, surface, scale)
            case "dots":
                _dots(random, surface, scale)
            case "tread":
                _tread(random, surface, scale)
    return shown


def _bands(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Stretches of the width that are lighter or darker over the whole length, with soft or hard sides."""
    width = surface.shape[1]
    for _ in range(1 + int(random.integers(5))):
        breadth = max(4, round(pick(random, (5, 12, 30, 80, 240)) * scale))
        left = int(random.integers(-breadth // 2, max(1, width - breadth // 2)))
        side = max(1, round(min(0.5, pick(random, (0.02, 0.2, 0.5, 0.5))) * breadth))
        place = np.arange(breadth, dtype=np.float32)
        rise = np.clip(np.minimum(place + 1, breadth - place) / np.float32(side), 0, 1)
        change = rise * np.float32(
            pick(random, (-0.25, -0.1, -0.04, 0.05, 0.12, 0.3)) * min(1, 40 * scale / breadth + 0.3)
        )
        first, last = max(0, left), min(width, left + breadth)
        surface[:, first:last] *= 1 + change[first - left : last - left]


def _zone(random: np.random.Generator, surface: Field, scale: float) -> slice:
    """Some part of the width."""
    width = surface.shape[1]
    breadth = min(width, max(24, round(pick(random, (60, 200, 500, 1000, 1700)) * scale)))
    left = int(random.integers(width - breadth + 1))
    return slice(left, left + breadth)


def _fade(width: int, ends: float) -> Field:
    """From 0 at both ends to 1 within."""
    place = np.arange(width, dtype=np.float32)
    return np.clip(np.minimum(place, width - 1 - place) / np.float32(max(1.0, ends)), 0, 1)


def _oil(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Stains that ran down the strip, with clear edges."""
    zone = surface[:, _zone(random, surface, scale)]
    long = pick(random, (20, 45, 90, 180))
    run = field(random, zone.shape, (long * scale, pick(random, (3, 5, 8, 16)) * scale))
    run += 0.5 * field(random, zone.shape, (long * 0.3 * scale, 2.5 * scale))
    run += 0.8 * profile(random, zone.shape[1], 60 * scale)
    run += 0.9 * _fade(zone.shape[1], 50 * scale) - np.float32(pick(random, (1.2, 1.8, 2.4, 3.2)))
    depth = pick(random, (-0.15, 0.08, 0.16, 0.26, 0.45))
    zone *= 1 - np.clip(run * 5, 0, 1) * np.float32(depth)


def _drops(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Drops of water or oil: a changed inside with a rim."""
    depth, rim = pick(random, (-0.15, 0.1, 0.2, 0.4)), pick(random, (-0.1, 0.05, 0.25))
    for _ in range(1 + int(random.integers(14))):
        centre = random.random() * surface.shape[0], random.random() * surface.shape[1]
        area = pick(random, (12, 40, 120, 500, 3000)) * scale**2
        _stained(surface, blob(random, centre, area, pick(random, (0.8, 1.2, 2, 4)), 0.12), depth, rim)


def _stained(surface: Field, shape: Shape, depth: float, rim: float) -> None:
    rows, columns, own_rows, own_columns = shape.within((surface.shape[0], surface.shape[1]))
    soft = cv2.blur(shape.mask * np.uint8(255), (3, 3), borderType=cv2.BORDER_CONSTANT)
    inside = soft[own_rows, own_columns].astype(np.float32) * np.float32(1 / 255)
    surface[rows, columns] *= 1 - np.float32(depth) * inside + np.float32(4 * rim) * inside * (1 - inside)


def _scale(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Flakes of scale: light or dark specks that crowd in places."""
    zone = surface[:, _zone(random, surface, scale)]
    size = (zone.shape[0], zone.shape[1])
    across = pick(random, (0.7, 0.9, 1.2, 1.9)) * scale
    down = across * pick(random, (0.8, 1.2, 2.2))
    crowd = field(random, size, (150 * scale, 45 * scale)) + 0.8 * profile(random, size[1], 30 * scale)
    crowd += 1.2 * _fade(size[1], 60 * scale) - np.float32(pick(random, (0.6, 1.2, 2.0)))
    z = scores(down, across)
    sparse = pick(random, (0.4, 1.0, 1.7, 2.3))
    flakes = looked_up(speckle(random, size, down, across), np.clip((z - sparse) * 1.6, 0, 1.6))
    amount = np.float32(pick(random, (-0.25, -0.12, 0.1, 0.2, 0.45)))
    zone *= 1 + flakes * (np.clip(crowd * 0.6, 0, 1) * amount)


def _roll(random: np.random.Generator, surface: Field, scale: float) -> None:
    """A mark that the roll prints again at every turn."""
    height, width = surface.shape
    period = pick(random, (40, 70, 110, 170)) * scale
    left, top = random.random() * width, -random.random() * period
    area, tall = pick(random, (30, 100, 300, 900)) * scale**2, pick(random, (0.3, 0.8, 2, 4))
    depth, rim = pick(random, (-0.3, -0.1, 0.12, 0.35)), pick(random, (-0.15, 0, 0.2))
    mark = blob(random, (0, 0), area, tall, 0.25)
    while top < height + 20 * scale:
        _stained(surface, Shape(mark.top + round(top), mark.left + round(left), mark.mask), depth, rim)
        top += period


def _weld(random: np.random.Generator, surface: Field, scale: float) -> None:
    """A seam across the strip: a rippled band between darker sides."""
    height, width = surface.shape
    half = max(2, round(pick(random, (5, 9, 16)) * scale))
    middle = random.random() * height
    lean = (random.random() - 0.5) * 0.04
    path = middle + lean * np.arange(width) + 1.5 * scale * profile(random, width, 30 * scale)
    away = np.abs(np.arange(height, dtype=np.float32)[:, None] - path.astype(np.float32)[None, :])
    ripple = profile(random, width, 5 * scale) * np.float32(0.12)
    seam = np.clip(half - away, 0, 2) * np.float32(0.5)
    side = np.clip(3 * half - away, 0, 2 * half) * np.float32(1 / (2 * half))
    surface *= 1 + seam * (np.float32(pick(random, (-0.2, 0.25, 0.5))) + ripple) - side * np.float32(0.12)


def _dots(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Lines of bright or dark dots down the strip, as dirt on a guide leaves them."""
    height, width = surface.shape
    for _ in range(1 + int(random.integers(3))):
        length = round(height * pick(random, (0.4, 1.0, 1.2)))
        top = random.random() * height - length / 2 if random.random() < 0.4 else 0
        shape = ribbon(random, top, random.random() * width, length, pick(random, (2, 5, 12)) * scale, 0.0, 1.5 * scale)
        rows, columns, own_rows, own_columns = shape.within((height, width))
        mask = shape.mask[own_rows, own_columns]
        z = scores(1.2 * scale, 0.9 * scale)
        dots = looked_up(
            speckle(random, mask.shape, 1.2 * scale, 0.9 * scale), np.clip((z - pick(random, (0.6, 1.6))) * 0.5, 0, 1)
        )
        surface[rows, columns] *= 1 + dots * mask * np.float32(pick(random, (-0.5, 0.2, 0.6, 1.4)))


def _tread(random: np.random.Generator, surface: Field, scale: float) -> None:
    """Raised lozenges of floor plate, in rows that take turns in direction; the plate is dull between them."""
    height, width = surface.shape
    step = max(16, round(pick(random, (70, 90, 130)) * scale))
    long, thin = 0.34 * step, 0.09 * step
    rows = np.arange(step, dtype=np.float64)[:, None] - step / 2
    columns = np.arange(step, dtype=np.float64)[None, :] - step / 2
    cell = np.zeros((2, step, step), np.float32)
    for way, sign in enumerate((1, -1)):
        along, away = (columns + sign * rows) * 0.7071, (columns - sign * rows) * 0.7071
        away = away + 0.003 * along * along
        inside = np.clip(1.4 - (along / long) ** 2 - (away / thin) ** 2, 0, 1)
        cell[way] = inside * (0.6 + 0.4 * sine(away / (2 * thin)))
    tile = np.block([[cell[0], cell[1]], [cell[1], cell[0]]])
    down, across = height // (2 * step) + 2, width // (2 * step) + 2
    top, left = int(random.integers(2 * step)), int(random.integers(2 * step))
    plate = np.tile(tile, (down, across))[top : top + height, left : left + width]
    bright = np.maximum(profile(random, width, 200 * scale) * np.float32(0.5) + 1, np.float32(0.1))
    surface *= np.float32(pick(random, (0.4, 0.55, 0.9))) * (
        1 + plate * (bright * np.float32(pick(random, (0.2, 0.6, 1.2))))[None, :]
    )
