"""Masks in a CSV file, truth or submission, in either of the Severstal competition's layouts.

    ImageId,ClassId,EncodedPixels      one row per (image, class); without a class and pixels, an image without defect
    ImageId_ClassId,EncodedPixels      the two names joined by an underscore

Further columns are allowed and the order of columns is free. Classes are text: any name, not only numbers.
"""

import csv
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.safe_names import from_cell
from steelsight.imaging.rle import RunError, Runs, parse_runs

LONG = ("ImageId", "ClassId", "EncodedPixels")
WIDE = ("ImageId_ClassId", "EncodedPixels")

_AFTER_SUFFIX = re.compile(r"(.+\.(?:jpe?g|png|bmp|tiff?|webp))_(.+)", re.IGNORECASE)
_MOST_PIXELS = 1 << 30  # of an image that OpenCV reads
_WHOLE_FLOAT = re.compile(r"([0-9]+)\.0+", re.ASCII)


@dataclass
class MaskTable:
    """The rows of one file.

    Attributes:
        file: where they stand.
        runs: the mask of every (image, class) with a row; empty where the row says so.
        lines: the line of each of these rows.
        images: every image the file names, in its order.
        classes: every class the file names, in its order.
        lists_empty: whether an image without defect has a row of its own, so that one without rows is not known.
    """

    file: Path
    runs: dict[tuple[str, str], Runs] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    lists_empty: bool = False

    @property
    def lists_pairs(self) -> bool:
        """Whether a pair without defect has a row of its own, so that a class without rows is not known."""
        return any(not runs.area for runs in self.runs.values())

    def marked(self) -> set[str]:
        """Images with at least one pixel set."""
        return {image for (image, _), runs in self.runs.items() if runs.area}


def read_mask_table(path: Path, size: tuple[int, int] | None = None) -> MaskTable:
    """Read the masks of a CSV file.

    Args:
        size: (height, width) that every run must fit into; None leaves the images' ends unchecked.

    Raises:
        UserError: the file cannot be read, lacks a column, or a row is faulty or repeated, with file and line; or there are
            no images of such a size.
    """
    if size is not None and not 1 <= size[0] * size[1] <= _MOST_PIXELS:
        raise UserError(
            f"`size={size[0]}x{size[1]}`: an image has at least 1 and at most {_MOST_PIXELS} pixels; give that of one"
        )
    table = MaskTable(path)
    with open_records(path) as records:
        _, columns = next(records, (0, []))
        places = _places(path, columns)
        for line, fields in records:
            if not fields:
                continue
            if len(fields) != len(columns):
                raise UserError(
                    f"{path}:{line}: {len(fields)} fields, but the header has {len(columns)}; write {','.join(columns)}"
                )
            _add(table, line, [from_cell(fields[place].strip()) for place in places], size)
    marked = table.marked()
    table.lists_empty = any(image not in marked for image in table.images)
    return table


@contextmanager
def open_records(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open a CSV file as pairs of line number and fields.

    Raises:
        UserError: the file is missing, a folder, not UTF-8, or not CSV.
    """
    _allow_long_fields()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            yield ((reader.line_num, fields) for fields in reader)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: a folder, but a file is needed; name the file itself") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file and its rights") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8 CSV") from error
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not CSV ({error}); save it as CSV with commas") from error


def split_joined(text: str) -> tuple[str, str]:
    """Split "image_class": behind the image's last suffix where it has one, else at the last underscore.

    >>> split_joined("a_1.jpg_MT_Crack"), split_joined("frame_7_2"), split_joined("a.png_b.jpg_1")
    (('a_1.jpg', 'MT_Crack'), ('frame_7', '2'), ('a.png_b.jpg', '1'))
    """
    found = _AFTER_SUFFIX.fullmatch(text)
    if found:
        return found[1], found[2]
    image, _, name = text.rpartition("_")
    return image, name


def class_text(text: str) -> str:
    """The class as it is matched; "1.0", which table programs write for 1 in a column with gaps, is "1"."""
    whole = _WHOLE_FLOAT.fullmatch(text)
    return whole[1] if whole else text


def _places(path: Path, columns: list[str]) -> list[int]:
    names = [column.strip() for column in columns]
    wanted = WIDE if WIDE[0] in names else LONG
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UserError(
            f"{path}:1: column {', '.join(missing)} is missing (found: {', '.join(names) or 'nothing'}); "
            f"the header must be {','.join(LONG)} or {','.join(WIDE)}"
        )
    return [names.index(name) for name in wanted]


def _add(table: MaskTable, line: int, values: list[str], size: tuple[int, int] | None) -> None:
    where = f"{table.file}:{line}"
    image, name = split_joined(values[0]) if len(values) == 2 else (values[0], values[1])
    text, name = values[-1], class_text(name)
    if not image:
        raise UserError(f"{where}: {values[0]!r} names no image; write image and class, as in img.jpg_1 or img.jpg,1")
    if not name and (text or len(values) == 2):
        raise UserError(f"{where}: {image} has no class; name the class of these pixels")
    table.images.setdefault(image, line)
    if not name:
        return
    key = (image, name)
    if key in table.runs:
        raise UserError(
            f"{where}: {image}, class {name} stands in line {table.lines[key]} already; "
            "keep one row per image and class"
        )
    try:
        table.runs[key] = parse_runs(text, size)
    except RunError as error:
        raise UserError(f"{where}: {image}, class {name}: {error}") from error
    table.lines[key] = line
    table.classes.setdefault(name, line)


def _allow_long_fields() -> None:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a ragged mask of a large image exceeds the default of 131,072
