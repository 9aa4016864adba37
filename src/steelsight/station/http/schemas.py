"""The JSON of the HTTP interface."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from steelsight.core.model import Model
from steelsight.inspector.artifact import CrossValidated, Precision
from steelsight.station.inspection import Channel, Word
from steelsight.station.people import Role
from steelsight.verdicts.evaluated import EvidenceKind
from steelsight.verdicts.policy import VerdictAnswer


class ErrorAnswer(Model):
    """Why a request was refused.

    Attributes:
        detail: one sentence.
    """

    detail: str


class ReviewAnswer(Model):
    """One version of a review; see `steelsight.station.inspection.Review`."""

    version: int
    at: datetime
    reviewer: str
    agrees: bool
    word: Word
    runs: dict[str, str]
    comment: str


class ReviewsAnswer(Model):
    """Every version of a review, the earliest first."""

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
        classes: area of each class in pixels; empty where the image was not judged.
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
    """An inspection with its masks.

    Attributes:
        runs: the mask of each class as run lengths: "start length ...", starts from 1, column by column.
        suspected, suspected_runs: the same for suspected places, which are not found defects.
    """

    regions: list[RegionAnswer]
    runs: dict[str, str]
    suspected: list[RegionAnswer]
    suspected_runs: dict[str, str]


class RegionOfInterestAnswer(Model):
    """The pixels of an image that count, as run lengths: "start length ...", starts from 1, column by column."""

    runs: str


class InspectionsAnswer(Model):
    """One inspection for each file, in the order of the files."""

    inspections: list[InspectionAnswer]


class HistoryAnswer(Model):
    """A page of the history; `next` is the cursor of the next page, None on the last."""

    inspections: list[SummaryAnswer]
    next: str | None


class ReviewRequest(Model):
    """A reviewer's decision.

    Attributes:
        after_version: the version that the reviewer saw; 0 if there was none.
        agrees: whether the inspector's masks are right as they are.
        runs: the correct masks, for each class that has one; None if the reviewer agrees.
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
    """The thresholds of the verdicts, and their bounds in sentences; see `steelsight.verdicts.policy.Policy`."""

    pass_at: float | None
    reject_at: float | None
    evidence: EvidenceKind
    guaranteed: bool
    confidence: float
    statements: list[str]


class LimitsAnswer(Model):
    """The most that the station takes; see `steelsight.station.settings.StationSettings`."""

    max_bytes: int
    max_pixels: int
    max_files: int
    queue: int


class PersonAnswer(Model):
    """Whose token a request carries."""

    name: str
    role: Role


class SignatureAnswer(Model):
    """Who signed the inspector; see `steelsight.inspector.signature.Signature`."""

    state: Literal["unsigned", "unchecked", "trusted"]
    name: str | None
    number: str | None


class InspectorAnswer(Model):
    """The inspector of this station.

    Attributes:
        fingerprint: SHA-256 of the inspector.
        name: name of its folder.
        version: version of steelsight.
        station: name of the station in the log.
        recipe: name of the recipe that it was trained with.
        samples: names of the sample images.
        roi: the region of interest in words; None: whole images count.
        signature: who signed it.
        needs_token: whether requests need `Authorization: Bearer TOKEN`.
        person: whose token this request carries; None where tokens have no names.
        made_up: whether it is the ready inspector of the package, which knows made-up steel only.
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
    out_of_fold: CrossValidated | None
    limits: LimitsAnswer
    samples: list[str]
    roi: str | None
    signature: SignatureAnswer
    needs_token: bool
    person: PersonAnswer | None
    made_up: bool


class CountsAnswer(Model):
    """Inspections by verdict; `none` counts those of an inspector without a policy."""

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
    """Counts over time; `waiting` counts the inspections with verdict review that no one has reviewed. `stations` are the
    names of those with an image among the log's latest 100,000, whatever was asked for; in a data folder's own log also the
    station's own."""

    buckets: list[BucketAnswer]
    totals: CountsAnswer
    reviewed: int
    waiting: int
    stations: list[str]


class DriftAnswer(Model):
    """How far a line's scores are from those of the test images; see `steelsight.station.drift.Drift`. `station` is the name
    of the station whose images these are: of those that write into the data folder, the one that is furthest."""

    station: str
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
    """What the dataset of all corrections holds; see `steelsight.station.corrections.export.Summary`. `command` joins them
    with what the present inspector was trained on."""

    images: int
    defective: int
    classes: dict[str, int]
    left_out: list[LeftOutAnswer]
    command: str


class AuditAnswer(Model):
    """The end of the audit trail; `head` is the hash of the last entry, null where there is none."""

    entries: int
    head: str | None
    at: datetime | None


class Health(Model):
    """The station's state in a word."""

    status: Literal["alive", "ready"]
