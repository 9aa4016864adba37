"""The verdict policy: what was asked for, the two bounds on P(defect), and what can be said of them."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from steelsight.core.model import MadeByPrograms, Model
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import BEARS_BOUND, EvidenceKind
from steelsight.verdicts.severity import Severity, VerdictAnswer

__all__ = [
    "Bound",
    "CostPoint",
    "Costs",
    "Limits",
    "Outcome",
    "Policy",
    "ThresholdInterval",
    "ThresholdStability",
    "Unchanged",
    "VerdictAnswer",
]

EscapeAmong = Literal["defective", "passed", "both"]
OverkillAmong = Literal["good", "rejected", "both"]
Unchanged = Literal["keep"]
"""In place of severity rules: those that are there."""
Share = Annotated[float, Field(gt=0, lt=1)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Costs(MadeByPrograms):
    """What mistakes and second looks cost, in any unit; see `steelsight.verdicts.costs`.

    Attributes:
        escape: of a defective image that passes.
        review: of a second look.
        overkill: of a good image that is rejected.
        escape_of: of an escape with some class, by its name, in place of `escape`; of several classes the dearest counts.
    """

    escape: float = Field(gt=0, allow_inf_nan=False)
    review: Cost
    overkill: Cost
    escape_of: dict[str, Cost] = Field({})


class Limits(MadeByPrograms):
    """What the user asked for.

    Without a limit and without costs an image neither passes nor is rejected for its P(defect). Shares of `defective` and of
    `good` are of twin groups, of which one image that is lost is enough.

    Attributes:
        max_escape: greatest share that may escape, and `escape_among` of what: of the `defective` images (needs no word on
            how much strip is defective), of the `passed` ones, or of each of `both`.
        max_overkill: greatest share of overkill, and `overkill_among`: of the `good` images, the `rejected` ones, or both.
        confidence: with which each bound holds.
        defect_share: share of the strip's images that are defective, as the user states it; `passed`, `rejected` and costs
            rest on it.
        never_miss: class name -> greatest share of its images that may escape.
        costs: if given, the limits of least expected cost are chosen, among those that the limits above allow.

    Raises:
        UserError: a share or a cost is out of its range, or there is no limit of this name.
    """

    max_escape: Share | None = 0.05
    escape_among: EscapeAmong = "defective"
    max_overkill: Share | None = 0.05
    overkill_among: OverkillAmong = "good"
    confidence: Share = 0.95
    defect_share: Share | None = None
    never_miss: dict[str, Share] = Field({})
    costs: Costs | None = None

    @model_validator(mode="after")
    def _needs_share(self) -> "Limits":
        rests = self.escape_among != "defective" or self.overkill_among != "good" or self.costs is not None
        if rests and self.defect_share is None:
            raise ValueError("shares of passed or rejected images, and costs, need the share of defective strip")
        return self


class Bound(Model):
    """One bound: at the wish's confidence, at most `bound` of the `among` images are lost.

    Attributes:
        kind: an `escape` or an `overkill`.
        among: what the share is of.
        defect_class: the class that it is about; None for any defect.
        limit: what was asked for.
        kept: whether the test images support it.
        threshold: where P(defect) must stand by this statement alone: at most there to pass, above it to be rejected. A
            share of `passed` or `rejected` images does not rise evenly with the threshold, so that theirs is the policy's
            own. None where no threshold can keep it.
        groups: twin groups that could be lost: those with such a defect, or good ones.
        lost: of these, how many are lost at `threshold`, or would be at the least threshold where it is not kept.
        bound: upper confidence bound of the share at `threshold`, or the least that these images can promise.
        missing: how many more such groups are needed, with none lost; None if the bound is kept, or if no number would do:
            hardly any image that should pass (be rejected) does, or none was tested.
    """

    kind: Literal["escape", "overkill"]
    among: Literal["defective", "passed", "good", "rejected"]
    defect_class: str | None
    limit: float
    kept: bool
    threshold: float | None
    groups: int
    lost: int
    bound: float
    missing: int | None


class Outcome(Model):
    """What the policy makes of the tested images; counts of images, and of twin groups that are lost.

    Attributes:
        images, groups, defective_groups, good_groups: tested; a group with both kinds of image counts as each.
        groups_per_class: groups with an image of each class, as far as masks and labels name it.
        passed, review, rejected: images by answer, as (defective, good).
        escaped_groups, overkilled_groups: groups of which an image is lost.
        escapes, overkills: names of the images.
        label_alone: images that are known to be defective by a label alone; every other defective one has a mask.
        class_unknown: of these, the ones of which no label names a class.
        flagged: images about which something is unusual, so that a person sees them.
        flags: how many of these for each flag.
    """

    images: int
    groups: int
    defective_groups: int
    good_groups: int
    groups_per_class: tuple[int, ...]
    passed: tuple[int, int]
    review: tuple[int, int]
    rejected: tuple[int, int]
    escaped_groups: int
    overkilled_groups: int
    escapes: tuple[str, ...]
    overkills: tuple[str, ...]
    label_alone: int = 0
    class_unknown: int = 0
    flagged: int = 0
    flags: dict[str, int] = Field(default_factory=dict)

    @property
    def defective(self) -> int:
        """Images with a defect."""
        return self.passed[0] + self.review[0] + self.rejected[0]

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without such labels and flags it is written as before they counted, which an older steelsight reads as well."""
        written: dict[str, Any] = write(self)
        usual = (
            *(() if self.label_alone else ("label_alone", "class_unknown")),
            *(() if self.flagged else ("flagged", "flags")),
        )
        return {name: value for name, value in written.items() if name not in usual}


