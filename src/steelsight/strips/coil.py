"""A coil: one texture, one light, one kind of trouble for all strips that are cut from it."""

from dataclasses import dataclass

from steelsight.strips.seeded_random import COIL, chosen, pick, stream

COMBINATIONS: tuple[tuple[tuple[int, ...], int], ...] = (
    ((3,), 4759),
    ((1,), 769),
    ((4,), 516),
    ((3, 4), 284),
    ((2,), 195),
    ((1, 3), 91),
    ((1, 2), 35),
    ((2, 3), 14),
    ((1, 2, 3), 2),
    ((2, 4), 1),
)
"""Classes that defective images show together, and in how many of the competition's 6,666 defective images."""

MARKS = ("oil", "drops", "scale", "roll", "weld", "dots", "bands", "tread")
"""What occurs on good strip too."""

_USUAL = {
    "oil": 0.30,
    "drops": 0.2,
    "scale": 0.30,
    "roll": 0.14,
    "weld": 0.03,
    "dots": 0.22,
    "bands": 0.75,
    "tread": 0.03,
}


@dataclass(frozen=True)
class Texture:
    """What rolling left: amplitudes as shares of the brightness, and how far they reach in pixels of line 1.

    Attributes:
        grain, mottle: fine and coarser speckle.
        streaks, stripes: lines along the strip, fine and broad.
        ripples: unevenness some ten pixels wide.
        chatter: waves across the strip.
        cloud: slow change.
        flecks: how heavy the speckle's tails are; bright ones where positive.
        patchy: how much the speckle differs from place to place.
        size, long: the mottle's size, and how much longer it is along the strip than across.
        blur: of the grain across the strip, in pixels.
    """

    grain: float
    mottle: float
    streaks: float
    stripes: float
    ripples: float
    chatter: float
    cloud: float
    flecks: float
    patchy: float
    size: float
    long: float
    blur: float


@dataclass(frozen=True)
class Light:
    """How the coil is lit: grey level of plain steel, slope along the frame, unevenness across and how far it
    reaches, the sensor's noise, and how much the exposure differs from line to line."""

    level: float
    slope: float
    uneven: float
    reach: float
    noise: float
    jitter: float


@dataclass(frozen=True)
class Coil:
    """One coil.

    Attributes:
        number: counted from 0.
        trouble: the classes that its defective strips show.
        share: of its strips that are defective.
        marks: the probability that a strip of it shows a mark, by the mark's name.
    """

    number: int
    texture: Texture
    light: Light
    trouble: tuple[int, ...]
    share: float
    marks: dict[str, float]


def coil_of(seed: int, number: int, defective: float) -> Coil:
    """The coil of a number; `defective` is the share of strips with a defect over many coils.

    Trouble comes by the coil: the square root of the share are troubled, and as many of a troubled coil's strips show it.
    """
    random = stream(seed, COIL, number)
    share = defective**0.5
    trouble = COMBINATIONS[chosen(random, [weight for _, weight in COMBINATIONS])][0]
    troubled = random.random() < share
    light = Light(
        level=pick(random, (40, 66, 80, 90, 100, 112, 165)),
        slope=pick(random, (0.2, 0.34, 0.41, 0.47, 0.54, 0.75)),
        uneven=pick(random, (0.05, 0.14, 0.2, 0.27, 0.5)),
        reach=pick(random, (120, 220, 320, 500)),
        noise=pick(random, (0.5, 0.75, 0.95, 1.15, 1.7)),
        jitter=pick(random, (0.001, 0.004, 0.007, 0.012)),
    )
    texture = Texture(
        grain=pick(random, (0.022, 0.042, 0.05, 0.06, 0.085)),
        mottle=pick(random, (0.004, 0.012, 0.02, 0.028, 0.06)),
        streaks=pick(random, (0.003, 0.008, 0.013, 0.02, 0.045)),
        stripes=pick(random, (0.003, 0.0095, 0.0145, 0.021, 0.055)),
        ripples=pick(random, (0.004, 0.011, 0.018, 0.028, 0.05)),
        chatter=pick(random, (0, 0.002, 0.006, 0.015, 0.045)),
        cloud=pick(random, (0.01, 0.024, 0.038, 0.075)),
        flecks=pick(random, (0.4, 2.6, 4.4, 6.5, 12)),
        patchy=pick(random, (0.1, 0.26, 0.4, 0.7)),
        size=pick(random, (1.3, 1.9, 2.6, 3.8)),
        long=pick(random, (0.9, 1.2, 1.7, 3.0)),
        blur=pick(random, (0.6, 0.75, 0.85, 0.95, 1.2)),
    )
    habits = {name: usual * pick(random, (0.1, 0.3, 0.7, 1.5, 2.4)) for name, usual in _USUAL.items()}
    habits["tread"] = 0.9 if random.random() < _USUAL["tread"] else 0.0
    return Coil(number, texture, light, trouble, share if troubled else 0.0, habits)
