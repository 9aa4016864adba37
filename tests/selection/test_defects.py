"""Scores of defects, from the maps of a run: what they say, what is kept, and when it is made again."""

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.metrics.defect_figures import defect_figures
from steelsight.metrics.froc import froc, score_planes
from steelsight.metrics.pro import pro_curve
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision
from steelsight.selection.defects import ScoredDefects, score_defects
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> NestedOutputs:
    run = tmp_path_factory.mktemp("scored") / "run"
    evidence = make_run(run, {"c": 0.3, "s": 0.4}, every=6)
    decide(Run(run))
    return _judged(evidence)


def _judged(evidence: OutOfFoldPredictions) -> NestedOutputs:
    return NestedOutputs.of(evidence, read_decision(evidence.run), EnsembleOutputs(evidence))


def _rows(scored: ScoredDefects) -> list[list[list[int]]]:
    return [sorted(part.tolist()) for part in (scored.annotated, scored.marked, scored.levels)]


def test_every_image_is_scored_by_the_maps_and_the_lower_threshold_of_its_fold(judged: NestedOutputs) -> None:
    scored = score_defects(judged)
    annotated, marked, levels = [], [], []
    for index, sample in enumerate(judged.evidence.record.samples):
        rule, maps = judged.rules[int(judged.evidence.record.folds[index])], judged.maps(index)
        for place, (truth, map_) in enumerate(zip(sample.mask(), maps, strict=True)):
            one = score_planes(truth, map_, rule.lower[place])
            annotated += [[index, place, *row] for row in one.annotated.tolist()]
            marked += [[index, place, *row] for row in one.marked.tolist()]
            levels += one.levels.tolist()
    assert _rows(scored) == [sorted(annotated), sorted(marked), sorted(levels)]
    assert len(scored.annotated)
    assert len(scored.marked)
    assert scored.levels.sum(axis=1).tolist() == scored.annotated[:, 2].tolist()


def test_marked_pixels_of_truth_are_those_of_the_histograms(judged: NestedOutputs) -> None:
    """PRO weighs defects alike; weighed by their areas, its overlap is the recall of the pixels."""
    scored, pixels = score_defects(judged), judged.view.histograms.sum(axis=0, dtype=np.int64)
    for place, (background, truth) in enumerate(pixels):
        levels = scored.levels[scored.annotated[:, 1] == place]
        assert levels.sum(axis=0).tolist() == truth.tolist()
        assert pro_curve(levels, background).false_positive_rate[-1] == 1


def test_what_is_kept_is_used_and_made_again_where_it_is_damaged_or_the_rule_cuts_elsewhere(
    judged: NestedOutputs,
) -> None:
    first, folder = score_defects(judged), judged.evidence.run.path / "evidence" / "defects"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    told: list[tuple[int, int]] = []
    again = score_defects(judged, lambda done, of: told.append((done, of)))
    assert _rows(again) == _rows(first)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert told[-1] == (len(judged.evidence.record.samples),) * 2
    assert len(told) == len(judged.rules)  # folds, not images

    next(iter(before)).write_bytes(b"cut off")
    assert _rows(score_defects(judged)) == _rows(first)

    rules = {
        fold: rule.model_copy(update={"lower": (200,) * 4, "upper": (200,) * 4}) for fold, rule in judged.rules.items()
    }
    higher = score_defects(NestedOutputs(judged.evidence, judged.team, rules, judged.view))
    assert higher.marked[:, 3].min(initial=255) > 200
    assert len(list(folder.iterdir())) == 2 * len(before)
    gated = {fold: rule.model_copy(update={"gate": 0.99}) for fold, rule in judged.rules.items()}
    score_defects(NestedOutputs(judged.evidence, judged.team, gated, judged.view))
    assert len(list(folder.iterdir())) == 2 * len(before)  # the gate takes no part


def test_a_run_that_was_gathered_before_defects_were_known_is_gathered_again(judged: NestedOutputs) -> None:
    from steelsight.selection.run_policy import gather_tested
    from steelsight.verdicts.evaluated_files import MATCHES

    first = gather_tested(judged, None)
    (kept,) = (judged.evidence.run.path / "evidence" / "tested").iterdir()
    (kept / MATCHES).unlink()
    again = gather_tested(judged, None)
    assert first.defects is not None
    assert again.defects is not None
    assert again.defects.annotated.tolist() == first.defects.annotated.tolist()
    assert (kept / MATCHES).is_file()


def test_a_rule_without_gate_and_area_lies_at_the_end_of_the_curve(judged: NestedOutputs) -> None:
    rules = {
        fold: rule.model_copy(update={"gate": 0.0, "softness": 1.0, "upper": rule.lower, "min_area": (1,) * 4})
        for fold, rule in judged.rules.items()
    }
    view = CombinedOutputs(judged.view.histograms, np.ones_like(judged.view.p_defect))
    of_rule = NestedOutputs(judged.evidence, judged.team, rules, view)
    count, scored = len(judged.evidence.record.samples), score_defects(judged)
    figures = defect_figures(of_rule.regions()[1], count, 4).all
    false = scored.marked[scored.marked[:, 4] == 0, 3]
    curve = froc(scored.annotated[:, 3], scored.annotated[:, 4], false, count)
    assert curve.found[-1] == figures.found_share > 0
    assert curve.half_found[-1] == figures.half_found_share
    assert curve.false_alarms[-1] == figures.false_alarms_per_image > 0
