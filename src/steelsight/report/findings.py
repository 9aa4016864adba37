"""What a report says, as typed values, before anything is drawn: the one place that reads RUN's evidence and decision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.record import Record, read_record
from steelsight.decision.candidates import View
from steelsight.decision.counts import Counts, Histograms, count
from steelsight.decision.decision import FILE, Decision, read_decision
from steelsight.decision.rule import Rule, masks
from steelsight.ensemble import combine_maps
from steelsight.errors import UserError
from steelsight.evidence.store import Evidence
from steelsight.evidence.team import Members, Team, Views
from steelsight.recipe import Recipe, read_run_recipe


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
    """

    run: Path
    record: Record
    recipe: Recipe
    decision: Decision
    p_defect: NDArray[np.float64]
    histograms: Histograms
    ways: tuple[tuple[str, Counts], ...]
    ungated: Counts
    passed: NDArray[np.bool_]
    masks_of: Callable[[int], NDArray[np.bool_]]

    @property
    def defective(self) -> NDArray[np.bool_]:
        """Whether each image has a defect: bool (N,)."""
        return np.array([sample.is_defective for sample in self.record.samples])

    @property
    def has_classifier(self) -> bool:
        return any(self.decision.classifiers.values())

    @property
    def plain_rule(self) -> Rule:
        return self.decision.candidate("defaults").rule


def collect(run: Path) -> Findings:
    """Read a run and judge its images as its decision does.

    Raises:
        UserError: RUN is not a run, nothing is decided in it yet, or its decision was made on other data.
    """
    evidence = Evidence(run, read_record(run), read_run_recipe(run))
    decision = read_decision(run)
    if decision.fingerprint != evidence.record.fingerprint:
        raise UserError(f"{run / FILE}: made on other data than this run's; run `steelsight decide {run}` again")
    team, rules = _nested_team(evidence.recipe, decision), {of.fold: of.rule for of in decision.nested.folds}
    views = Views(evidence)
    kept_view = views.of(_kept_team(evidence.recipe, decision))
    kept = count(kept_view.histograms, kept_view.p_defect, decision.rule)
    del kept_view  # two views at once would double the memory
    view = views.of(team)
    folds = evidence.record.folds
    ungated = {fold: rule.model_copy(update={"gate": 0.0}) for fold, rule in rules.items()}
    return Findings(
        run=run,
        record=evidence.record,
        recipe=evidence.recipe,
        decision=decision,
        p_defect=view.p_defect,
        histograms=view.histograms,
        ways=(
            ("nested", _by_fold(view, rules, folds)),
            ("kept", kept),
            ("plain", count(view.histograms, view.p_defect, decision.candidate("defaults").rule)),
        ),
        ungated=_by_fold(View(view.histograms, np.ones(len(folds))), ungated, folds),
        passed=view.p_defect > np.array([rules[fold].gate for fold in folds.tolist()]),
        masks_of=_masks_of(evidence, team, rules, view.p_defect),
    )


def _nested_team(recipe: Recipe, decision: Decision) -> Team:
    return Team(
        {of.fold: _members(recipe, of.classifiers) for of in decision.nested.folds},
        {of.fold: _members(recipe, of.segmenters) for of in decision.nested.folds},
    )


def _kept_team(recipe: Recipe, decision: Decision) -> Team:
    names = {fold: decision.members_of(fold) for fold in range(recipe.folds)}
    return Team(
        {fold: _members(recipe, classifiers) for fold, (classifiers, _) in names.items()},
        {fold: _members(recipe, segmenters) for fold, (_, segmenters) in names.items()},
    )


def _members(recipe: Recipe, names: Sequence[str]) -> Members:
    return tuple(recipe.member(name) for name in names)


def _by_fold(view: View, rules: dict[int, Rule], folds: NDArray[np.int64]) -> Counts:
    """Pixel counts of every image by the rule of its fold."""
    intersection, predicted, truth = (np.zeros(view.histograms.shape[:2], np.int64) for _ in range(3))
    for fold, rule in rules.items():
        inside = np.flatnonzero(folds == fold)
        counts = count(view.histograms, view.p_defect, rule, inside)
        intersection[inside], predicted[inside], truth[inside] = counts.intersection, counts.predicted, counts.truth
    return Counts(intersection, predicted, truth)


def _masks_of(
    evidence: Evidence, team: Team, rules: dict[int, Rule], p_defect: NDArray[np.float64]
) -> Callable[[int], NDArray[np.bool_]]:
    def masks_of(index: int) -> NDArray[np.bool_]:
        fold = int(evidence.record.folds[index])
        members = team.segmenters[fold]
        maps = combine_maps(
            [evidence.map(member, index) for member in members],
            [member.preprocess for member in members],
            evidence.record.samples[index].size,
        )
        return masks(rules[fold], float(p_defect[index]), maps)

    return masks_of
