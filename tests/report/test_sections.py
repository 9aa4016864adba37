"""What sections compute from plain arrays."""

import numpy as np
import pytest

from steelsight.metrics.classification import OPERATING_POINTS
from steelsight.report.sections.classifier import classifier_view
from steelsight.report.sections.gate import gate_view
from steelsight.report.sections.masks import judge
from steelsight.report.sections.summary import meaning
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts


def _counts(hit: list[list[int]], predicted: list[list[int]], truth: list[list[int]]) -> PixelCounts:
    return PixelCounts(*(np.array(rows, np.int64) for rows in (hit, predicted, truth)))


GROUPS = np.arange(4)
PERFECT = _counts([[5], [7], [0], [0]], [[5], [7], [0], [0]], [[5], [7], [0], [0]])


def test_each_matrix_holds_every_image_once() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.4
    p_defect = np.clip(truth * 0.4 + rng.random(200) * 0.6, 0, 1)
    view = classifier_view(p_defect, truth, np.arange(200), [0.55])
    assert [(point.lower, point.upper) for point in view.points] == list(OPERATING_POINTS)
    for point in view.points:
        assert sum(point.defective) == truth.sum()
        assert sum(point.clean) == (~truth).sum()
        assert point.defective[1] + point.clean[1] == point.confusion.inconclusive
    assert view.auc_interval[0] <= view.auc <= view.auc_interval[1]


def test_gain_is_dice_above_the_floor_on_the_same_images() -> None:
    judged = judge("nested", PERFECT, GROUPS)
    assert judged.figures.dice == 1
    assert judged.gain == pytest.approx(0.5)
    assert judged.false_alarms == (0, 0)
    assert judged.dice == (1, 1)
    assert judged.gain_interval.low < 0.5 < judged.gain_interval.high


def test_an_empty_answer_gains_exactly_nothing() -> None:
    nothing = _counts([[0]] * 4, [[0]] * 4, [[5], [7], [0], [0]])
    judged = judge("nested", nothing, GROUPS)
    assert judged.gain == 0
    assert judged.gain_interval == (0, 0)
    assert "cannot tell from none" in meaning(judged, nothing)


def test_the_sentence_counts_images_and_gives_its_verdict() -> None:
    sentence = meaning(judge("nested", PERFECT, GROUPS), PERFECT)
    assert "on 2 of 2 images with a defect and on 0 of 2 without" in sentence
    assert "0.500 above the 0.500" in sentence
    alarmed = _counts([[0]] * 4, [[9]] * 4, [[0]] * 4)
    assert "worse than marking nothing" in meaning(judge("nested", alarmed, GROUPS), alarmed)


def test_what_the_gate_lost_and_spared() -> None:
    without = _counts(
        [[5, 0], [0, 0], [0, 0], [3, 0]], [[6, 2], [0, 0], [4, 0], [3, 0]], [[5, 0], [7, 0], [0, 0], [3, 9]]
    )
    passed = np.array([False, False, False, True])
    kept = passed[:, None]
    gated = PixelCounts(without.intersection * kept, without.predicted * kept, without.truth)
    view = gate_view(gated, without, passed, ("a", "b"), [(0.5, 0.9)], 0.5, [1.0, 1.0], Objective())
    first, second = view.rows
    assert (first.pairs, first.stopped, first.lost, first.spared) == (3, 2, 1, 1)
    assert first.pixels == pytest.approx(5 / 15)
    assert (second.pairs, second.stopped, second.lost, second.spared) == (1, 0, 0, 1)
    assert (view.defective_stopped, view.clean_stopped) == (2, 1)
    assert view.plot is None
    assert (view.folds, view.soft) == (2, 0)


def test_a_soft_gate_loses_masks_of_images_that_it_does_not_stop() -> None:
    without = _counts([[5], [3], [0]], [[6], [3], [4]], [[5], [3], [0]])
    kept = np.array([[True], [False], [False]])
    gated = PixelCounts(without.intersection * kept, without.predicted * kept, without.truth)
    view = gate_view(gated, without, np.ones(3, np.bool_), ("a",), [(0.0, 0.9)], 0.0, [5.0, 1.0], Objective())
    (row,) = view.rows
    assert (row.stopped, row.lost, row.spared) == (0, 1, 1)
    assert row.pixels == pytest.approx(3 / 8)
    assert (view.folds, view.soft) == (2, 1)
