"""Reading tables back that were appended to image by image: which images have all their rows, and where these end."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from steelsight.core.safe_names import from_cell
from steelsight.results.tables import DEFECTS, IMAGES, SUBMISSION, TABLES, FinishedRow, Tables, cells


@dataclass(frozen=True)
class FinishedImage:
    """An image whose rows are all there: its row in images.csv, and where its rows end in each table, in bytes."""

    image: FinishedRow
    ends: tuple[int, ...]


def read_finished(paths: Mapping[str, Path], tables: Tables) -> Iterator[FinishedImage]:
    """The images whose rows are all there, in the order of their rows; ends where anything is missing or torn.

    Args:
        paths: of each table.
    """
    if not all(path.is_file() for path in paths.values()):
        return
    with ExitStack() as stack:
        rows = {name: _Rows(stack.enter_context(path.open("rb"))) for name, path in paths.items()}
        if any(rows[name].take() != tables.header(name) for name in TABLES):
            return
        while row := rows[IMAGES].take():
            try:
                image = tables.read_image_row(row)
                whole = _has_masks(image, tables, rows[SUBMISSION]) and _has_defects(image, rows[DEFECTS])
            except ValueError:
                return
            if not whole:
                return
            yield FinishedImage(image, tuple(rows[name].end for name in TABLES))


def _has_masks(image: FinishedRow, tables: Tables, rows: "_Rows") -> bool:
    """Whether the next rows of submission.csv are those of an image."""
    starts = [] if image.error else tables.submission_starts(image.image_id)
    return all(rows.take().startswith(start) for start in starts)


def _has_defects(image: FinishedRow, rows: "_Rows") -> bool:
    """Whether the next rows of defects.csv are those of an image: the areas of those that were found add up to that of its
    masks, and as many follow that are suspected."""
    area = 0
    while area < image.area:
        image_id, _, _, _, _, _, of_one, *_ = _cells(rows)
        if image_id != image.image_id:
            return False
        area += int(of_one)
    suspected = [_cells(rows) for _ in range(image.suspected)]
    return area == image.area and all(row[:1] == [image.image_id] for row in suspected)


def _cells(rows: "_Rows") -> list[str]:
    return [from_cell(cell) for cell in cells(rows.take())]


class _Rows:
    """Reads a CSV row by row as bytes; `end` is where the last one ended."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.end = 0

    def take(self) -> bytes:
        """The next whole row with its newline; empty where none is left."""
        row = b""
        for line in self._stream:
            row += line
            if row.endswith(b"\n") and row.count(b'"') % 2 == 0:  # else the newline stands in a cell
                self.end += len(row)
                return row
        return b""
