"""A decision from stored evidence, held against the pixels."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.judged_run import COARSE, FOLDS, make_run
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.imaging.combine import combine_maps, combine_probabilities
from steelsight.metrics.dice import dice_figures
from steelsight.rule.bootstrap import DRAWS
from steelsight.rule.kinds import KINDS
from steelsight.rule.rule import Rule, masks
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import Decision, Number, read_decision
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs

NOISE = {"c-a": 0.2, "c-b": 0.5, "s-a": 0.2, "s-b": 0.5}
SOFT = tuple(name for name, kind in KINDS.items() if kind.soft)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    return make_run(tmp_path_factory.mktemp("run"), NOISE, search=())


@pytest.fixture(scope="module")
def decision(evidence: OutOfFoldPredictions) -> Decision:
    return decide(evidence.run)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    """The same evidence with fewer rules to search, for what does not hang on the rule."""
    return make_run(tmp_path_factory.mktemp("run"), NOISE)


def pair_counts(
    evidence: OutOfFoldPredictions, index: int, rule: Rule, classifiers: tuple[str, ...], segmenters: tuple[str, ...]
) -> list[NDArray[np.int64]]:
    """Intersection, predicted and truth of an image, as `predict` would cut its masks."""
    sample, member = evidence.record.samples[index], evidence.recipe.member
    p = combine_probabilities([evidence.probabilities(member(name))[index] for name in classifiers] or [1.0])
    maps = [evidence.map(member(name), index) for name in segmenters]
    cut = masks(rule, p, combine_maps(maps, [member(name).preprocess for name in segmenters], sample.size))
    true = sample.mask()
    return [mask.sum(axis=(1, 2)) for mask in (cut & true, cut, true)]


def same(found: Number, expected: float) -> bool:
    return (found is None and math.isnan(expected)) or found == pytest.approx(expected)


def test_its_figures_are_those_of_the_masks_that_its_members_and_rule_cut(
    evidence: OutOfFoldPredictions, decision: Decision
) -> None:
    counts = [
        pair_counts(evidence, index, decision.rule, *decision.members_of(int(fold)))
        for index, fold in enumerate(evidence.record.folds)
    ]
    figures = dice_figures(*(np.array(part) for part in zip(*counts, strict=True)))
    assert decision.figures.dice == pytest.approx(figures.dice)
    assert decision.figures.per_class == pytest.approx(figures.per_class)
    assert same(decision.figures.defective_dice, figures.defective_dice)
    assert decision.floor == figures.floor == decision.nested.figures.floor


def test_its_nested_figures_are_those_of_the_masks_too(evidence: OutOfFoldPredictions, decision: Decision) -> None:
    by_fold = {part.fold: part for part in decision.nested.folds}
    assert sorted(by_fold) == list(range(FOLDS))
    counts = []
    for index, fold in enumerate(evidence.record.folds):
        part = by_fold[int(fold)]
        counts.append(pair_counts(evidence, index, part.rule, part.classifiers, part.segmenters))
    figures = dice_figures(*(np.array(part) for part in zip(*counts, strict=True)))
    assert decision.nested.figures.dice == pytest.approx(figures.dice)
    assert sum(part.dice * part.images for part in by_fold.values()) / figures.images == pytest.approx(figures.dice)


def test_the_labels_of_a_fold_have_no_say_in_what_it_is_judged_by(quick: OutOfFoldPredictions, tmp_path: Path) -> None:
    """Swap the masks of a fold's images for those of the others' shapes: its own members, kind and rule stay."""
    import shutil

    run = tmp_path / "run"
    shutil.copytree(quick.run.path, run)
    truth = run / "truth.csv"
    of_fold = {quick.record.samples[index].image_id for index in quick.indices(1)}
    lines = truth.read_text().splitlines()
    emptied = [line.rsplit(",", 1)[0] + "," if line.split(",")[0] in of_fold else line for line in lines]
    truth.write_text("\n".join(emptied) + "\n")
    for file in (run / "evidence").glob("*/*.npz"):
        file.unlink()
    before, after = (decide(Run(folder)).nested.folds[1] for folder in (quick.run.path, run))
    assert (after.kind, after.rule, after.classifiers, after.segmenters) == (
        before.kind,
        before.rule,
        before.classifiers,
        before.segmenters,
    )
    assert after.dice != before.dice


def test_the_richest_rule_is_the_best_on_its_own_images_and_the_kept_one_the_best_nested(decision: Decision) -> None:
    own = {candidate.kind: candidate.figures.dice for candidate in decision.candidates}
    for kinds in (("defaults", "gate", "shared", "tuned"), ("soft-gate", "soft-shared", "soft-tuned")):
        assert [own[kind] for kind in kinds] == sorted(own[kind] for kind in kinds)
    nested = {candidate.kind: candidate.nested.figures.dice for candidate in decision.candidates}
    assert nested[decision.kept] >= max(nested.values()) - 0.001
    kept = decision.candidate(decision.kept)
    assert (decision.rule, decision.figures) == (kept.rule, kept.figures)
    assert f"{nested[decision.kept]:.4f}" in decision.reason


def test_the_intervals_hold_their_figures(decision: Decision) -> None:
    figures = {
        "tuned": decision.figures,
        "nested": decision.nested.figures,
        "defaults": decision.candidate("defaults").nested.figures,
    }
    for name, interval in decision.intervals.items():
        assert interval.dice.low is not None
        assert interval.dice.high is not None
        assert interval.dice.low <= figures[name].dice <= interval.dice.high


def test_defects_on_one_surface_say_nothing_of_how_sure_their_dice_is(
    quick: OutOfFoldPredictions, tmp_path: Path
) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(quick.run.path, run)
    truth = run / "truth.csv"
    header, *lines = truth.read_text().splitlines()
    kept = next(line.split(",")[0] for line in lines if line.rsplit(",", 1)[1])
    lone = [line if line.split(",")[0] == kept else line.rsplit(",", 1)[0] + "," for line in lines]
    truth.write_text("\n".join([header, *lone]) + "\n")
    for file in (run / "evidence").glob("*/*.npz"):
        file.unlink()
    decision = decide(Run(run))
    assert decision.figures.defective_dice is not None
    for interval in decision.intervals.values():
        assert (interval.defective_dice.low, interval.defective_dice.high) == (None, None)
        assert interval.dice.low is not None


def test_the_gate_curve_peaks_at_the_kept_gate(decision: Decision) -> None:
    at_gate = {point.gate: point.score for point in decision.gate_curve}
    assert at_gate[decision.rule.gate] == pytest.approx(decision.figures.dice)
    assert max(at_gate.values()) == pytest.approx(decision.figures.dice)


def test_what_the_gate_lost_adds_up(decision: Decision) -> None:
    loss = decision.gate_loss
    pairs = decision.figures.pairs
    assert loss.defective_images == len(loss.image_ids)
    assert decision.figures.dice + loss.dice_lost - loss.false_alarms_stopped / pairs == pytest.approx(
        loss.dice_without
    )


def test_each_member_of_an_ensemble_is_weighed(quick: OutOfFoldPredictions) -> None:
    path = quick.run.path / "recipe.yaml"
    text = path.read_text()
    path.write_text(text.replace("classifiers: 1", "classifiers: 2").replace("segmenters: 1", "segmenters: 2"))
    try:
        decision = decide(Run(quick.run.path))
    finally:
        path.write_text(text)
    assert decision.classifiers == {"all": ("c-a", "c-b")}
    assert decision.segmenters == {"all": ("s-a", "s-b")}
    weights = {part.member: part for part in decision.contributions}
    assert list(weights) == ["c-a", "c-b", "s-a", "s-b"]
    assert weights["s-a"].without_dice == weights["s-b"].alone_dice
    assert weights["c-a"].alone_dice == weights["c-b"].without_dice


def test_one_member_of_a_step_has_nothing_to_be_weighed_against(decision: Decision) -> None:
    assert [part.member for part in decision.contributions] == ["c-a", "s-a"]
    assert all(part.without_dice is None and part.alone_dice is None for part in decision.contributions)


def test_each_fold_chooses_for_itself_where_the_recipe_says_so(tmp_path: Path) -> None:
    evidence = make_run(tmp_path, NOISE, every=3, scope="fold")
    for fold in (0, 1):  # the worse segmenter becomes the better one on fold 1
        if fold == 1:
            better, worse = evidence.recipe.member("s-a"), evidence.recipe.member("s-b")
            swap = [
                np.stack([evidence.map(member, index) for index in evidence.indices(fold)])
                for member in (worse, better)
            ]
            evidence.write_maps(better, fold, [swap[0]])
            evidence.write_maps(worse, fold, [swap[1]])
    decision = decide(Run(tmp_path))
    assert decision.segmenters == {"0": ("s-a",), "1": ("s-b",), "2": ("s-a",)}
    assert decision.members_of(1)[1] == ("s-b",)
    assert all(part.segmenters == ("s-a",) or part.fold != 1 for part in decision.nested.folds)


def test_without_classifiers_every_image_passes_the_gate(tmp_path: Path) -> None:
    make_run(tmp_path, {"s-a": 0.2}, every=4)
    decision = decide(Run(tmp_path))
    assert decision.classifiers == {"all": ()}
    assert decision.rule.gate == 0.55
    assert len({point.score for point in decision.gate_curve}) == 1
    assert decision.gate_loss.defective_images == 0
    assert not any(KINDS[candidate.kind].soft for candidate in decision.candidates)  # P(defect) is 1: soft is hard


def test_of_all_kinds_the_simplest_within_a_thousandth_of_the_best_is_kept(decision: Decision) -> None:
    of = {candidate.kind: candidate for candidate in decision.candidates}
    nested = {kind: of[kind].nested.figures.dice for kind in KINDS}
    assert decision.kept == next(kind for kind in KINDS if nested[kind] >= max(nested.values()) - 0.001)
    assert decision.rule == of[decision.kept].rule
    assert {of[kind].rule.softness for kind in SOFT} <= {1, 5}  # of the wish, or hard where that was better
    assert decision.kept in ("tuned", "soft-tuned")  # of these masks each class wants thresholds of its own


def test_where_the_classifier_errs_much_a_soft_gate_is_worth_more_than_noise_and_is_kept(tmp_path: Path) -> None:
    make_run(tmp_path, {"c-a": 0.45, "s-a": 0.3}, every=2, search=(*COARSE, "search.threshold_step=0"))
    decision = decide(Run(tmp_path))
    assert decision.kept in SOFT
    assert decision.rule.softness == 5
    assert "no rule with a hard gate is" in decision.reason
    nested = {candidate.kind: candidate.nested.figures.dice for candidate in decision.candidates}
    assert all(nested[decision.kept] > nested[kind] + 0.001 for kind in KINDS if kind not in SOFT)


def test_a_recipe_may_leave_soft_gates_out(tmp_path: Path) -> None:
    evidence = make_run(tmp_path, NOISE, every=6)
    path = evidence.run.path / "recipe.yaml"
    path.write_text(re.sub(r"softness:\n\s+- 5.0\n", "softness: []\n", path.read_text()))
    assert [candidate.kind for candidate in decide(Run(tmp_path)).candidates] == ["defaults", "gate", "shared", "tuned"]


def test_the_kept_values_have_their_intervals(decision: Decision) -> None:
    found = decision.stability
    assert found is not None
    assert (found.kind, found.draws) == (decision.kept, DRAWS)
    values = 1 if "shared" in decision.kept else len(decision.classes)
    assert (len(found.upper), len(found.lower), len(found.min_area)) == (values,) * 3
    assert found.gate.low <= decision.rule.gate <= found.gate.high
    assert found.upper[0].low <= decision.rule.upper[0] <= found.upper[0].high


def test_a_decision_made_before_there_were_soft_gates_is_read(
    evidence: OutOfFoldPredictions, decision: Decision, tmp_path: Path
) -> None:
    content = decision.model_dump(mode="json")
    del content["stability"]
    hard = next(candidate for candidate in content["candidates"] if candidate["kind"] == "tuned")
    del hard["rule"]["softness"]
    content |= {"kept": "tuned", "rule": hard["rule"]}
    content["candidates"] = [one for one in content["candidates"] if not one["kind"].startswith("soft")]
    (tmp_path / "decision.json").write_text(json.dumps(content))
    read = read_decision(Run(tmp_path))
    assert read.stability is None
    assert read.rule.softness == 1


def test_a_member_that_is_not_trained_on_every_fold_is_left_out_and_named(tmp_path: Path) -> None:
    make_run(tmp_path, NOISE, every=4, leave_out=[("s-a", 2)])
    decision = decide(Run(tmp_path))
    assert decision.incomplete == ("s-a",)
    assert decision.segmenters == {"all": ("s-b",)}


def test_a_gate_can_be_set_by_hand(quick: OutOfFoldPredictions) -> None:
    decision = decide(quick.run, gate=0.2)
    assert decision.rule.gate == 0.2
    assert [point.gate for point in decision.gate_curve] == [0.2]
    assert all(part.rule.gate == 0.2 for part in decision.nested.folds)


def test_deciding_twice_says_the_same_and_what_is_written_is_read_back(quick: OutOfFoldPredictions) -> None:
    decision = decide(quick.run)
    assert decide(quick.run) == decision
    assert read_decision(quick.run) == decision


def test_all_histograms_are_made_before_the_first_rule_is_judged(tmp_path: Path) -> None:
    """One pass over the maps serves members, folds and what each member adds."""
    evidence = make_run(
        tmp_path, {"c-a": 0.2, "s-a": 0.2, "s-b": 0.3, "s-c": 0.5}, search=(*COARSE, "selection.segmenters=2")
    )
    made: list[set[str]] = []

    def look(what: str, done: int, of: int) -> None:
        if what.startswith("rule, nested"):
            made.append({path.name for path in (tmp_path / "evidence/histograms").iterdir()})

    decide(evidence.run, progress=look)
    assert made[0] == {path.name for path in (tmp_path / "evidence/histograms").iterdir()}
    assert len(made[0]) >= 3 * FOLDS


def test_progress_is_told(quick: OutOfFoldPredictions) -> None:
    told: dict[str, tuple[int, int]] = {}
    decide(quick.run, progress=lambda what, done, of: told.update({what: (done, of)}))
    assert told["rule, nested: folds judged"] == (FOLDS, FOLDS)
    assert told["histograms of the combined maps"] == (22, 22)
    assert told["rule, on all images: kinds searched"] == (len(KINDS), len(KINDS))
    assert told["stability of the thresholds: draws"] == (DRAWS, DRAWS)


@pytest.mark.parametrize(
    ("noise", "leave_out", "message"),
    [
        ({"c-a": 0.2}, [], "no member has step segment"),
        ({"c-a": 0.2, "s-a": 0.2}, [("c-a", 0)], "no classifier is trained on every fold"),
        ({"c-a": 0.2, "s-a": 0.2}, [("s-a", 1)], "no segmenter is trained on every fold"),
    ],
)
def test_a_run_that_cannot_be_decided_says_why(
    tmp_path: Path, noise: dict[str, float], leave_out: list[tuple[str, int]], message: str
) -> None:
    make_run(tmp_path, noise, every=6, leave_out=leave_out)
    with pytest.raises(UserError, match=message):
        decide(Run(tmp_path))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no RUN"):
        decide(Run(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content | {"schema_version": 3}, "schema_version is 3, this steelsight reads 2"),
        (lambda content: content | {"kept": "best"}, "kept: 'best' is refused"),
        (lambda content: content["rule"].update(gate=3) or content, "rule.gate: 3 is refused"),
        (lambda _: [], "schema_version is None"),
    ],
)
def test_a_decision_that_was_changed_is_refused(
    evidence: OutOfFoldPredictions, decision: Decision, tmp_path: Path, change: object, message: str
) -> None:
    content = decision.model_dump(mode="json")
    (tmp_path / "decision.json").write_text(json.dumps(change(content)))  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        read_decision(Run(tmp_path))


def test_a_decision_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is decided"):
        read_decision(Run(tmp_path))
    (tmp_path / "decision.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        read_decision(Run(tmp_path))


def test_what_is_tuned_is_what_is_deployed_by_logits_too(tmp_path: Path) -> None:
    """The figures are those of masks cut from averaged log odds, pixel by pixel."""
    changes = (*COARSE, "selection.combine=logits", "selection.segmenters=2", "selection.classifiers=2")
    evidence = make_run(tmp_path / "run", NOISE, search=changes)
    decision = decide(evidence.run)
    assert decision.combine == "logits"
    member, counts = evidence.recipe.member, []
    for index, fold in enumerate(evidence.record.folds):
        sample, (classifiers, segmenters) = evidence.record.samples[index], decision.members_of(int(fold))
        assert len(classifiers) == len(segmenters) == 2
        p = combine_probabilities([evidence.probabilities(member(name))[index] for name in classifiers], "logits")
        maps = [evidence.map(member(name), index) for name in segmenters]
        preprocesses = [member(name).preprocess for name in segmenters]
        cut = masks(decision.rule, p, combine_maps(maps, preprocesses, sample.size, "logits"))
        true = sample.mask()
        counts.append([mask.sum(axis=(1, 2)) for mask in (cut & true, cut, true)])
    figures = dice_figures(*(np.array(part) for part in zip(*counts, strict=True)))
    assert decision.figures.dice == pytest.approx(figures.dice)
    assert same(decision.figures.defective_dice, figures.defective_dice)


def test_a_recipe_says_what_the_rule_is_searched_for(tmp_path: Path) -> None:
    changes = (*COARSE, "search.objective=defects", "search.max_false_alarms=0.02", "search.upper=[0.4, 0.6]")
    evidence = make_run(tmp_path / "run", NOISE, every=4, search=changes)
    decision = decide(evidence.run)
    assert (decision.objective.aim, decision.objective.max_false_alarms) == ("defects", 0.02)
    for candidate in decision.candidates:
        if candidate.kind in ("shared", "tuned"):
            assert all(102 <= upper <= 153 or upper == 255 for upper in candidate.rule.upper)
            assert (candidate.figures.false_alarm_share or 0) <= 0.02
    assert decision.scores["defects"] == pytest.approx(
        decision.objective.score(NestedOutputs.of(evidence, decision, EnsembleOutputs(evidence)).counts())
    )
