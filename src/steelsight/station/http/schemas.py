"""The JSON of the HTTP interface."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from steelsight.core.model import Model
from steelsight.inspector.artifact import CrossValidated, Precision
from steelsight.station.inspection import Channel, Word
from steelsight.verdicts.evaluated import EvidenceKind
from steelsight.verdicts.policy import VerdictAnswer


class ErrorAnswer(Model):
    """Why a request was refused.

    Attributes:
        detail: one sentence.
    """

    detail: str


class ReviewAnswer(Model):
    """A version of the reviewer's word; see `steelsight.station.inspection.Review`."""

    version: int
    at: datetime
    reviewer: str
    agrees: bool
    word: Word
    runs: dict[str, str]
    comment: str


class ReviewsAnswer(Model):
    """Every version of the reviewer's word, the earliest first."""

    reviews: list[ReviewAnswer]


class RegionSummary(Model):
    """One connected defect, in pixels of the image; see `steelsight.imaging.regions.Region`."""

    class_name: str = Field(alias="class")
    number: int
    left: int
    top: int
    width: int
    height: int
    area: int
    probability: float


class RegionAnswer(RegionSummary):
    """A defect with its outline.

    Attributes:
        polygons: the outline, then its holes, each a list of corners (x, y) along the edges of pixels.
    """

    polygons: list[list[tuple[int, int]]]


class InspectionSummary(Model):
    """An inspection without its masks; see `steelsight.station.inspection.Result`.

    Attributes:
        classes: area of each class in pixels.
    """

    id: int
    at: datetime
    door: Channel
    station: str
    name: str
    sha256: str
    bytes: int
    inspector: str
    height: int | None
    width: int | None
    p_defect: float | None
    probability: float | None
    verdict: VerdictAnswer | None
    reason: str
    flags: list[str]
    error: str | None
    seconds: float
    doubt: float
    classes: dict[str, int]
    has_image: bool
    has_maps: bool
    review: ReviewAnswer | None


class SummaryAnswer(InspectionSummary):
    """An inspection in a list: its regions without polygons."""

    regions: list[RegionSummary]
    suspected: list[RegionSummary]


class InspectionAnswer(InspectionSummary):
    """An inspection, whole.

    Attributes:
        runs: the mask of each class as run lengths: "start length ...", starts from 1, column by column.
        suspected, suspected_runs: likewise, where to look beside what was found.
    """

    regions: list[RegionAnswer]
    runs: dict[str, str]
    suspected: list[RegionAnswer]
    suspected_runs: dict[str, str]


class InspectionsAnswer(Model):
    """What was inspected, in the order of the files."""

    inspections: list[InspectionAnswer]


class HistoryAnswer(Model):
    """A page of the history; `next` is the cursor of the one after it, None on the last."""

    inspections: list[SummaryAnswer]
    next: str | None


class ReviewRequest(Model):
    """A reviewer's word.

    Attributes:
        after_version: the version that the reviewer saw; 0 where there was none.
        agrees: whether the inspector's masks stand as they are.
        runs: the masks as they should be, for each class that has one; None where the reviewer agrees.
    """

    model_config = ConfigDict(strict=True)

    after_version: int = Field(ge=0, lt=2**31)
    agrees: bool
    word: Word
    runs: dict[str, str] | None = None
    reviewer: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    comment: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] = ""


class ClassAnswer(Model):
    """A defect class; `number` counts from 1 in masks and maps."""

    name: str
    number: int
    colour: str


class NetworkAnswer(Model):
    """A network and its working size."""

    member: str
    fold: int
    step: Literal["classify", "segment"]
    height: int
    width: int


class RuleAnswer(Model):
    """See `steelsight.rule.rule.Rule`."""

    gate: float
    softness: float
    upper: list[int]
    lower: list[int]
    min_area: list[int]


class PolicyAnswer(Model):
    """The bounds of the verdicts, and what is known of them, in sentences; see `steelsight.verdicts.policy.Policy`."""

    pass_at: float | None
    reject_at: float | None
    evidence: EvidenceKind
    guaranteed: bool
    statements: list[str]


class LimitsAnswer(Model):
    """What the station takes in; see `steelsight.station.settings.StationSettings`."""

    max_bytes: int
    max_pixels: int
    max_files: int
    queue: int


class InspectorAnswer(Model):
    """What inspects here.

    Attributes:
        fingerprint: of the inspector.
        name: of its folder.
        version: of steelsight.
        station: its name in the log.
        recipe: name of the recipe that it was trained by.
        samples: names of the sample's images.
        needs_token: whether requests need `Authorization: Bearer TOKEN`.
    """

    fingerprint: str
    name: str
    version: str
    station: str
    precision: Precision
    classes: list[ClassAnswer]
    networks: list[NetworkAnswer]
    rule: RuleAnswer
    policy: PolicyAnswer | None
    created: str
    recipe: str
    out_of_fold: CrossValidated
    limits: LimitsAnswer
    samples: list[str]
    needs_token: bool


class CountsAnswer(Model):
    """Inspections by verdict; `none` are those of an inspector without a policy."""

    passed: int = Field(alias="pass")
    review: int
    reject: int
    none: int
    unreadable: int
    flagged: int


class BucketAnswer(CountsAnswer):
    """Counts of an hour or a day."""

    start: datetime


class StatisticsAnswer(Model):
    """Counts over time; `waiting` are those of verdict review that nobody has reviewed."""

    buckets: list[BucketAnswer]
    totals: CountsAnswer
    reviewed: int
    waiting: int


class DriftAnswer(Model):
    """How far the line's scores lie from the evidence; see `steelsight.station.drift.Drift`."""

    known: bool
    why: str
    images: int
    distance: float
    limit: float
    alarm: bool
    defect_share: float
    sentence: str
    line: list[float]
    evidence: list[float]
    edges: list[float]


class LeftOutAnswer(Model):
    """A reviewed inspection that is not in the dataset, and why."""

    id: int
    why: str


class CorrectionsAnswer(Model):
    """What the dataset of all corrections holds; see `steelsight.station.corrections.export.Summary`."""

    images: int
    defective: int
    classes: dict[str, int]
    left_out: list[LeftOutAnswer]


class Health(Model):
    """The station's state in a word."""

    status: Literal["alive", "ready"]
