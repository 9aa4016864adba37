"""One strip from (seed, index): its image and its exact truth, whatever else is drawn before, after or beside it."""

import math
from dataclasses import dataclass

import numpy as np

from steelsight.core.errors import UserError
from steelsight.strips import harmless_marks as marks
from steelsight.strips import light, texture
from steelsight.strips.coil import Coil, coil_of
from steelsight.strips.defects import harmed
from steelsight.strips.lines import line_of
from steelsight.strips.seeded_random import DEFECTS, LIGHT, NOISE, SURFACE, Bytes, stream
from steelsight.strips.twins import seen, source_of, view_of

_LEAST, _MOST = 32, 8192
_HEIGHT = 256  # of the frame in which lengths are given
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Strip:
    """One strip.

    Attributes:
        index: which strip of its seed.
        image: uint8 (height, width), before any encoding.
        truth: uint8 (height, width): 0, or the class (1 to 4) of the defect drawn in that pixel.
        coil: number of the coil that it is cut from.
        twin_of: the earlier strip that shows the same surface; None where there is none.
        marks: what occurs on it that is no defect.
    """

    index: int
    image: Bytes
    truth: Bytes
    coil: int
    twin_of: int | None
    marks: tuple[str, ...]


def draw_strip(
    seed: int,
    index: int,
    *,
    size: tuple[int, int] = (256, 1600),
    defective: float = 0.5,
    difficulty: float = 0.5,
    strips_per_coil: int = 4,
    line: int = 1,
    with_defects: bool = True,
) -> Strip:
    """Draw strip `index` of a seed.

    Args:
        size: height and width of the frame in pixels. A height of 256 shows steel as the competition's images do; another
            shows the same kind of steel with more or fewer pixels, and another strip of it: coil, light and classes stay, and
            the rest is drawn anew.
        defective: share of strips with a defect, in [0, 1], over many coils.
        difficulty: 0 draws defects boldly, 1 faintly.
        strips_per_coil: strips that follow each other from one coil.
        line: 1, or 2: the same kind of steel, as another strip, under another camera and light (`strips/lines.py`).
        with_defects: without them the same strip is drawn as if it were good.

    Raises:
        UserError: an argument is out of its range.

    >>> strip = draw_strip(7, 0, size=(64, 400))
    >>> strip.image.shape, strip.image.dtype.name, strip.coil
    ((64, 400), 'uint8', 0)
    >>> bool((draw_strip(7, 0, size=(64, 400)).image == strip.image).all())
    True
    """
    check_wish(seed, size, defective, difficulty, strips_per_coil)
    if index < 0:
        raise UserError(f"strip {index}: strips are counted from 0")
    kind = line_of(line)
    scale = size[0] / _HEIGHT * kind.pixels
    source = source_of(seed, index)
    coil = coil_of(seed, source // strips_per_coil, defective)
    pad = max(1, round(14 * scale))
    canvas = (size[0] + 2 * pad, size[1] + 2 * pad)
    random = stream(seed, SURFACE, source)
    where = texture.extent(random, canvas, scale, pad)
    surface = texture.woven(random, coil.texture, canvas, scale)
    shown = marks.marked(random, surface, coil, scale)
    texture.edged(random, surface, where, scale)
    trouble = planned(seed, source, coil)
    truth = np.zeros(canvas, np.uint8)
    if trouble and with_defects:
        truth = harmed(stream(seed, DEFECTS, source), surface, where, trouble, difficulty, scale)
    view = view_of(seed, index, source, pad)
    np.maximum(surface, np.float32(0.02), out=surface)
    grey = light.lit(
        stream(seed, LIGHT, index), seen(view, surface, size), seen(view, where.steel, size), coil.light, kind, scale
    )
    image = light.taken(stream(seed, NOISE, index), grey, coil.light, kind)
    exact = np.ascontiguousarray(seen(view, truth, size))
    return Strip(index, image, exact, coil.number, None if source == index else source, shown)


def planned(seed: int, source: int, coil: Coil) -> tuple[int, ...]:
    """The classes of defect that a strip of a coil shows; none where it is good."""
    return coil.trouble if stream(seed, DEFECTS, source, 1).random() < coil.share else ()


def check_wish(seed: int, size: tuple[int, int], defective: float, difficulty: float, strips_per_coil: int) -> None:
    """See that what strips are asked for makes sense.

    Raises:
        UserError: a value is out of its range.
    """
    if not 0 <= seed <= _LARGEST_SEED:
        raise UserError(f"seed {seed}: a seed is a whole number from 0 to {_LARGEST_SEED}")
    if not all(_LEAST <= length <= _MOST for length in size):
        raise UserError(
            f"size {size[0]}x{size[1]}: height and width must each be {_LEAST} to {_MOST} pixels, as in 256x1600"
        )
    for name, share in (("share of defective strips", defective), ("difficulty", difficulty)):
        if not (math.isfinite(share) and 0 <= share <= 1):
            raise UserError(f"{name} {share:g}: it must lie between 0 and 1, as in 0.5")
    if strips_per_coil < 1:
        raise UserError(f"{strips_per_coil} strips per coil: a coil has at least 1 strip")
