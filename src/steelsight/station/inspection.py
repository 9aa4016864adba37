"""What the station keeps of an image: its inspection, and what reviewers said of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from steelsight.imaging.regions import Region
from steelsight.verdicts.policy import VerdictAnswer

Channel = Literal["page", "http", "watch"]
"""How an image came in: dropped on the page, sent by a program, found in a watched folder."""

Word = Literal["pass", "reject"]
"""A reviewer's decision. Reviewers must choose, so there is no `review`."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of a watched folder: an image is its name, size, time and hash, and is inspected once.

    Attributes:
        folder: the watched folder, absolute.
        name: path inside the folder, with forward slashes.
        size: bytes.
        modified_ns: time of the last change, in nanoseconds since 1970.
        sha256: of the content, hexadecimal.
    """

    folder: str
    name: str
    size: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Review:
    """One version of what a person said of an inspection; earlier versions are kept.

    Attributes:
        version: from 1.
        at: when, UTC.
        reviewer: who, as they gave it; may be empty.
        agrees: whether the inspector's masks stand as they are.
        word: pass or reject.
        runs: the mask of each class as it should be, as run lengths, in the order of the inspector's classes; the
            inspector's own where the reviewer agrees.
        comment: free text; may be empty.
    """

    version: int
    at: datetime
    reviewer: str
    agrees: bool
    word: Word
    runs: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Result:
    """An inspection before the log has given it a number.

    Attributes:
        at: when the image was accepted, UTC.
        door: see `Channel`.
        station: name of the station.
        name: of the image, as its sender gave it: shown, never used as a path.
        sha256: of the file's content, hexadecimal.
        bytes: of the file.
        inspector: fingerprint of the inspector, hexadecimal.
        size: height and width in pixels; None where the file could not be read.
        p_defect: what the classifiers say together; None where the file could not be read, or one of them gave no
            probability.
        probability: the same calibrated; None without a policy, or where `p_defect` is.
        verdict: None without a policy, unless a network gave no probability: that is review in any case.
        reason: of the verdict; empty without a policy.
        flags: what about the image is unusual.
        runs: the mask of each class as run lengths, in the order of the inspector's classes; empty text where nothing is.
        regions: the connected defects.
        error: why nothing was found out of the image: its file could not be read, and has no size, or a network gave no
            probability for it. None where it was judged.
        seconds: from the acceptance to the result.
        doubt: in [0, 1]; what should be reviewed first has the greatest: see `steelsight.station.review_order`.
        has_image, has_maps: whether the store was given them; retention may have removed them since.
        fold_score: what drift is measured by in place of `p_defect`, where the evidence is of folds one by one: see
            `steelsight.station.drift.fold_score`. None elsewhere.
        arrival: of a watched file.
        suspected, suspected_runs: where to look beside what was found, as connected regions and as run lengths of each class;
            see `steelsight.cascade.suspect`. Empty where nothing is, and in logs of before.
        counted: pixels that count, of which areas are shares; None: all, and in logs of before, where it was not kept.
    """

    at: datetime
    door: Channel
    station: str
    name: str
    sha256: str
    bytes: int
    inspector: str
    size: tuple[int, int] | None
    p_defect: float | None
    probability: float | None
    verdict: VerdictAnswer | None
    reason: str
    flags: tuple[str, ...]
    runs: tuple[str, ...]
    regions: tuple[Region, ...]
    error: str | None
    seconds: float
    doubt: float
    has_image: bool
    has_maps: bool
    fold_score: float | None = None
    arrival: Arrival | None = None
    suspected: tuple[Region, ...] = ()
    suspected_runs: tuple[str, ...] = ()
    counted: int | None = None

    @property
    def is_unjudged(self) -> bool:
        """Whether the file was read, and a network gave no probability for it."""
        return self.error is not None and self.size is not None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A logged result.

    Attributes:
        id: number in the log, growing.
        result: what was found.
        classes: defect class names of its inspector.
        review: the latest version of the reviewer's word; None where nobody has looked.
    """

    id: int
    result: Result
    classes: tuple[str, ...]
    review: Review | None = None
