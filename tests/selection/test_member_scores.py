"""Which members are chosen."""

from pathlib import Path

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.member_scores import names, score_members, soft_dice, working_truth


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    noise = {"c-bad": 0.9, "c-good": 0.05, "s-bad": 0.6, "s-good": 0.1, "s-middle": 0.3}
    return make_run(tmp_path_factory.mktemp("run"), noise, every=3)


def test_a_classifier_is_scored_by_accuracy(evidence: OutOfFoldPredictions) -> None:
    scores = score_members(evidence, "classify")
    everything = np.ones(len(evidence.record.samples), np.bool_)
    defective = np.array([sample.is_defective for sample in evidence.record.samples])
    members = evidence.members("classify")
    assert scores.mean(everything).tolist() == [
        np.mean((evidence.probabilities(member) > 0.5) == defective) for member in members
    ]
    assert names(scores.best(1, everything)) == ("c-good",)


def test_a_segmenter_is_scored_by_soft_dice_on_images_with_a_defect(evidence: OutOfFoldPredictions) -> None:
    scores = score_members(evidence, "segment")
    member = evidence.recipe.member("s-good")
    row = scores.members.index(member)
    for index, sample in enumerate(evidence.record.samples):
        if not sample.is_defective:
            assert np.isnan(scores.values[row, index])
            continue
        p = evidence.map(member, index) / 255
        t = working_truth(sample, member.preprocess)
        assert t.shape == p.shape
        assert 0 <= t.min() <= t.max() <= 1
        assert scores.values[row, index] == pytest.approx((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1), abs=1e-6)


def test_the_best_are_returned_in_the_recipes_order(evidence: OutOfFoldPredictions) -> None:
    scores = score_members(evidence, "segment")
    everything = np.ones(len(evidence.record.samples), np.bool_)
    assert names(scores.best(2, everything)) == ("s-good", "s-middle")
    assert names(scores.best(9, everything)) == ("s-bad", "s-good", "s-middle")


def test_scores_are_kept(evidence: OutOfFoldPredictions) -> None:
    first = score_members(evidence, "segment").values
    assert len(list((evidence.run.path / "evidence" / "scores").iterdir())) == 9
    assert np.array_equal(score_members(evidence, "segment").values, first, equal_nan=True)


def test_a_part_on_which_nobody_can_be_scored_does_not_stop_the_choice(tmp_path: Path) -> None:
    evidence = make_run(tmp_path, {"s-a": 0.2, "s-b": 0.4}, every=6)
    scores = score_members(evidence, "segment")
    free = np.array([not sample.is_defective for sample in evidence.record.samples])
    assert np.isnan(scores.mean(free)).all()
    assert names(scores.best(1, free)) == ("s-a",)


def test_nothing_predicted_of_nothing_is_perfect() -> None:
    assert soft_dice(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.float32)) == 1.0
