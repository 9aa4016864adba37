"""Lengths and areas with their unit, as a person writes them (`20 mm`, `2 cm2`, `0.5 %`), and how pixels compare with them.

All comparisons are exact: the numbers of a file are taken as the decimals that stand there, so that 20,000 pixels of
0.1 x 0.1 mm are exactly 2 cm² and not a little more.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from steelsight.core.formatting import apart
from steelsight.core.model import Model

LENGTHS = ("px", "mm", "cm")
AREAS = ("px2", "mm2", "cm2", "%")
_MILLIMETRES = {"mm": 1, "cm": 10, "mm2": 1, "cm2": 100}
_SHOWN = {"px2": "px", "mm2": "mm²", "cm2": "cm²"}


@dataclass(frozen=True)
class Quantity:
    """A number and its unit, one of `LENGTHS` or `AREAS`, or "" of a count; % is of the image's pixels that count."""

    value: float
    unit: str

    @property
    def exact(self) -> Fraction:
        """The number as the decimal that it is written as."""
        return Fraction(repr(self.value))

    @property
    def needs_scale(self) -> bool:
        """Whether millimetres per pixel must be known."""
        return self.unit in _MILLIMETRES

    @property
    def text(self) -> str:
        """As it is written in a file."""
        return f"{_plain(self.value)} {self.unit}"

    @property
    def shown(self) -> str:
        """As it is written for people.

        >>> Quantity(2.0, "cm2").shown, Quantity(1500.0, "px2").shown
        ('2 cm²', '1500 px')
        """
        return f"{_plain(self.value)} {_SHOWN.get(self.unit, self.unit)}".rstrip()

    @property
    def same(self) -> tuple[str, Fraction]:
        """Equal for quantities that mean the same: 2 cm² and 200 mm²."""
        if self.needs_scale:
            return "mm", self.exact * _MILLIMETRES[self.unit]
        return self.unit, self.exact

    def beside(self, found: Fraction) -> str:
        """A measured value in this unit, with as many digits as tell it from this one.

        >>> Quantity(2.0, "cm2").beside(Fraction("3.14")), Quantity(2.0, "cm2").beside(Fraction("2.0004"))
        ('3.1 cm²', '2.0004 cm²')
        """
        _, _, decimals = _plain(self.value).partition(".")
        least = max(len(decimals), 0 if self.unit.startswith("px") else 1)
        return f"{apart(float(found), self.value, least=least)[0]} {_SHOWN.get(self.unit, self.unit)}".rstrip()


def _plain(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _reader(units: tuple[str, ...], example: str) -> PlainValidator:
    def read(given: Any) -> Quantity:
        form = f"a number and its unit ({', '.join(units)}), for example {example}"
        found = re.fullmatch(r"([0-9.eE+-]+)\s*([a-z%]+2?)", str(given).strip().replace("²", "2"))
        if found is None:
            raise ValueError(f"it must be {form}")
        try:
            value = float(found[1])
        except ValueError:
            raise ValueError(f"it must be {form}") from None
        if found[2] not in units:
            raise ValueError(f"there is no unit {found[2]!r} here; it must be {form}")
        if not (isfinite(value) and value > 0):
            raise ValueError("it must be above 0")
        return Quantity(value, found[2])

    return PlainValidator(read)


_write = PlainSerializer(lambda quantity: quantity.text, return_type=str)

Length = Annotated[Quantity, _reader(LENGTHS, "20 mm"), _write]
AreaQuantity = Annotated[Quantity, _reader(AREAS, "2 cm2"), _write]


class MmPerPixel(Model):
    """Size of a pixel in mm; one number stands for both.

    Attributes:
        across: from row to row, across the strip.
        along: from column to column; the strip runs along the image's width.
    """

    across: float = Field(gt=0, allow_inf_nan=False)
    along: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _both(cls, given: Any) -> Any:
        return {"across": given, "along": given} if isinstance(given, str | int | float) else given


@dataclass(frozen=True)
class Ruler:
    """Measures pixels of one image in any unit.

    Attributes:
        size: height and width of the image in pixels.
        scale: size of a pixel; without it there are no millimetres.
        counted: pixels of the image that count, of which % are; None: all.
    """

    size: tuple[int, int]
    scale: MmPerPixel | None
    counted: int | None = None

    def area(self, pixels: int, unit: str) -> Fraction:
        """An area in one of `AREAS`.

        >>> float(Ruler((100, 200), MmPerPixel(across=0.5, along=0.4)).area(1000, "cm2"))
        2.0
        """
        match unit:
            case "px2":
                return Fraction(pixels)
            case "%":
                return Fraction(100 * pixels, self.counted or self.size[0] * self.size[1])
            case _:
                return pixels * self._mm("across") * self._mm("along") / _MILLIMETRES[unit]

    def across(self, pixels: int, unit: str) -> Fraction:
        """A length from row to row in one of `LENGTHS`."""
        return Fraction(pixels) if unit == "px" else pixels * self._mm("across") / _MILLIMETRES[unit]

    def along(self, pixels: int, unit: str) -> Fraction:
        """A length from column to column in one of `LENGTHS`."""
        return Fraction(pixels) if unit == "px" else pixels * self._mm("along") / _MILLIMETRES[unit]

    @property
    def metres(self) -> Fraction:
        """Length of strip that the image shows."""
        return self.size[1] * self._mm("along") / 1000

    def _mm(self, direction: str) -> Fraction:
        return Fraction(repr(getattr(self.scale, direction)))
