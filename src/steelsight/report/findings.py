"""What a report says, as typed values, before anything is drawn: the one place that reads RUN's evidence and decision."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.recipe import Recipe
from steelsight.recipe.check_stated_rule import check_stated_rule
from steelsight.rule.kinds import PLAIN, PUBLISHED
from steelsight.rule.pixel_counts import Histograms, PixelCounts
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record
from steelsight.run.run import Run
from steelsight.selection.decision import Decision, read_decision
from steelsight.selection.defects import ScoredDefects, score_defects
from steelsight.selection.ensembles import Ensemble, EnsembleOutputs, Progress
from steelsight.selection.out_of_fold import NestedOutputs, counts_by_fold, named_members
from steelsight.selection.run_policy import gather_tested
from steelsight.selection.soft_truth import soft_truth_dice
from steelsight.verdicts.evaluated import EvaluationSet


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the sections need; "nested" is by the members and the rule chosen without each image's fold.

    Attributes:
        p_defect: float64 (N,), nested.
        histograms: uint32 (N, K, 2, 256), nested.
        ways: pixel counts: nested, of the kept rule, and of the plain rule with the nested members.
        ungated: nested counts, had there been no gate: as if the classifiers were sure of a defect everywhere.
        passed: bool (N,), whether the image exceeds the gate that judged it.
        masks_of: position of an image -> its nested masks, bool (K, H, W).
        tested: the images as the verdict policy sees them, nested.
        soft_truth: Dice at the working size of the rule that the recipe states, see `soft_truth_dice`; None where it states
            none that is cut there.
        scored: annotated defects and regions of the maps with their scores, nested.
    """

    run: Run
    record: Record
    recipe: Recipe
    decision: Decision
    p_defect: NDArray[np.float64]
    histograms: Histograms
    ways: tuple[tuple[str, PixelCounts], ...]
    ungated: PixelCounts
    passed: NDArray[np.bool_]
    masks_of: Callable[[int], NDArray[np.bool_]]
    tested: EvaluationSet
    scored: ScoredDefects
    soft_truth: NDArray[np.float64] | None

    @property
    def defective(self) -> NDArray[np.bool_]:
        """Whether each image has a defect: bool (N,)."""
        return np.array([sample.is_defective for sample in self.record.samples])

    @property
    def has_classifier(self) -> bool:
        return any(self.decision.classifiers.values())

    @property
    def plain_rule(self) -> Rule:
        return self.decision.candidate(PLAIN).rule


def collect(run: Run, progress: Progress | None = None) -> Findings:
    """Read a run and judge its images as its decision does.

    Args:
        progress: called with (what is being done, done, of).

    Raises:
        UserError: RUN is not a run, nothing is decided in it yet, or its decision was made on other data.
    """
    evidence = OutOfFoldPredictions.of(run)
    decision = read_decision(run)
    if decision.fingerprint != evidence.record.fingerprint:
        raise UserError(f"{run.decision_file}: made on other data than this run's; run `steelsight decide {run}` again")
    views = EnsembleOutputs(evidence, progress)
    kept_view = views.of(_kept_team(evidence.recipe, decision))
    kept = kept_view.count(decision.rule)
    del kept_view  # two views at once would double the memory
    judged = NestedOutputs.of(evidence, decision, views)
    view, folds = judged.view, evidence.record.folds
    ungated = {fold: rule.model_copy(update={"gate": 0.0}) for fold, rule in judged.rules.items()}
    return Findings(
        run=run,
        record=evidence.record,
        recipe=evidence.recipe,
        decision=decision,
        p_defect=view.p_defect,
        histograms=view.cut_at(decision.rule.at),
        ways=(
            ("nested", judged.counts()),
            ("kept", kept),
            ("plain", view.count(decision.candidate(PLAIN).rule)),
        ),
        ungated=counts_by_fold(replace(view, p_defect=np.ones(len(folds))), ungated, folds),
        passed=view.p_defect > np.array([judged.rules[fold].gate for fold in folds.tolist()]),
        masks_of=judged.masks,
        tested=gather_tested(judged, _tick(progress, "defects of images with a mask")),
        scored=score_defects(judged, _tick(progress, "defects and scores of the maps")),
        soft_truth=_soft_truth(evidence, judged, decision, _tick(progress, "masks at the working size")),
    )


def _soft_truth(
    evidence: OutOfFoldPredictions,
    judged: NestedOutputs,
    decision: Decision,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float64] | None:
    recipe, record = evidence.recipe, evidence.record
    stated = [candidate.rule for candidate in decision.candidates if candidate.kind == PUBLISHED]
    if recipe.rule is None or not stated or stated[0].at != "working":
        return None
    enlargement = check_stated_rule(recipe, len(record.classes), [sample.size for sample in record.samples])
    return soft_truth_dice(evidence, judged.team, stated[0], enlargement, progress)


def _tick(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    """What tells of one thing that is being done."""
    return None if progress is None else lambda done, of: progress(what, done, of)


def _kept_team(recipe: Recipe, decision: Decision) -> Ensemble:
    names = {fold: decision.members_of(fold) for fold in range(recipe.folds)}
    return Ensemble(
        {fold: named_members(recipe, classifiers) for fold, (classifiers, _) in names.items()},
        {fold: named_members(recipe, segmenters) for fold, (_, segmenters) in names.items()},
    )
