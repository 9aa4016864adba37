"""The coarse grid: fewer rules, each of which counts what the full grid counts."""

from dataclasses import replace

import numpy as np
import pytest

from steelsight.rule.coarse_grid import AREA_RATIO, CoarseGrid, coarse, stepped
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, find_rule
from steelsight.rule.objective import Objective
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


@pytest.mark.parametrize("aim", ["competition", "pooled", "defects"])
@pytest.mark.parametrize("kind", ["shared", "tuned", "soft-shared", "soft-tuned"])
def test_a_rule_in_steps_is_the_best_of_those_whose_thresholds_are_steps(kind: str, aim: str) -> None:
    view, fine, _ = few()
    view.histograms[::3, :, 1] = 0
    view.histograms[::2, 1] //= 5
    objective = Objective.model_validate({"aim": aim, "max_false_alarms": 0.2})
    grids = replace(fine, step=64, objective=objective, uppers=np.append(np.arange(77, 230), 255))
    steps = {0, 64, 77, 128, 192, 229, 255, fine.plain.upper[0], fine.plain.lower[0]}
    found = find_rule(kind, view, grids)
    assert set(found.rule.upper) | set(found.rule.lower) <= steps
    assert set(found.rule.upper) <= {77, 102, 128, 178, 192, 229, 255}
    assert {77, 229} <= set(stepped(view, grids).levels.tolist())
    assert all(set(point.rule.upper) | set(point.rule.lower) <= steps for point in found.gates)
    small = stepped(view, grids)
    assert small.grids.areas.tolist() == grids.areas.tolist()
    assert small.grids.gates.tolist() == grids.gates.tolist()
    counted = objective.score(view.count(found.rule))
    assert found.score == pytest.approx(counted)
    rng = np.random.default_rng(2)
    softness = grids.softness if KINDS[kind].soft else (1.0,)
    gates = grids.soft_gates if KINDS[kind].soft else grids.gates
    for _ in range(200):
        one = rng.choice(sorted(steps), (2, 1 if "shared" in kind else 3))
        upper, lower = np.broadcast_to(np.sort(one, axis=0)[::-1], (2, 3)).tolist()
        if not set(upper) <= set(grids.uppers.tolist()):
            continue
        areas = rng.choice(grids.areas, 3).tolist()
        other = Rule(
            gate=rng.choice(gates),
            softness=rng.choice(softness),
            upper=tuple(upper),
            lower=tuple(lower),
            min_area=tuple(areas[:1] * 3 if "shared" in kind else areas),
        )
        if aim != "defects" or alarms(view, other) <= objective.budget(empty(view)):
            assert objective.score(view.count(other)) <= counted + 1e-9


def alarms(view: CombinedOutputs, rule: Rule) -> int:
    counts = view.count(rule)
    return int(((counts.truth == 0) & (counts.predicted > 0)).sum())


def empty(view: CombinedOutputs) -> int:
    return int((view.histograms[:, :, 1].sum(axis=-1) == 0).sum())


@pytest.mark.parametrize("kind", ["defaults", "gate", "soft-gate"])
def test_plain_thresholds_need_no_steps(kind: str) -> None:
    view, grids, _ = few()
    assert find_rule(kind, view, replace(grids, step=64)) == find_rule(kind, view, grids)


def test_the_coarse_grid_has_some_of_the_steps_and_no_others() -> None:
    view, grids, _ = few()
    always = {0, 254, 255, *grids.plain.upper, *grids.plain.lower}
    assert set(coarse(view, replace(grids, step=64)).levels.tolist()) == {64, 128, 192} | always
    assert set(coarse(view, replace(grids, step=3)).levels.tolist()) == {*range(0, 256, 9)} | always
    assert set(coarse(view, replace(grids, step=5)).levels.tolist()) <= {*range(0, 256, 5)} | always
