"""JSON as labelling tools write it, with one sentence for what is none."""

import codecs
import json
from pathlib import Path
from typing import Any

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.text_file import read_text


def read_json(file: Path) -> Any:
    """What a JSON file holds.

    Raises:
        UserError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise UserError(f"{file}, line {error.lineno}: not JSON ({error.msg}); export it again") from None
    except RecursionError:
        raise UserError(f"{file}: nested deeper than any label file; export it again") from None
    except ValueError:  # Python's own limit, which is there against endless conversion
        raise UserError(f"{file}: a number in it has thousands of digits; export it again") from None


def mentions(file: Path, *keys: str) -> bool:
    """Whether a file, in UTF-8 or UTF-16, has each of these keys; it need not be JSON.

    Raises:
        UserError: it cannot be read.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check its rights") from error
    if b"\0" in text[:2] or text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = text.replace(b"\0", b"")
    return all(f'"{key}"'.encode() in text for key in keys)


def number(value: Any) -> float | None:
    """A finite number, or a text that is one; None for everything else.

    >>> number("2.5"), number(3), number(True), number("nan"), number(None)
    (2.5, 3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < float("inf") else None


def points_of(value: Any) -> list[tuple[float, float]] | None:
    """A list of pairs of numbers; None where it is none.

    >>> points_of([[1, 2], ["3", 4.5]]), points_of([[1, 2], 3])
    ([(1.0, 2.0), (3.0, 4.5)], None)
    """
    if not isinstance(value, list):
        return None
    points = []
    for one in value:
        pair = [number(part) for part in one] if isinstance(one, list | tuple) else []
        if len(pair) != 2 or pair[0] is None or pair[1] is None:
            return None
        points.append((pair[0], pair[1]))
    return points
