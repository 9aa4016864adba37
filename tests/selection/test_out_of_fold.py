"""What is ignored counts neither as truth nor as found: every figure is that of the pixels which are left."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.judged_run import make_run
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.combine import combine_maps
from steelsight.imaging.rle import encode_mask
from steelsight.metrics.pro import pro_curve
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.defects import score_defects
from steelsight.selection.doubt import rank_doubts
from steelsight.selection.ensembles import Ensemble, EnsembleOutputs
from steelsight.selection.member_scores import score_members, soft_dice, working_share, working_truth
from steelsight.selection.out_of_fold import NestedOutputs

RULE = Rule(gate=0.1, upper=(80, 70, 85, 75), lower=(40, 35, 45, 38), min_area=(40, 30, 50, 60))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> NestedOutputs:
    evidence = make_run(tmp_path_factory.mktemp("run") / "run", {"c-a": 0.1, "s-a": 0.2, "s-b": 0.3}, every=4)
    rng = np.random.default_rng(5)
    samples = tuple(
        _with_ignored(sample, rng) if place % 3 else sample for place, sample in enumerate(evidence.record.samples)
    )
    record = replace(evidence.record, samples=samples, fingerprint="1" * 64)
    partly = OutOfFoldPredictions(evidence.run, record, evidence.recipe)
    folds = range(partly.recipe.folds)
    team = Ensemble(dict.fromkeys(folds, partly.members("classify")), dict.fromkeys(folds, partly.members("segment")))
    return NestedOutputs(partly, team, dict.fromkeys(folds, RULE), EnsembleOutputs(partly).of(team))


def _with_ignored(sample: Sample, rng: np.random.Generator) -> Sample:
    """Blots that lie over a part of most defects, and half of the image's right."""
    ignored = cv2.GaussianBlur(rng.normal(0, 1, sample.size).astype(np.float32), (0, 0), 9) > 0.03
    ignored[:, int(sample.size[1] * 0.8) :] = True
    return replace(
        sample, runs=tuple(encode_mask(mask & ~ignored) for mask in sample.mask()), ignored=encode_mask(ignored)
    )


def _arrays(judged: NestedOutputs, index: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """Map, truth and what counts of an image, from what is stored."""
    evidence, sample = judged.evidence, judged.evidence.record.samples[index]
    members = evidence.members("segment")
    maps = [evidence.map(member, index) for member in members]
    map_ = combine_maps(maps, [member.preprocess for member in members], sample.size, evidence.combine)
    return map_, sample.mask(), ~sample.ignored_mask()


def _found(map_: NDArray[np.uint8], p_defect: float, lower: int, upper: int, area: int) -> NDArray[np.bool_]:
    return (map_ > lower) & (p_defect > RULE.gate) & ((map_ > upper).sum() >= area)


def test_counts_are_those_of_the_pixels_that_are_left(judged: NestedOutputs) -> None:
    counts, seen = judged.counts(), 0
    for index in range(len(judged.evidence.record.samples)):
        map_, truth, counted = _arrays(judged, index)
        for place, levels in enumerate(zip(RULE.lower, RULE.upper, RULE.min_area, strict=True)):
            left, true = map_[place][counted], truth[place][counted]
            cut = _found(left, float(judged.view.p_defect[index]), *levels)
            said = (counts.intersection, counts.predicted, counts.truth)
            assert [int(one[index, place]) for one in said] == [(cut & true).sum(), cut.sum(), true.sum()]
            assert judged.view.histograms[index, place].sum() == counted.sum()
            seen += int(cut.sum() < _found(map_[place], 1.0, *levels).sum())
    assert seen > 5  # something was found where it does not count


def test_connected_defects_and_their_scores_lie_outside_alone(judged: NestedOutputs) -> None:
    regions, defects = judged.regions()
    scored = score_defects(judged)
    annotated: list[tuple[int, ...]] = []
    marked: list[tuple[int, ...]] = []
    for index, of_image in enumerate(regions):
        map_, truth, counted = _arrays(judged, index)
        areas: list[list[int]] = [[] for _ in RULE.lower]
        for place, levels in enumerate(zip(RULE.lower, RULE.upper, RULE.min_area, strict=True)):
            left = np.where(counted, map_[place], 0)
            cut = _found(left, float(judged.view.p_defect[index]), *levels)
            for into, of, other in ((annotated, truth[place], cut), (marked, cut, truth[place])):
                number, labels = cv2.connectedComponents(of.astype(np.uint8), connectivity=8)
                into += [
                    (index, place, int((labels == n).sum()), int((other & (labels == n)).sum()))
                    for n in range(1, number)
                ]
            areas[place] = sorted(row[2] for row in marked if row[:2] == (index, place))
        for place, of_class in enumerate(areas):
            assert sorted(region.area for region in of_image if region.class_index == place) == of_class
    assert sorted(map(tuple, defects.annotated.tolist())) == sorted(annotated)
    assert sorted(map(tuple, defects.marked.tolist())) == sorted(marked)
    assert scored.annotated[:, 2].sum() == sum(row[2] for row in annotated)
    for place in range(len(RULE.lower)):
        levels = scored.levels[scored.annotated[:, 1] == place]
        background = np.zeros(256, np.int64)
        for index in range(len(regions)):
            map_, truth, counted = _arrays(judged, index)
            background += np.bincount(map_[place][counted & ~truth[place]], minlength=256)
        said = pro_curve(levels, judged.view.histograms[:, place, 0].sum(axis=0, dtype=np.int64))
        np.testing.assert_array_equal(said.false_positive_rate, pro_curve(levels, background).false_positive_rate)


def test_evidence_for_verdicts_and_doubts_say_nothing_of_it(judged: NestedOutputs) -> None:
    tested, doubts = judged.tested(), rank_doubts(judged.evidence)
    for index, sample in enumerate(judged.evidence.record.samples):
        assert tested.truth[index].tolist() == [runs.area for runs in sample.runs]
        assert not doubts.marked(index)[:, sample.ignored_mask()].any()


def test_members_are_scored_where_it_counts(judged: NestedOutputs) -> None:
    evidence = judged.evidence
    scores = score_members(evidence, "segment")
    for member, values in zip(scores.members, scores.values, strict=True):
        for index, sample in enumerate(evidence.record.samples):
            if not sample.is_defective or not sample.ignored.area:
                continue
            share = working_share(sample, member.preprocess)
            assert share is not None
            p = evidence.map(member, index).astype(np.float64) / 255 * share
            t = working_truth(sample, member.preprocess).astype(np.float64)
            assert values[index] == pytest.approx((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1), rel=1e-5)
            assert values[index] != pytest.approx(
                soft_dice(evidence.map(member, index), t.astype(np.float32)), rel=1e-3
            )
