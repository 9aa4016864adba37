"""What the tables of results hold, row by row: submission.csv, defects.csv and images.csv."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from steelsight.cascade.judge import Judged
from steelsight.decision.policy import Answer
from steelsight.rle import format_runs

ClassIds = Literal["data", "numbers"]
SubmissionLayout = Literal["long", "wide"]

SUBMISSION, DEFECTS, IMAGES = "submission.csv", "defects.csv", "images.csv"
TABLES = (SUBMISSION, DEFECTS, IMAGES)
"""In the order in which an image's rows are written: its row in images.csv says that all others are there."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What counts of an image's row in images.csv.

    Attributes:
        image_id: as it is written, see `as_written`.
        verdict: pass, review or reject; empty without a policy.
        area: pixels of all its masks together.
        is_flagged: whether anything about it is unusual.
        error: why it could not be read; empty where it could.
    """

    image_id: str
    verdict: str
    area: int
    is_flagged: bool
    error: str


@dataclass(frozen=True)
class Tables:
    """The columns of the tables and the rows of an image.

    Attributes:
        classes: defect class names.
        class_ids: ClassId as the data names the class, or its number 1..K in the order of `classes`.
        layout: of submission.csv: `long` is ImageId,ClassId,EncodedPixels; `wide` is ImageId_ClassId,EncodedPixels.
    """

    classes: tuple[str, ...]
    class_ids: ClassIds = "data"
    layout: SubmissionLayout = "long"

    def header(self, table: str) -> bytes:
        """The first line of a table."""
        areas, shares = ([f"{what}_{name}" for name in self.classes] for what in ("area", "share"))
        match table:
            case "submission.csv":
                ids = ["ImageId_ClassId"] if self.layout == "wide" else ["ImageId", "ClassId"]
                return line([*ids, "EncodedPixels"])
            case "defects.csv":
                return line(["ImageId", "ClassId", "left", "top", "width", "height", "area", "probability"])
            case _:
                first = ["ImageId", "verdict", "reason", "height", "width", "p_defect", "probability", "classes"]
                return line([*first, *areas, *shares, "flags", "error"])

    def lines(self, judged: Judged) -> dict[str, bytes]:
        """The lines of one image in each table; an unreadable one has its row in images.csv alone."""
        submission = defects = b""
        if judged.error is None:
            starts = self.submission_starts(judged.source.image_id)
            submission = b"".join(
                start + format_runs(runs).encode() + b"\n" for start, runs in zip(starts, judged.runs, strict=True)
            )
            defects = b"".join(map(line, self._defects(judged)))
        return {SUBMISSION: submission, DEFECTS: defects, IMAGES: line(self._image(judged))}

    def submission_starts(self, image_id: str) -> list[bytes]:
        """The rows of an image in submission.csv up to the runs, which need no quotes."""
        wide = self.layout == "wide"
        return [line([f"{image_id}_{one}"] if wide else [image_id, one])[:-1] + b"," for one in self._names()]

    def read_image_row(self, text: bytes) -> ImageRow:
        """Read back a row of images.csv.

        Raises:
            ValueError: it is none, or has other columns.
        """
        row, count = cells(text), len(self.classes)
        if len(row) != 10 + 2 * count or row[1] not in ("", *get_args(Answer)):
            raise ValueError(f"{len(row)} cells, verdict {row[1:2]}")
        area = sum(int(area) for area in row[8 : 8 + count] if area)
        return ImageRow(row[0], row[1], area, bool(row[-2]), row[-1])

    def _names(self) -> Sequence[str]:
        numbers = [str(number) for number in range(1, len(self.classes) + 1)]
        return numbers if self.class_ids == "numbers" else self.classes

    def _defects(self, judged: Judged) -> Iterable[Sequence[object]]:
        names = self._names()
        for one in judged.regions:
            box = (one.left, one.top, one.width, one.height)
            yield [judged.source.image_id, names[one.class_index], *box, one.area, f"{one.probability:.6f}"]

    def _image(self, judged: Judged) -> Sequence[object]:
        said = judged.verdict
        first = [judged.source.image_id, *((said.answer, said.reason) if said is not None else ("", ""))]
        if judged.size is None:
            return [*first, *[""] * (5 + 2 * len(self.classes)), "", judged.error]
        height, width = judged.size
        found = ";".join(name for name, runs in zip(self.classes, judged.runs, strict=True) if runs.area)
        areas = [runs.area for runs in judged.runs]
        shares = [f"{area / (height * width):.6f}" for area in areas]
        probability = "" if judged.probability is None else f"{judged.probability:.6f}"
        said_of_it = [f"{judged.p_defect:.6f}", probability, found]
        return [*first, height, width, *said_of_it, *areas, *shares, ";".join(judged.flags), ""]


def line(row: Sequence[object]) -> bytes:
    r"""One row of CSV in UTF-8 with its newline; a file name that is no UTF-8 shows its odd bytes as `\udc..`.

    >>> line(["a,b", 1, ""])
    b'"a,b",1,\n'
    """
    text = io.StringIO()
    # told of both, the writer quotes either kind of newline in a cell; Python 3.11 quotes only what ends its lines
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return (text.getvalue().removesuffix("\r\n") + "\n").encode("utf-8", "backslashreplace")


def cells(text: bytes) -> list[str]:
    """Read one row of CSV back.

    Raises:
        ValueError: it is none.
    """
    try:
        return next(csv.reader([text.decode("utf-8")]), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def as_written(image_id: str) -> str:
    """A name as it is read back from a table."""
    return image_id.encode("utf-8", "backslashreplace").decode("utf-8")
