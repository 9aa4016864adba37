"""Which colour of a mask means which class, from the files in which tools write it, and masks read by it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_ignore
from steelsight.dataset.layouts.good_names import marks_no_defect
from steelsight.dataset.layouts.listing import Marks, Size, wrong_size
from steelsight.dataset.layouts.mask_images import contradicts_alpha
from steelsight.dataset.layouts.text_file import read_text, table_rows
from steelsight.dataset.model import Fault
from steelsight.imaging.read import ImageError, read_image
from steelsight.imaging.rle import encode_mask

FILES = ("legend.csv", "class_dict.csv", "labelmap.txt", "label_colors.txt")

Colour = tuple[int, int, int]

_LABELMAP = re.compile(r"([^:#]+):\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*(:.*)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_COLOURLESS = re.compile(r"([^:#]+):\s*:.*")
_NAME_COLUMNS = ("name", "class", "label")
_COLOUR_COLUMNS = (("r", "red"), ("g", "green"), ("b", "blue"))
_MOST_COLOURS = 256
_BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Legend:
    """Names by colour.

    Attributes:
        file: where it stands.
        names: of each colour; that of the background is None.
        classes: in the order of the file, without those that say what is not to be judged.
    """

    file: Path
    names: Mapping[Colour, str | None]
    classes: tuple[str, ...]


def palette() -> list[Colour]:
    """Pascal VOC's 256 colours: the bits of an index go round red, green and blue, from the greatest bit of each down.

    >>> palette()[:3], palette()[255]
    ([(0, 0, 0), (128, 0, 0), (0, 128, 0)], (224, 224, 192))
    """
    colours = []
    for index in range(256):
        red, green, blue = (
            sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)
        )
        colours.append((red, green, blue))
    return colours


def find_legend(root: Path) -> Path | None:
    """The file that names the colours, if there is one."""
    return next((root / name for name in FILES if (root / name).is_file()), None)


def read_legend(file: Path) -> Legend:
    """Read `labelmap.txt` of CVAT and Datumaro (name:r,g,b:parts:actions), or a CSV with the columns name, r, g, b.

    Where no line of `labelmap.txt` has a colour, the colours are Pascal VOC's, in the order of the lines. Black is the
    background unless a class has it.

    Raises:
        UserError: a line that is neither, a colour twice, or a name twice.
    """
    rows = _of_table(file) if file.suffix.lower() == ".csv" else _of_labelmap(file)
    names: dict[Colour, str | None] = {}
    classes: list[str] = []
    for line, name, colour in rows:
        if max(colour) > 255:
            raise UserError(f"{file}, line {line}: colour {colour}; red, green and blue are 0 to 255")
        if colour in names:
            raise UserError(
                f"{file}, line {line}: colour {colour} is that of {names[colour] or 'the background'} already"
            )
        if name in classes:
            raise UserError(f"{file}, line {line}: class {name!r} has a colour already; give each class one colour")
        names[colour] = None if marks_no_defect(name) else name
        if not (marks_no_defect(name) or is_ignore(name)):
            classes.append(name)
    if not classes:
        raise UserError(f"{file}: names no class; write a line for each, such as scratch:255,0,0::")
    names.setdefault(_BLACK, None)
    if is_ignore(names[_BLACK] or "") and None not in names.values():
        names[_BLACK] = None  # a legend whose only background is called unlabelled
    return Legend(file, names, tuple(classes))


def colour_marks(image_id: str, file: Path, legend: Legend, size: Size) -> Marks:
    """The marks of an image whose mask is a picture in the colours of a legend; a palette counts by its colours."""
    try:
        picture = read_image(file)
    except ImageError as error:
        return Marks({}, (Fault("unreadable-mask", file, None, image_id, error.sentence),))
    if picture.shape[:2] != size:
        return Marks({}, (wrong_size(image_id, file, None, (picture.shape[0], picture.shape[1]), size),))
    if picture.dtype != np.uint8:
        message = "a mask of 16 bit, whose colours no legend names; save it with 8 bit"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    codes = _codes(picture)
    values, counts = np.unique(codes, return_counts=True)
    known = {_code(colour): colour for colour in legend.names}
    strange = [(int(value), int(count)) for value, count in zip(values, counts, strict=True) if int(value) not in known]
    if strange:
        value, count = max(strange, key=lambda one: one[1])
        colour = (value >> 16, value >> 8 & 255, value & 255)
        more = f" and {len(strange) - 1} more colours" if len(strange) > 1 else ""
        smeared = "; so many colours are the trace of JPEG or of resizing" if len(strange) > _MOST_COLOURS else ""
        message = (
            f"colour {colour} ({count} pixels){more} is not in {legend.file.name}; name it there, or mend the "
            f"mask{smeared}"
        )
        return Marks({}, (Fault("unknown-class", file, None, image_id, message),))
    background = [_code(colour) for colour, name in legend.names.items() if name is None]
    if contradicts_alpha(file, ~np.isin(codes, background)):
        message = "its transparency draws another mask than its colours; save it without alpha"
        return Marks({}, (Fault("not-a-mask", file, None, image_id, message),))
    of_name: defaultdict[str, list[int]] = defaultdict(list)  # what is not to be judged may have several colours
    for value in map(int, values):
        if (name := legend.names[known[value]]) is not None:
            of_name[name].append(value)
    return Marks({name: encode_mask(np.isin(codes, same)) for name, same in of_name.items()}, (), file)


def _codes(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint32]:
    """One number for each colour: (H, W)."""
    if picture.ndim == 2:
        return picture.astype(np.uint32) * 0x010101
    red, green, blue = (picture[..., place].astype(np.uint32) for place in range(3))
    return np.asarray(red << 16 | green << 8 | blue)


def _code(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _of_labelmap(file: Path) -> list[tuple[int, str, Colour]]:
    lines = [(line, text.strip()) for line, text in enumerate(read_text(file).splitlines(), start=1)]
    lines = [(line, text) for line, text in lines if text and not text.startswith("#")]
    bare = [_COLOURLESS.fullmatch(text) for _, text in lines]
    if lines and all(bare):
        names = [(line, match[1].strip()) for (line, _), match in zip(lines, bare, strict=True) if match]
        return [(line, name, colour) for (line, name), colour in zip(names, palette(), strict=False)]
    rows = []
    for line, text in lines:
        match = _LABELMAP.fullmatch(text)
        if match is None:
            raise UserError(f"{file}, line {line}: {text[:40]!r}; a line is name:red,green,blue")
        rows.append((line, match[1].strip(), (int(match[2]), int(match[3]), int(match[4]))))
    return rows


def _of_table(file: Path) -> list[tuple[int, str, Colour]]:
    table = table_rows(file, free_text_but=(*_NAME_COLUMNS, *chain.from_iterable(_COLOUR_COLUMNS)))
    header = [name.strip().casefold() for name in table[0][1]] if table else []
    at = next((header.index(name) for name in _NAME_COLUMNS if name in header), None)
    of_colour = [next((header.index(name) for name in names if name in header), None) for names in _COLOUR_COLUMNS]
    if at is None or None in of_colour:
        raise UserError(f"{file}: the columns are {', '.join(header) or 'none'}; a legend has name, r, g and b")
    rows = []
    for line, fields in table[1:]:
        if not any(field.strip() for field in fields):
            continue
        cells = [
            fields[place].strip() if place < len(fields) else "" for place in (at, *(one or 0 for one in of_colour))
        ]
        if not cells[0] or not all(_NUMBER.fullmatch(cell) for cell in cells[1:]):
            raise UserError(
                f"{file}, line {line}: {', '.join(cells)[:40]}; write a name and three numbers from 0 to 255"
            )
        rows.append((line, cells[0], (int(cells[1]), int(cells[2]), int(cells[3]))))
    return rows
