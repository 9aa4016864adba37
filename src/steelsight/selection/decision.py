"""RUN/decision.json: members, rule, and every figure that speaks for or against them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError

from steelsight.core.errors import UserError
from steelsight.core.files import write_json
from steelsight.core.lock import Lock
from steelsight.core.model import Model, explain
from steelsight.core.parsing import parse_json
from steelsight.imaging.combine import Combine
from steelsight.metrics.dice import dice_figures
from steelsight.rule.bootstrap import RuleStability
from steelsight.rule.kinds import KindName
from steelsight.rule.objective import Objective, ObjectiveName
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.rule.rule import Rule
from steelsight.run.run import Run
from steelsight.verdicts.policy import Policy

SCHEMA_VERSION = 2
ALL = "all"
"""Key of `classifiers` and `segmenters` where one choice holds for every fold."""

Number = float | None
"""A figure; None where there is nothing to take a mean over."""

MemberFold = tuple[str, int]
"""A member's name and a fold."""


class MaskFigures(Model):
    """The fields of `metrics.dice.DiceFigures`."""

    dice: float
    per_class: tuple[float, ...]
    floor: float
    floor_per_class: tuple[float, ...]
    defective_dice: Number
    defective_per_class: tuple[Number, ...]
    false_alarm_share: Number
    false_alarm_per_class: tuple[Number, ...]
    mean_iou: Number
    iou_per_class: tuple[Number, ...]
    images: int
    pairs: int
    defective_pairs_per_class: tuple[int, ...]
    predicted_pairs_per_class: tuple[int, ...]

    @classmethod
    def of(cls, counts: PixelCounts) -> Self:
        """Figures of pixel counts."""
        return cls.model_validate(dice_figures(counts.intersection, counts.predicted, counts.truth).as_dict())


class MemberScore(Model):
    """Out-of-fold score: accuracy at .5 of a classifier, soft Dice per image with a defect of a segmenter."""

    member: str
    step: Literal["classify", "segment"]
    score: Number
    per_fold: tuple[Number, ...]


class FoldRule(Model):
    """What was chosen without a fold, and what it was worth on it."""

    fold: int
    images: int
    kind: KindName
    classifiers: tuple[str, ...]
    segmenters: tuple[str, ...]
    rule: Rule
    dice: float
    defective_dice: Number


class Nested(Model):
    """Figures over all folds, each judged by members and a rule chosen without it."""

    figures: MaskFigures
    folds: tuple[FoldRule, ...]


class Candidate(Model):
    """One kind of rule: found on all images (`figures` are then of the images it was found on), and nested."""

    kind: KindName
    rule: Rule
    figures: MaskFigures
    nested: Nested


class FigureInterval(Model):
    """95 % bootstrap interval over twin groups; None where it cannot be told."""

    low: Number
    high: Number


class Intervals(Model):
    dice: FigureInterval
    defective_dice: FigureInterval


class GatePoint(Model):
    """The best score that a gate allows, on the images it was searched on; `dice` in files of before objectives."""

    gate: float
    score: float = Field(validation_alias=AliasChoices("score", "dice"))


class CurvePoint(Model):
    """What is found at a limit on false alarms, by rules searched without the fold that they are judged on.

    Attributes:
        max_false_alarms: the limit.
        false_alarm_share: share of the empty pairs in which something was marked.
        defective_dice: Dice of pairs with a defect.
        found_share: share of the pairs with a defect in which some pixel was rightly marked.
    """

    max_false_alarms: float
    false_alarm_share: Number
    defective_dice: Number
    found_share: Number


class GateLoss(Model):
    """What the gate stopped, by the kept rule; a soft gate also by the larger areas that it asks for.

    Attributes:
        defective_images: images with a defect that it stopped outright, named in `image_ids`.
        pairs: (image, class) pairs with a defect among them.
        dice_lost: what the masks cut without the gate would have added to the mean Dice on pairs with a defect.
        false_alarms_stopped: empty pairs that would have had a mask without it.
        dice_without: Dice of the same thresholds without a gate.
    """

    defective_images: int
    image_ids: tuple[str, ...]
    pairs: int
    dice_lost: float
    false_alarms_stopped: int
    dice_without: float


class Contribution(Model):
    """The ensemble without a member, and the member as the only one of its step; the kept rule is not searched again.

    None where the step has no other member.
    """

    member: str
    step: Literal["classify", "segment"]
    without_dice: Number
    without_defective_dice: Number
    alone_dice: Number
    alone_defective_dice: Number


class UnfoundClass(Model):
    """A class that images show and that is found on none of them, or that the kept rule marks nowhere; see `unfound.py`.

    Attributes:
        images, surfaces: that show it; images of one group count as one surface.
        marked: images in which the nested masks mark something of it.
        hits: images on which they hit it: 0, unless it is the kept rule alone that marks it nowhere.
        best_dice: Dice of its pixels over all images, at the best of all thresholds on the out-of-fold maps; chosen on these
            very images, so that it is what a threshold could reach, and not what one would.
        found_by: kinds of rule whose nested masks hit it.
    """

    name: str
    images: int
    surfaces: int
    marked: int
    hits: int
    best_dice: float
    found_by: tuple[KindName, ...]


