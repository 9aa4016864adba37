"""The two lines: what camera, light and resolution each has. Fixed before anything that notices a change was looked at.

Line 2 is the same kind of steel, in other strips, under a newer camera two metres further on: a wider view (0.75 of the
pixels for a millimetre), lit from the other side, brighter, with a softer lens, more noise, and a gain that differs from
column to column.
"""

from dataclasses import dataclass

from steelsight.core.errors import UserError


@dataclass(frozen=True)
class Line:
    """How one line sees its strips.

    Attributes:
        pixels: for a length that line 1 shows with one.
        brightness: of its light, against that of line 1.
        slope: brightness from the frame's top to its bottom; negative where the top is brighter.
        vignetting: share of brightness lost in the corners.
        noise: of the sensor, against that of line 1.
        fixed: deviation of the gain of single columns, as a share.
        lens: deviation of its blur in pixels.
        quality: of the JPEG files.
    """

    pixels: float
    brightness: float
    slope: float
    vignetting: float
    noise: float
    fixed: float
    lens: float
    quality: int


_FIRST = Line(1.0, 1.0, 1.0, 0.10, 1.0, 0.0, 0.0, 90)
_SECOND = Line(0.75, 1.25, -0.8, 0.25, 1.6, 0.012, 0.9, 85)


def line_of(number: int) -> Line:
    """The line of a number.

    Raises:
        UserError: it is neither 1 nor 2.
    """
    match number:
        case 1:
            return _FIRST
        case 2:
            return _SECOND
        case _:
            raise UserError(f"line {number}: there are two lines; choose 1 or 2")
