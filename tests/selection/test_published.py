"""The rule that a recipe states, beside the searched ones and in their place; the ensemble as it was published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.judged_run import FOLDS, make_run

from steelsight.core.errors import UserError
from steelsight.imaging.combine import to_8bit
from steelsight.imaging.rle import decode_runs
from steelsight.metrics.dice import dice_figures
from steelsight.recipe import Recipe
from steelsight.report.build import build_report
from steelsight.report.findings import collect
from steelsight.report.sections.soft_truth import soft_truth_view
from steelsight.rule.kinds import KINDS, PUBLISHED
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.selection.decide import decide
from steelsight.selection.decision import Decision, read_decision
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs

NOISE = {"c-a": 0.2, "c-b": 0.4, "s-a": 0.2, "s-b": 0.4, "s-c": 0.5, "s-d": 0.3}
GROUPS = {"c-a": "classifiers", "c-b": "classifiers", "s-a": "one", "s-b": "one", "s-c": "two", "s-d": "two"}
STATED = {"gate": 0.8, "upper": 0.7, "lower": (0.4, 0.5, 0.4, 0.5), "min_area": (12, 20, 15, 30), "at": "working"}
PUBLISHED_ENSEMBLE = {
    "classifiers": {"all": "classifiers"},
    "segmenters": {"all": "one", "best": "two"},
    "scope": "fold",
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    made = make_run(tmp_path_factory.mktemp("run"), NOISE, width=160)
    dumped: Any = made.recipe.model_dump(by_alias=True)
    for member in dumped["members"]:
        member["group"] = GROUPS[member["name"]]
    recipe = Recipe.model_validate({**dumped, "rule": STATED, "selection": PUBLISHED_ENSEMBLE})
    write_run_recipe(made.run.path, recipe)
    return OutOfFoldPredictions.of(made.run)


@pytest.fixture(scope="module")
def decision(evidence: OutOfFoldPredictions) -> Decision:
    return decide(evidence.run)


@pytest.fixture(scope="module")
def published(evidence: OutOfFoldPredictions, decision: Decision) -> Decision:
    """After the searched one, whose file it replaces."""
    return decide(evidence.run, rule="published")


def by_hand(evidence: OutOfFoldPredictions, teams: Any) -> Any:
    """Figures of the published rule from pixels: P >= .8, cut at 32 x 160, enlarged to the image's 256 x 1600."""
    counts = []
    for index, (sample, fold) in enumerate(zip(evidence.record.samples, evidence.record.folds.tolist(), strict=True)):
        classifiers, segmenters = teams(fold)
        said = [evidence.probabilities(evidence.recipe.member(name))[index] for name in classifiers]
        maps = [evidence.map(evidence.recipe.member(name), index).astype(np.float32) / 255 for name in segmenters]
        mean = to_8bit(np.mean(maps, axis=0)).astype(np.float64) / 255
        cut = []
        for place, plane in enumerate(mean):
            kept = np.mean(said) >= 0.8 and (plane > 0.7).sum() >= STATED["min_area"][place]  # type: ignore[index]
            mask = (plane > STATED["lower"][place]) & kept  # type: ignore[index]
            cut.append(mask.repeat(8, axis=0).repeat(10, axis=1))
        true = np.stack([decode_runs(runs, sample.size) for runs in sample.runs])
        counts.append([part.sum(axis=(1, 2)) for part in (cut & true, np.stack(cut), true)])
    return dice_figures(*(np.array(part) for part in zip(*counts, strict=True)))


def test_it_is_shown_beside_the_searched_ones_and_never_chosen(decision: Decision) -> None:
    assert [candidate.kind for candidate in decision.candidates] == [*KINDS, PUBLISHED]
    assert decision.kept in KINDS
    own = decision.candidate(PUBLISHED).nested.figures.dice
    assert decision.intervals["published"].dice.low is not None
    assert decision.intervals["published"].dice.low <= own <= (decision.intervals["published"].dice.high or 0)
    assert decision.kept == next(of.kind for of in decision.candidates if of.rule == decision.rule)
    rules = {of.rule for of in decision.candidate(PUBLISHED).nested.folds}
    assert rules == {decision.candidate(PUBLISHED).rule}


def test_its_figures_are_those_of_masks_cut_at_the_working_size(
    evidence: OutOfFoldPredictions, decision: Decision, published: Decision
) -> None:
    for decided in (decision, published):
        candidate = decided.candidate(PUBLISHED)
        own = by_hand(evidence, decided.members_of)
        teams = {of.fold: (of.classifiers, of.segmenters) for of in candidate.nested.folds}
        assert candidate.figures.dice == pytest.approx(own.dice)
        assert candidate.figures.per_class == pytest.approx(own.per_class)
        assert candidate.nested.figures.dice == pytest.approx(by_hand(evidence, teams.__getitem__).dice)


