"""Names in the order in which people count: 9 before 10, however many digits there are."""

import re
import unicodedata

_NUMBER = re.compile(r"(\d+)")

Natural = tuple[tuple[int, int, str, str], ...]


def natural(name: str) -> Natural:
    """A key that sorts the numbers in names by their value; numbers come before other text.

    >>> sorted(["strip10.png", "strip9.png", "plate2.png"], key=natural)
    ['plate2.png', 'strip9.png', 'strip10.png']
    >>> sorted(["10", "9", "a"], key=natural)
    ['9', '10', 'a']
    """
    parts = _NUMBER.split(name)
    return tuple(_number(part) if index % 2 else (1, 0, part, "") for index, part in enumerate(parts) if part)


def _number(digits: str) -> tuple[int, int, str, str]:
    """Compared by how many digits there are and then by these, since Python makes no number of thousands of them; `\\d` also
    matches digits of other scripts, and the text decides between 7 and 07."""
    plain = "".join(str(unicodedata.decimal(digit)) for digit in digits).lstrip("0")
    return 0, len(plain), plain, digits
