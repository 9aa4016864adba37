"""Of which files unfinished results are: contents.partial.csv, with the SHA-256 of each image that was judged.

A name does not say that an image is the same: a camera writes 000001.jpg anew every day, and a copy has another time.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import Source
from steelsight.core.safe_names import from_cell, shown
from steelsight.imaging.read import ImageError, read_content
from steelsight.results.tables import FinishedRow, as_written, cells, line

CONTENTS = "contents.partial.csv"
CONTENTS_HEADER = line(["ImageId", "sha256"])


@dataclass(frozen=True)
class JudgedContent:
    """What a row of images.csv is of.

    Attributes:
        image_id: as it reads back from a table.
        sha256: of the file's bytes; empty where there were none, or pixels were judged.
    """

    image_id: str
    sha256: str

    @classmethod
    def of(cls, judged: Prediction) -> Self:
        """Of what was judged."""
        return cls(as_written(judged.source.image_id), judged.sha256 or "")

    @property
    def line(self) -> bytes:
        """Its row, with its newline."""
        return line([self.image_id, self.sha256])

    def is_still(self, source: Source, row: FinishedRow) -> bool:
        """Whether a run that judges the source now would write the same row; its file is read for that.

        An error names the file, so it is that of another file even where the bytes are the same.

        Raises:
            StoreError: the object store does not answer.
        """
        try:
            content = read_content(source.path)
        except ImageError as error:
            return not self.sha256 and row.error == shown(str(error))
        same = self.sha256 == hashlib.sha256(content).hexdigest()
        return same and (not row.error or row.error.startswith(shown(f"{source.path}: ")))


def read_contents(path: Path) -> Iterator[tuple[JudgedContent, int]]:
    """The rows that are whole, each with where it ends in bytes; none where the file is missing or something else."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        if stream.readline() != CONTENTS_HEADER:
            return
        end = len(CONTENTS_HEADER)
        for text in stream:
            try:
                image_id, sha256 = (from_cell(cell) for cell in cells(text))
            except ValueError:
                return
            if not text.endswith(b"\n"):
                return
            end += len(text)
            yield JudgedContent(image_id, sha256), end
