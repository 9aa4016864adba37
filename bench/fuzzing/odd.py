"""Draws by hypothesis, and the values that readers stumble over."""

import math
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

TEXTS = (
    *("", " ", "0", "-1", "1.0", "1e999", "nan", "1" * 5000, "9" * 30, "%d", "${HOME}", "~", "null", "true", "None"),
    *("=1+2", "@SUM(A1)", "a\nb", "a\tb", "\u202egpj.exe", "\ud800", "\u200b", "[red]x[/]", "{{ 7*7 }}", "<b>&amp;"),
    *(unicodedata.normalize("NFD", "Größe"), "GRÖSSE", "../../x.png", "/etc/hostname", "C:\\a\\b.png", "a" * 252),
    *("good", "not good", "no_good", "background", "_background_", "ignore", "a,b;c", '"', "'", "\\", "%00", "\x00"),
    *("1 2 3", "1 0", "0 5", "5 -1", "1 99999999999999999999", "1 2 2 2", "a.jpg.png"),
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, 1, 2, -1, 255, 256, 65536, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e-320, 1e308, -1e308,
    math.nan, math.inf, -math.inf, True, False,
)  # fmt: skip
WHOLE = (0, 1, 2, 3, 7, 8, 16, 32, 64, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
NESTED: tuple[Any, ...] = (
    None,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    [1, 2],
    [[1, 2], [3, 4]],
    {"a": [1]},
    [["a"]],
    [1, "a", None],
)


class Draw:
    """What one example of hypothesis draws."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def whole(self, least: int, most: int) -> int:
        return int(self._data.draw(st.integers(least, most)))

    def one(self, values: Sequence[T]) -> T:
        return values[self.whole(0, len(values) - 1)]

    def often(self, share: float) -> bool:
        """True in about this share of the examples."""
        return self.whole(0, 99) < share * 100

    def some_bytes(self, most: int = 32) -> bytes:
        return self._data.draw(st.binary(max_size=most))

    def text(self) -> str:
        if self.often(0.8):
            return self.one(TEXTS)
        return self._data.draw(st.text(max_size=20))

    def number(self) -> Any:
        if self.often(0.7):
            return self.one(NUMBERS)
        return self._data.draw(st.one_of(st.integers(-3, 70), st.floats()))

    def value(self) -> Any:
        """Anything that JSON can say."""
        match self.whole(0, 3):
            case 0:
                return self.text()
            case 1:
                return self.one(NESTED)
            case _:
                return self.number()
