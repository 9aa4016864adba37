"""Lengths and areas as people write them, compared exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from steelsight.verdicts.units import AREAS, LENGTHS, AreaQuantity, Length, MmPerPixel, Quantity, Ruler

AREA: TypeAdapter[Quantity] = TypeAdapter(AreaQuantity)
LENGTH: TypeAdapter[Quantity] = TypeAdapter(Length)
NUMBERS = st.decimals("0.001", "9999", places=3).map(str)


@given(NUMBERS, st.sampled_from(AREAS), st.sampled_from(["", " "]))
def test_what_is_written_is_read_and_written_back(number: str, unit: str, space: str) -> None:
    found = AREA.validate_python(f"{number}{space}{unit}")
    assert (found.exact, found.unit) == (Fraction(number), unit)
    assert AREA.validate_python(AREA.dump_python(found)) == found
    assert AREA.validate_python(found.shown.replace("px", "px2") if unit == "px2" else found.shown) == found


@given(NUMBERS)
def test_units_of_one_size_are_the_same(number: str) -> None:
    thousandfold = str(Fraction(number) * 1000 // 1)
    assert LENGTH.validate_python(f"{thousandfold} cm").same == LENGTH.validate_python(f"{thousandfold}0 mm").same
    assert AREA.validate_python(f"{thousandfold} cm2").same == AREA.validate_python(f"{thousandfold}00 mm2").same
    assert AREA.validate_python(f"{number} px2").same != AREA.validate_python(f"{number} %").same


@given(st.integers(0, 10**6), st.integers(1, 50), st.integers(1, 50))
def test_a_ruler_measures_exactly(pixels: int, across: int, along: int) -> None:
    ruler = Ruler((250, 400), MmPerPixel(across=across / 10, along=along / 10))
    assert ruler.area(pixels, "mm2") == Fraction(pixels * across * along, 100) == 100 * ruler.area(pixels, "cm2")
    assert ruler.area(pixels, "%") == Fraction(pixels, 1000)
    assert ruler.across(pixels, "mm") == Fraction(pixels * across, 10) == 10 * ruler.across(pixels, "cm")
    assert ruler.along(pixels, "px") == pixels == ruler.area(pixels, "px2")
    assert ruler.metres == Fraction(400 * along, 10_000)


def test_two_square_centimetres_are_exactly_that() -> None:
    ruler = Ruler((256, 1600), MmPerPixel.model_validate(0.1))
    assert ruler.area(20_000, "cm2") == Quantity(2.0, "cm2").exact
    assert 0.1 * 0.1 * 20_000 / 100 != 2  # as floats would say


@pytest.mark.parametrize("text", ["2", "mm", "2 m", "0 mm", "-1 mm", "1e999 mm", "nan mm", "1..2 mm", "2 mm2", ""])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(ValidationError):
        LENGTH.validate_python(text)
    assert set(LENGTHS).isdisjoint(AREAS)
