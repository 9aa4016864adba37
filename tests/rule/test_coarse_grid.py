"""The coarse grid: fewer rules, each of which counts what the full grid counts."""

import numpy as np
import pytest

from steelsight.rule.coarse_grid import AREA_RATIO, CoarseGrid, coarse
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import CombinedOutputs
from steelsight.rule.pixel_counts import count
from steelsight.rule.rule import Rule


def few(seed: int = 0) -> tuple[CombinedOutputs, Grids, CoarseGrid]:
    rng = np.random.default_rng(seed)
    histograms = rng.integers(0, 9, (20, 3, 2, 256)).astype(np.uint32)
    grids = Grids.of(np.arange(20) * 0.05, 1.05, [(64, 64)] * 20, 3, [2.0, 5.0])
    view = CombinedOutputs(histograms, rng.random(20))
    return view, grids, coarse(view, grids)


def test_every_rule_counts_the_same_pixels_as_on_the_full_grid() -> None:
    view, _, small = few()
    rng = np.random.default_rng(1)
    for _ in range(50):
        upper, lower = np.sort(rng.integers(0, len(small.levels), (2, 3)), axis=0)[::-1].tolist()
        changes = {"upper": upper, "lower": lower, "min_area": rng.choice(small.grids.areas, 3).tolist()}
        rule = small.grids.plain.model_validate(
            {"gate": rng.choice(small.grids.gates), "softness": rng.choice([1.0, 5.0])} | changes
        )
        fine, found = (
            count(one.histograms, one.p_defect, of) for one, of in ((view, small.fine(rule)), (small.view, rule))
        )
        assert found.predicted.tolist() == fine.predicted.tolist()
        assert found.intersection.tolist() == fine.intersection.tolist()
        assert found.truth.tolist() == fine.truth.tolist()


def test_it_is_part_of_the_full_grid_and_holds_the_plain_rule() -> None:
    _, grids, small = few()
    assert set(small.grids.areas.tolist()) <= set(grids.areas.tolist())
    assert set(small.grids.gates.tolist()) <= set(grids.gates.tolist())
    assert {0.0, 0.55} <= set(small.grids.soft_gates.tolist())
    assert small.fine(small.grids.plain) == grids.plain
    assert set(grids.plain.min_area) <= set(small.grids.areas.tolist())
    assert np.diff(small.levels).max() <= 8
    assert (small.levels[0], small.levels[-1]) == (0, 255)


def test_a_rule_can_be_put_on_it() -> None:
    view, grids, _ = few()
    areas = tuple(grids.areas[[7, 8, 9]].tolist())
    rule = Rule(gate=grids.gates[7], upper=(201, 203, 205), lower=(3, 5, 7), min_area=areas)
    small = coarse(view, grids, rule)
    assert {3, 5, 7, 201, 203, 205} <= set(small.levels.tolist())
    assert set(areas) <= set(small.grids.areas.tolist())
    assert rule.gate in small.grids.gates
    assert small.fine(small.grids.plain) == grids.plain


def test_areas_are_spread_from_the_first_to_the_last() -> None:
    _, grids, small = few()
    areas = small.grids.areas[~np.isin(small.grids.areas, grids.plain.min_area)]
    assert (areas[0], areas[-1]) == (1, 64 * 64)
    assert areas[2:-1] == pytest.approx(areas[1:-2] * AREA_RATIO, rel=0.6)
    assert len(areas) < len(grids.areas) / 3


def test_a_gate_set_by_hand_stays_alone() -> None:
    view, grids, _ = few()
    small = coarse(view, grids.at_gate(0.2))
    assert small.grids.gates.tolist() == small.grids.soft_gates.tolist() == [0.2]
