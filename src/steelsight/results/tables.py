"""What the tables of results hold, row by row: submission.csv, defects.csv and images.csv."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from types import MappingProxyType
from typing import Literal, Self, get_args

from steelsight.cascade.judge import Prediction
from steelsight.core.safe_names import for_cell, from_cell, told_apart
from steelsight.imaging.regions import Region
from steelsight.imaging.rle import Runs, format_runs
from steelsight.verdicts.policy import VerdictAnswer

ClassIds = Literal["data", "numbers"]
SubmissionLayout = Literal["long", "wide"]

SUBMISSION, DEFECTS, IMAGES = "submission.csv", "defects.csv", "images.csv"
TABLES = (SUBMISSION, DEFECTS, IMAGES)
"""In the order in which an image's rows are written: its row in images.csv says that all others are there."""

RegionKind = Literal["found", "suspected"]
"""Of a row in defects.csv, in its last column `KIND`: what is suspected is not found."""
KIND = "kind"
_DECIMALS = range(6, 17)
"""Of a share: no image has so many pixels that the most are not enough."""


@dataclass(frozen=True, slots=True)
class FinishedRow:
    """What counts of an image's row in images.csv.

    Attributes:
        image_id: as it is written, see `as_written`.
        verdict: pass, review or reject; empty without a policy.
        area: pixels of all its masks together.
        is_flagged: whether anything about it is unusual.
        error: why nothing was found out of it; empty where it was judged.
        is_read: whether its file could be read; if so, an error is that of a network.
        suspected: how many suspected regions it has.
        also: what stands in further columns.
    """

    image_id: str
    verdict: str
    area: int
    is_flagged: bool
    error: str
    is_read: bool
    suspected: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What the rows of one image say, whether it was judged just now or is read from a log.

    Attributes:
        image_id: its name.
        size: height and width in pixels; None where the file could not be read.
        p_defect: see `Prediction.p_defect`; not written where it is nan.
        probability: the same calibrated; None without a policy.
        verdict: and `reason`: empty without a policy.
        runs: the mask of each class.
        regions: the connected defects.
        flags: what about the image is unusual.
        error: see `Prediction.error`; empty where it was judged.
        suspected: where to look beside that; see `Prediction.suspected`.
    """

    image_id: str
    size: tuple[int, int] | None
    p_defect: float
    probability: float | None
    verdict: str
    reason: str
    runs: tuple[Runs, ...]
    regions: tuple[Region, ...]
    flags: tuple[str, ...]
    error: str
    suspected: tuple[Region, ...] = ()
    counted: int | None = None

    @classmethod
    def of(cls, judged: Prediction) -> Self:
        """What the two steps said."""
        said = judged.verdict
        answer, reason = ("", "") if said is None else (said.answer, said.reason)
        return cls(
            judged.source.image_id,
            judged.size,
            judged.p_defect,
            judged.probability,
            answer,
            reason,
            judged.runs,
            judged.regions,
            judged.flags,
            judged.error or "",
            judged.suspected,
            None if judged.counted is None else judged.area,
        )


@dataclass(frozen=True)
class Tables:
    """The columns of the tables and the rows of an image.

    Attributes:
        classes: defect class names.
        class_ids: ClassId as the data names the class, or its number 1..K in the order of `classes`.
        layout: of submission.csv: `long` is ImageId,ClassId,EncodedPixels; `wide` is ImageId_ClassId,EncodedPixels.
        also: columns of each table that stand after these; see `lines`.
        suspected: whether images.csv and defects.csv end with the columns on what is suspected, and defects.csv has rows of
            it; tables that were begun before there were such columns go on without.
    """

    classes: tuple[str, ...]
    class_ids: ClassIds = "data"
    layout: SubmissionLayout = "long"
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)
    suspected: bool = True

    def header(self, table: str) -> bytes:
        """The first line of a table."""
        areas, shares = ([f"{what}_{name}" for name in self.classes] for what in ("area", "share"))
        also = self.also.get(table, ())
        match table:
            case "submission.csv":
                ids = ["ImageId_ClassId"] if self.layout == "wide" else ["ImageId", "ClassId"]
                return line([*ids, "EncodedPixels", *also])
            case "defects.csv":
                kind = [KIND] if self.suspected else []
                first = ["ImageId", "ClassId", "left", "top", "width", "height", "area", "probability"]
                return line([*first, *also, *kind])
            case _:
                first = ["ImageId", "verdict", "reason", "height", "width", "p_defect", "probability", "classes"]
                suspected = [f"suspected_{what}_{name}" for what in ("count", "area") for name in self.classes]
                return line([*first, *areas, *shares, "flags", "error", *also, *(suspected if self.suspected else ())])

    def lines(self, said: ResultRow, also: Mapping[str, Sequence[object]] = MappingProxyType({})) -> dict[str, bytes]:
        """The lines of one image in each table; one that was not judged has its row in images.csv alone.

        Args:
            also: what stands in the further columns of each table.
        """
        said = replace(said, image_id=as_written(said.image_id))
        submission = defects = b""
        if not said.error:
            further = also.get(SUBMISSION)
            after = b"," + line(further) if further else b"\n"
            starts = self.submission_starts(said.image_id)
            submission = b"".join(
                start + format_runs(runs).encode() + after for start, runs in zip(starts, said.runs, strict=True)
            )
            defects = b"".join(self._defects(said, also.get(DEFECTS, ())))
        images = line([*self._image(said), *also.get(IMAGES, ()), *self._counts(said)])
        return {SUBMISSION: submission, DEFECTS: defects, IMAGES: images}

    def submission_starts(self, image_id: str) -> list[bytes]:
        """The rows of an image in submission.csv up to the runs, which need no quotes."""
        wide = self.layout == "wide"
        return [line([f"{image_id}_{one}"] if wide else [image_id, one])[:-1] + b"," for one in self._names()]

    def read_image_row(self, text: bytes) -> FinishedRow:
        """Read back a row of images.csv.

        Raises:
            ValueError: it is none, or has other columns.
        """
        row, count = [from_cell(cell) for cell in cells(text)], len(self.classes)
        own = 10 + 2 * count
        last = own + len(self.also.get(IMAGES, ()))  # of the cells before those on what is suspected
        if len(row) != last + 2 * count * self.suspected or row[1] not in ("", *get_args(VerdictAnswer)):
            raise ValueError(f"{len(row)} cells, verdict {row[1:2]}")
        area, suspected = (sum(int(cell) for cell in row[at : at + count] if cell) for at in (8, last))
        flagged, error = bool(row[own - 2]), row[own - 1]
        return FinishedRow(row[0], row[1], area, flagged, error, bool(row[3]), suspected, tuple(row[own:last]))

    def _names(self) -> Sequence[str]:
        numbers = [str(number) for number in range(1, len(self.classes) + 1)]
        return numbers if self.class_ids == "numbers" else self.classes

    def _defects(self, said: ResultRow, also: Sequence[object]) -> Iterable[bytes]:
        names = self._names()
        of_kinds: tuple[tuple[RegionKind, tuple[Region, ...]], ...] = (
            ("found", said.regions),
            ("suspected", said.suspected),
        )
        for kind, regions in of_kinds if self.suspected else of_kinds[:1]:
            for one in regions:
                box = (one.left, one.top, one.width, one.height)
                row = [said.image_id, names[one.class_index], *box, one.area, f"{one.probability:.6f}", *also]
                yield line([*row, kind] if self.suspected else row)

    def _counts(self, said: ResultRow) -> Sequence[object]:
        """How many suspected regions each class has, and their pixels."""
        if not self.suspected:
            return []
        counts, areas = ([0] * len(self.classes) for _ in range(2))
        for one in said.suspected:
            counts[one.class_index] += 1
            areas[one.class_index] += one.area
        return [""] * (2 * len(self.classes)) if said.error or said.size is None else [*counts, *areas]

    def _image(self, said: ResultRow) -> Sequence[object]:
        first = [said.image_id, said.verdict, said.reason]
        height, width = said.size or ("", "")
        p_defect, probability = (
            "" if value is None or isnan(value) else f"{value:.6f}" for value in (said.p_defect, said.probability)
        )
        if said.error or said.size is None:
            found_nothing = [""] * (1 + 2 * len(self.classes))  # which is not to say that nothing is there
            return [*first, height, width, p_defect, probability, *found_nothing, ";".join(said.flags), said.error]
        found = ";".join(name for name, runs in zip(self.classes, said.runs, strict=True) if runs.area)
        areas = [runs.area for runs in said.runs]
        shares = [_share(area, said.counted or said.size[0] * said.size[1]) for area in areas]
        return [*first, height, width, p_defect, probability, found, *areas, *shares, ";".join(said.flags), ""]


def _share(area: int, pixels: int) -> str:
    """A share with six decimals, or with as many as it takes to tell it from 0.

    >>> _share(1, 1000), _share(1, 10_000_000), _share(0, 1000)
    ('0.001000', '0.0000001', '0.000000')
    """
    texts = (f"{area / pixels:.{digits}f}" for digits in _DECIMALS)
    return next(text for text in texts if not area or float(text))


def line(row: Sequence[object]) -> bytes:
    r"""One row of CSV in UTF-8 with its newline; texts as `names.for_cell` makes them, since anyone may name an image.

    >>> print(line(["a,b", 1, "", "=1"]).decode().strip())
    "a,b",1,,'=1
    """
    text = io.StringIO()
    # told of both, the writer quotes either kind of newline in a cell; Python 3.11 quotes only what ends its lines
    cells = [for_cell(cell) if isinstance(cell, str) else cell for cell in row]
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return (text.getvalue().removesuffix("\r\n") + "\n").encode()


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
    """A name as `Tables.read_image_row` reads it back."""
    return told_apart(image_id)