def test_taken_by_name_it_is_the_rule_of_the_run(evidence: OutOfFoldPredictions, published: Decision) -> None:
    assert (published.kept, published.rule.at) == (PUBLISHED, "working")
    assert published.rule.min_area == tuple(area * 8 * 10 for area in STATED["min_area"])  # type: ignore[attr-defined]
    assert [candidate.kind for candidate in published.candidates] == ["defaults", PUBLISHED]
    assert all(of.kind == PUBLISHED and of.rule == published.rule for of in published.nested.folds)
    assert published.nested.figures == published.candidate(PUBLISHED).nested.figures
    assert "the rule that the recipe states" in published.reason
    assert read_decision(evidence.run) == published
    judged = NestedOutputs.of(evidence, published, EnsembleOutputs(evidence))
    counts = judged.counts()
    for index in range(0, len(evidence.record.samples), 5):
        assert judged.masks(index).sum(axis=(1, 2)).tolist() == counts.predicted[index].tolist()


def test_dice_at_the_working_size_on_soft_truth_is_that_of_the_definition(
    evidence: OutOfFoldPredictions, published: Decision
) -> None:
    """At both gates, pixel by pixel; nearly all pairs are empty, so the defective ones are looked at alone too."""
    found = collect(evidence.run)
    assert found.soft_truth is not None
    view = soft_truth_view(found.soft_truth, found.p_defect, published.rule.gate, (32, 160))
    teams = {of.fold: (of.classifiers, of.segmenters) for of in published.nested.folds}
    expected = np.zeros((2, *found.soft_truth.shape[:2]))
    for index, (sample, fold) in enumerate(zip(evidence.record.samples, evidence.record.folds.tolist(), strict=True)):
        classifiers, segmenters = teams[fold]
        said = np.mean([evidence.probabilities(evidence.recipe.member(name))[index] for name in classifiers])
        maps = [evidence.map(evidence.recipe.member(name), index).astype(np.float32) / 255 for name in segmenters]
        mean = to_8bit(np.mean(maps, axis=0)).astype(np.float64) / 255
        truth = sample.mask().reshape(4, 32, 8, 160, 10).mean((2, 4))  # areas of whole pixels: what the resize gives
        for place, plane in enumerate(mean):
            kept = (plane > 0.7).sum() >= STATED["min_area"][place]  # type: ignore[index]
            mask = (plane > STATED["lower"][place]) & kept  # type: ignore[index]
            for row, passes in enumerate((said >= 0.8, said > 0.55)):
                cut = mask & passes
                dice = (2 * (cut * truth[place]).sum() + 1) / (cut.sum() + truth[place].sum() + 1)
                expected[row, index, place] = dice
    for row, gate in enumerate(view.rows):
        assert gate.dice == pytest.approx(expected[row].mean(), abs=1e-6)
        assert gate.per_class == pytest.approx(expected[row].mean(0).tolist(), abs=1e-6)
    assert view.rows[0].dice != view.rows[1].dice


def test_the_report_shows_it(evidence: OutOfFoldPredictions, published: Decision) -> None:
    page = build_report(evidence.run).read_text("utf-8")
    assert "At the working size, on soft truth" in page
    assert "published (kept)" in page
    assert "nothing: the rule that the recipe states" in page


def test_all_of_one_group_and_the_best_of_another_make_the_ensemble(decision: Decision) -> None:
    scores = {score.member: score for score in decision.member_scores}
    for fold in range(FOLDS):
        classifiers, segmenters = decision.members_of(fold)
        assert classifiers == ("c-a", "c-b")
        best = max(("s-c", "s-d"), key=lambda name: scores[name].per_fold[fold] or 0)
        assert segmenters == ("s-a", "s-b", best)
    for of in decision.nested.folds:  # the best on the other folds
        assert of.classifiers == ("c-a", "c-b")
        assert of.segmenters in (("s-a", "s-b", "s-c"), ("s-a", "s-b", "s-d"))


def test_a_run_whose_recipe_states_no_rule_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"c-a": 0.2, "s-a": 0.2}, every=6).run
    with pytest.raises(UserError, match="states no rule"):
        decide(run, rule="published")
    with pytest.raises(UserError, match="has a gate of its own"):
        decide(run, rule="published", gate=0.5)


def test_a_group_without_a_trained_member_is_refused(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", {"c-a": 0.2, "s-a": 0.2, "s-b": 0.2}, every=6, leave_out=[("s-b", 1)])
    dumped: Any = made.recipe.model_dump(by_alias=True)
    dumped["members"][2]["group"] = "late"
    dumped["selection"]["segmenters"] = {"all": "late"}
    write_run_recipe(made.run.path, Recipe.model_validate(dumped))
    with pytest.raises(UserError, match="no member of the group late is trained on every fold"):
        decide(made.run)


def test_a_rule_that_is_cut_elsewhere_is_another() -> None:
    rule = Rule(gate=0.5, upper=(2,), lower=(1,), min_area=(3,))
    assert rule != rule.model_copy(update={"at": "working"})
