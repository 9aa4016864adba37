"""Names of the classes of index masks, however a tool writes the background before them."""

import re
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_background, is_ignore
from steelsight.dataset.layouts.severstal import header
from steelsight.dataset.layouts.text_file import read_text

_NAMED_INDEX = re.compile(r"(.+)_([1-9][0-9]{0,8})", re.ASCII)
_NUMBERED = re.compile(r"([0-9]{1,9})\s*[:;,.\t )=-]\s*(\S.*)", re.ASCII)


def class_names(root: Path) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The names of index 1, 2 and so on, from `classes.txt` or `index.csv`, and what was passed over; None where neither
    names them.

    `classes.txt` has one name a line, that of index 1 first. Before it may stand a name for what is to be ignored and one for
    the background; lines may have numbers, which then count.

    Raises:
        UserError: `classes.txt` is no list of different names.
    """
    listed, table = root / "classes.txt", root / "index.csv"
    if listed.is_file():
        return _listed(listed)
    if table.is_file():
        found = {int(match[2]): match[1] for match in map(_NAMED_INDEX.fullmatch, header(table)) if match}
        if found and sorted(found) == list(range(1, len(found) + 1)) and len(set(found.values())) == len(found):
            return tuple(found[index] for index in sorted(found)), ()
    return None, ()


def _listed(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lines = [line.strip() for line in read_text(file).splitlines()]
    lines = [line for line in lines if line]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    found = [match for match in numbered if match]
    if lines and len(found) == len(lines):
        names, passed = _by_number(file, [(int(match[1]), match[2].strip()) for match in found])
    else:
        names, passed = lines, []
        for test in (is_ignore, is_background):
            if names and test(names[0]):
                passed.append(names[0])
                names = names[1:]
    wrong = [name for name in names if is_background(name) or is_ignore(name)]
    if wrong:
        raise UserError(
            f"{file}: {wrong[0]!r} is no class of defects; the background is index 0, so its name stands first or not at all"
        )
    if not names or len(set(names)) < len(names):
        raise UserError(f"{file}: {len(names)} names; it must hold one different name a line, index 1 first")
    return tuple(names), tuple(f"{file.name}: {name!r} is ignored: it is no class of defects" for name in passed)


def _by_number(file: Path, lines: list[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """Names by the numbers before them; 0 must be the background."""
    passed = [name for number, name in lines if number == 0 and (is_background(name) or is_ignore(name))]
    classes = [(number, name) for number, name in lines if number != 0 or name not in passed]
    if [number for number, _ in classes] != list(range(1, len(classes) + 1)):
        raise UserError(
            f"{file}: the numbers before the names begin {', '.join(str(number) for number, _ in lines[:5])}; index 0 is "
            "the background, and the classes are 1, 2 and so on, in their order"
        )
    return [name for _, name in classes], passed
