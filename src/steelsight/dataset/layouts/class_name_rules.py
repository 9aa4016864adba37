"""Class names that every later step can write, read back and tell apart."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_plain, shown
from steelsight.dataset.layouts.good_names import marks_no_defect

_WHOLE_FLOAT = re.compile(r"([0-9]+)\.0+", re.ASCII)


def refuse_class_names(classes: Sequence[str], root: Path) -> None:
    """See that class names can be used: each says something, and no two of them would be one in a table.

    Raises:
        UserError: one cannot.
    """
    taken: dict[str, int] = {}
    for place, name in enumerate(classes):
        if not is_plain(name):
            raise UserError(f"{root}: class {shown(name)!r} has characters that no table can show; rename the class")
        if not any(one.isprintable() and not one.isspace() for one in name):
            raise UserError(f"{root}: a class is named {name!r}; give it a name that can be seen")
        if marks_no_defect(name):
            raise UserError(
                f"{root}: class {name!r} is no class of defects; images without a defect need no class, rename or remove it"
            )
        first = taken.setdefault(_in_a_table(name), place)
        if first != place:
            raise UserError(
                f"{root}: classes {classes[first]!r} and {name!r} would be one in a table; give each a name of its own"
            )


def _in_a_table(name: str) -> str:
    """As `score`, a spreadsheet and a reader take it: without spaces around it, 1.0 for 1, and without what has no width."""
    seen = "".join(one for one in name if unicodedata.category(one) != "Cf")
    text = unicodedata.normalize("NFC", " ".join(seen.split()))
    whole = _WHOLE_FLOAT.fullmatch(text)
    return whole[1] if whole else text