class Decision(Model):
    """What was decided from the stored evidence of a run.

    Attributes:
        fingerprint: of the data.
        evidence: of what it rests on; empty in decisions made before it was known.
        classes: names, in the order of the rule's values.
        classifiers, segmenters: members by fold (`"0"`, `"1"`, ...), or by `"all"` where one choice holds for every
            fold. No classifier at all: every image counts as defective with probability 1.
        incomplete: members of the recipe that lack the evidence of some fold, and so took no part.
        member_scores: of every member that took part, in the recipe's order.
        kept, reason: the kind of rule that is used, and why, in one sentence.
        rule: the rule that is used.
        figures: of `rule`, on the images it was found on.
        nested: of the whole procedure: members, kind and rule chosen without the fold.
        defaults: of the plain rule, with the same members.
        candidates: each kind of rule, from the simplest.
        floor, floor_per_class: what an all-empty answer scores.
        intervals: of `figures` ("tuned"), of `nested`, and of the plain rule with members chosen without the fold
            ("defaults"), and likewise of the one that the recipe states ("published"), where it states one.
        gate_curve: the best score by gate, for the kept kind.
        objective: what the rule was searched for.
        combine: how the members' answers were combined.
        scores: of the nested answers, by each of the objectives; empty in decisions made before there were several.
        curve: what is found against false alarms, from the strictest limit; empty likewise.
        policy: of verdicts; None where there are no classifiers.
        stability: how far each threshold moves with the images; None in decisions made before it was known.
        unfound: classes that are found nowhere.
    """

    schema_version: Literal[2] = 2
    fingerprint: str
    classes: tuple[str, ...]
    classifiers: dict[str, tuple[str, ...]]
    segmenters: dict[str, tuple[str, ...]]
    incomplete: tuple[str, ...]
    member_scores: tuple[MemberScore, ...]
    kept: KindName
    reason: str
    rule: Rule
    figures: MaskFigures
    nested: Nested
    defaults: MaskFigures
    candidates: tuple[Candidate, ...]
    floor: float
    floor_per_class: tuple[float, ...]
    intervals: dict[Literal["tuned", "nested", "defaults", "published"], Intervals]
    gate_curve: tuple[GatePoint, ...]
    gate_loss: GateLoss
    contributions: tuple[Contribution, ...]
    policy: Policy | None = None
    stability: RuleStability | None = None
    evidence: str = ""
    objective: Objective = Objective()
    combine: Combine = "mean"
    scores: dict[ObjectiveName, float] = Field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    unfound: tuple[UnfoundClass, ...] = ()

    def candidate(self, kind: KindName) -> Candidate:
        """The candidate of a kind."""
        return next(candidate for candidate in self.candidates if candidate.kind == kind)

    def members_of(self, fold: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the classifiers and of the segmenters that speak for a fold."""
        return _of_fold(self.classifiers, fold), _of_fold(self.segmenters, fold)

    def rule_of(self, folds: Sequence[int]) -> Rule:
        """The rule that goes with the networks of some folds: of one fold alone, the rule that was found without it, so that
        the fold stays evidence of just these networks and this rule."""
        own = self._own(folds)
        return self.rule if own is None else own.rule

    def jobs_of(self, folds: Sequence[int]) -> tuple[tuple[MemberFold, ...], tuple[MemberFold, ...]]:
        """Jobs of the classifiers and of the segmenters that speak for some folds, fold by fold; of one fold alone, those
        chosen without it, as in `rule_of`."""
        own = self._own(folds)
        teams = [(fold, *self.members_of(fold)) for fold in folds]
        if own is not None:
            teams = [(own.fold, own.classifiers, own.segmenters)]
        classifiers = tuple((name, fold) for fold, names, _ in teams for name in names)
        segmenters = tuple((name, fold) for fold, _, names in teams for name in names)
        return classifiers, segmenters

    def _own(self, folds: Sequence[int]) -> FoldRule | None:
        return next((of for of in self.nested.folds if list(folds) == [of.fold]), None)


def _of_fold(team: dict[str, tuple[str, ...]], fold: int) -> tuple[str, ...]:
    return team[ALL] if ALL in team else team[str(fold)]


@contextmanager
def deciding_alone(run: Run, progress: Callable[[str, int, int], None] | None = None) -> Iterator[None]:
    """Hold a run against others that decide it, since each keeps what the last one was asked for; wait for them.

    Args:
        progress: told that it waits.
    """

    def wait() -> None:
        if progress:
            progress("waiting for another process, which decides this run", 0, 1)

    with Lock(run.lock, f"{run}: another process decides it", needed=False).waited_for(wait):
        yield


def write_decision(run: Run, decision: Decision) -> Path:
    """Write RUN/decision.json and return its path.

    What an inspector of another decision was worth on later images (`later_figures.py`) is no longer told of the run.
    """
    path = run.decision_file
    if run.later_figures_file.exists() and not _is_written(path, decision):
        run.later_figures_file.unlink()
    write_json(path, decision.model_dump(mode="json"))
    return path


def _is_written(path: Path, decision: Decision) -> bool:
    try:
        return Decision.model_validate_json(path.read_text(encoding="utf-8")) == decision
    except (OSError, ValueError):
        return False


def read_decision(run: Run) -> Decision:
    """Read RUN/decision.json.

    Raises:
        UserError: it is missing, of another version, or not what `steelsight decide` writes.
    """
    path = run.decision_file
    again = f"run `steelsight decide {run}` again"
    try:
        content: Any = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: nothing is decided in this run yet; run `steelsight decide {run}`") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); {again}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(f"{path}: schema_version is {version!r}, this steelsight reads {SCHEMA_VERSION}; {again}")
    try:
        return Decision.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, mend=again)}") from error