class CostPoint(Model):
    """Expected cost per image when passing up to `pass_at` (below 0: none), with the best `reject_at` for it (1: none)."""

    pass_at: float
    reject_at: float
    cost: float


class ThresholdInterval(Model):
    """How far a threshold moves from sample to sample: 95 % interval over draws of the twin groups.

    Attributes:
        low, high: over the draws that have it; None where none has.
        absent: share of the draws in which no threshold could be kept.
    """

    low: float | None
    high: float | None
    absent: float


class ThresholdStability(Model):
    """A bootstrap of the thresholds; see `steelsight.verdicts.bootstrap`."""

    draws: int
    seed: int
    pass_at: ThresholdInterval
    reject_at: ThresholdInterval


class Policy(Model):
    """How an image gets its verdict, and what is known of it.

    Attributes:
        pass_at: an image may pass if P(defect) is at most this; None: no image passes.
        reject_at: an image about which nothing is unusual is rejected if P(defect) exceeds this; None: no image is rejected
            for its P(defect) alone. At least `pass_at` if both are given.
        evidence: what the bounds rest on; see `tested.EvidenceKind`.
        calibration: P(defect) -> share of such images that are defective.
        severity: rules on what was found; None where there are none.
        wish, statements, outcome: what was asked for, the bounds one by one, and what the policy makes of the tested images.
        cost_curve: where costs were given, by `pass_at`, ascending.
        stability: how far the two thresholds move with the images that they are found on.
        grouped_by: as in `EvaluationSet`: what the groups are that every bound counts.
    """

    pass_at: Annotated[float, Field(allow_inf_nan=False)] | None
    reject_at: Annotated[float, Field(allow_inf_nan=False)] | None
    evidence: EvidenceKind
    calibration: Calibration
    severity: Severity | None
    wish: Limits
    statements: tuple[Bound, ...]
    outcome: Outcome
    cost_curve: tuple[CostPoint, ...] = ()
    stability: ThresholdStability | None = None
    grouped_by: tuple[str, ...] = ()

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without named groups it is written as before they were kept, which an older steelsight reads as well."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "grouped_by" or value}

    @property
    def is_guaranteed(self) -> bool:
        """Whether what the kept statements say is a bound, and not merely what cross-validation suggests."""
        return self.evidence in BEARS_BOUND

    @property
    def expected_cost(self) -> float | None:
        """Expected cost per image at the policy's thresholds; None where no costs were given, or nobody knows them."""
        if self.pass_at is None:
            return self.cost_curve[0].cost if self.cost_curve else None
        return next((point.cost for point in self.cost_curve if point.pass_at == self.pass_at), None)

    @model_validator(mode="after")
    def _in_order(self) -> "Policy":
        if self.pass_at is not None and self.reject_at is not None and self.pass_at > self.reject_at:
            raise ValueError(f"pass_at {self.pass_at} exceeds reject_at {self.reject_at}")
        return self
