"""What the gate loses and spares, hard and soft."""

import numpy as np
import pytest
from helpers.counted import counts

from steelsight.report.sections.gate import gate_view
from steelsight.rule.kinds import PLAIN, PUBLISHED
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import PixelCounts


def test_what_the_gate_lost_and_spared() -> None:
    without = counts(
        [[5, 0], [0, 0], [0, 0], [3, 0]], [[6, 2], [0, 0], [4, 0], [3, 0]], [[5, 0], [7, 0], [0, 0], [3, 9]]
    )
    passed = np.array([False, False, False, True])
    kept = passed[:, None]
    gated = PixelCounts(without.intersection * kept, without.predicted * kept, without.truth)
    view = gate_view(gated, without, passed, ("a", "b"), [(0.5, 0.9)], 0.5, [1.0, 1.0], Objective(), "gate", 0.8)
    first, second = view.rows
    assert (first.pairs, first.stopped, first.lost, first.spared) == (3, 2, 1, 1)
    assert first.pixels == pytest.approx(5 / 15)
    assert (second.pairs, second.stopped, second.lost, second.spared) == (1, 0, 0, 1)
    assert (view.defective_stopped, view.clean_stopped) == (2, 1)
    assert view.plot is None
    assert (view.folds, view.soft) == (2, 0)


def test_a_soft_gate_loses_masks_of_images_that_it_does_not_stop() -> None:
    without = counts([[5], [3], [0]], [[6], [3], [4]], [[5], [3], [0]])
    kept = np.array([[True], [False], [False]])
    gated = PixelCounts(without.intersection * kept, without.predicted * kept, without.truth)
    view = gate_view(
        gated, without, np.ones(3, np.bool_), ("a",), [(0.0, 0.9)], 0.0, [5.0, 1.0], Objective(), "gate", 0.8
    )
    (row,) = view.rows
    assert (row.stopped, row.lost, row.spared) == (0, 1, 1)
    assert row.pixels == pytest.approx(3 / 8)
    assert (view.folds, view.soft) == (2, 1)


@pytest.mark.parametrize(("kept", "tuned"), [("shared", True), ("gate", False), (PLAIN, False), (PUBLISHED, False)])
def test_thresholds_are_called_tuned_where_the_kept_kind_tunes_them(kept: str, tuned: bool) -> None:
    one = counts([[5], [3]], [[6], [3]], [[5], [3]])
    curve, passed = [(0.0, 0.8), (0.5, 0.9)], np.ones(2, np.bool_)
    view = gate_view(one, one, passed, ("a",), curve, 0.5, [1.0, 1.0], Objective(), kept, None)
    assert view.plot is not None
    assert view.tuned == tuned
    assert np.isnan(view.nested)
