"""A run's verdict policy, from evidence that was drawn from known masks."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.core.errors import UserError
from steelsight.imaging.regions import find_regions
from steelsight.metrics.defects import Defects, match_planes
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs
from steelsight.selection.run_policy import decide_verdicts, gather_tested
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Limits


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    made = make_run(tmp_path_factory.mktemp("run"), {"c-a": 0.1, "s-a": 0.1})
    decide(made.run)
    return made


def judged(evidence: OutOfFoldPredictions) -> NestedOutputs:
    return NestedOutputs.of(evidence, read_decision(evidence.run), EnsembleOutputs(evidence))


def test_each_image_is_tested_by_what_was_chosen_without_its_fold(evidence: OutOfFoldPredictions) -> None:
    tested = judged(evidence).tested()
    decision, samples = read_decision(evidence.run), evidence.record.samples
    assert tested.kind == "cross-validated"
    assert tested.image_ids == tuple(sample.image_id for sample in samples)
    assert tested.defective.tolist() == [sample.is_defective for sample in samples]
    assert tested.truth.tolist() == [[runs.area for runs in sample.runs] for sample in samples]
    np.testing.assert_array_equal(tested.p_defect, evidence.probabilities(evidence.recipe.member("c-a")))
    gates = {of.fold: of.rule.gate for of in decision.nested.folds}
    for index in np.flatnonzero(tested.found).tolist():
        assert tested.p_defect[index] > gates[int(tested.folds[index])]


def test_regions_are_those_of_the_masks(evidence: OutOfFoldPredictions) -> None:
    of = judged(evidence)
    regions, defects = of.regions()
    marked = of.counts().predicted
    assert [[sum(one.area for one in found if one.class_index == k) for k in range(4)] for found in regions] == (
        marked.tolist()
    )
    index = next(place for place, found in enumerate(regions) if found)
    matched = [
        [match_planes(*planes) for planes in zip(sample.mask(), of.masks(at), strict=True)]
        for at, sample in enumerate(evidence.record.samples)
    ]
    assert defects.annotated.tolist() == Defects.gather(matched).annotated.tolist()
    assert defects.marked.tolist() == Defects.gather(matched).marked.tolist()
    cut, maps = of.masks(index), of.maps(index)
    assert regions[index] == tuple(
        region for number, plane in enumerate(cut) for region in find_regions(number, plane, maps[number])
    )


def test_they_are_kept_and_made_again_when_the_rule_changes(evidence: OutOfFoldPredictions) -> None:
    of, told = judged(evidence), []
    first = gather_tested(of, lambda done, total: told.append(done))
    again: EvaluationSet = gather_tested(of, lambda done, total: told.append(-1))
    assert -1 not in told
    assert again.regions == first.regions
    folder = evidence.run.path / "evidence" / "tested"
    before = sorted(folder.iterdir())
    open_rules = {fold: rule.model_copy(update={"gate": 0.0}) for fold, rule in of.rules.items()}
    gather_tested(NestedOutputs(evidence, of.team, open_rules, of.view), None)
    assert len(sorted(folder.iterdir())) == len(before) + 1


def test_a_wish_stays_until_another_is_made(evidence: OutOfFoldPredictions) -> None:
    run, wish = evidence.run.path, Limits(max_escape=0.3, max_overkill=0.4)
    rule = read_decision(Run(run)).rule
    assert decide_verdicts(Run(run), wish, "keep").policy == read_decision(Run(run)).policy
    assert read_decision(Run(run)).rule == rule
    assert decide(Run(run)).policy.wish == wish
    assert decide(Run(run), wish=Limits()).policy.wish == Limits()


def test_evidence_that_was_made_again_since_the_decision_is_refused(tmp_path: Path) -> None:
    evidence = make_run(tmp_path, {"c-a": 0.2, "s-a": 0.2}, every=5)
    decide(evidence.run)
    member = evidence.recipe.member("c-a")
    said = evidence.probabilities(member)[evidence.indices(0)]
    evidence.write_probabilities(member, 0, said / 2)
    with pytest.raises(UserError, match="rests on other evidence"):
        decide_verdicts(evidence.run, Limits(), "keep")


def test_a_decision_rests_on_the_members_that_took_part_in_it(tmp_path: Path) -> None:
    """A member that is trained to its end afterwards changes nothing of it; one that took part does."""
    evidence = make_run(tmp_path, {"c-a": 0.2, "s-a": 0.2, "s-b": 0.2}, every=5, leave_out=[("s-b", 1)])
    run = evidence.run
    assert decide(run).incomplete == ("s-b",)
    other, late = evidence.recipe.member("s-a"), evidence.recipe.member("s-b")
    evidence.write_maps(late, 1, [np.stack([evidence.map(other, index) for index in evidence.indices(1).tolist()])])
    decision = decide_verdicts(run, Limits(), "keep")
    assert decision.incomplete == ("s-b",)
    maps = run.predictions_file(other, 0)
    maps.rename(tmp_path / "away")
    with pytest.raises(UserError, match="rests on other evidence"):
        decide_verdicts(run, Limits(), "keep")
    (tmp_path / "away").rename(maps)
    evidence.write_maps(
        other, 0, [255 - np.stack([evidence.map(other, index) for index in evidence.indices(0).tolist()])]
    )
    with pytest.raises(UserError, match="rests on other evidence"):
        decide_verdicts(run, Limits(), "keep")


def test_a_copy_of_a_run_keeps_its_decision_and_what_was_derived(
    evidence: OutOfFoldPredictions, tmp_path: Path
) -> None:
    # Other times, the same bytes.
    copied = shutil.copytree(evidence.run.path, tmp_path / "copied", copy_function=shutil.copyfile)
    made = sorted((copied / "evidence" / "tested").iterdir())
    wish = Limits(max_escape=0.2)
    assert decide_verdicts(Run(copied), wish, "keep").policy == decide_verdicts(evidence.run, wish, "keep").policy
    assert sorted((copied / "evidence" / "tested").iterdir()) == made


def test_a_run_without_classifier_has_no_policy(tmp_path: Path) -> None:
    run = make_run(tmp_path, {"s-a": 0.2}, every=5).run.path
    assert decide(Run(run)).policy is None
    with pytest.raises(UserError, match="no classifier"):
        decide_verdicts(Run(run), Limits(), "keep")
