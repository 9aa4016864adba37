"""Intervals of thresholds over draws of twin groups."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steelsight.rule.bootstrap import RuleStability, find_stability
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, KindName, find_rule

IMAGES = 40


def view_of(levels: NDArray[np.int64], images: int = IMAGES) -> CombinedOutputs:
    """Every other image has a defect of 200 pixels at its own level; all have 50 wrong pixels at level 60."""
    histograms = np.zeros((images, 2, 2, 256), np.uint32)
    histograms[:, :, 0, 0] = 4000
    histograms[:, :, 0, 60] = 50
    histograms[np.arange(0, images, 2), :, 1, levels[: images // 2]] = 200
    return CombinedOutputs(histograms, np.where(np.arange(images) % 2, 0.1, 0.9))


STEADY = view_of(np.full(IMAGES, 150))
UNSTEADY = view_of(np.linspace(70, 250, IMAGES // 2).astype(np.int64))


def grids(*softness: float) -> Grids:
    return Grids.of(np.arange(20) * 0.05, 1.05, [(64, 64)], 2, softness)


def moves(
    kind: KindName, view: CombinedOutputs, groups: NDArray[np.int64] | None = None, draws: int = 60, *softness: float
) -> RuleStability:
    searched = grids(*softness)
    rule = find_rule(kind, view, searched).rule
    return find_stability(kind, rule, view, np.arange(IMAGES) if groups is None else groups, searched, draws=draws)


def test_what_all_images_agree_on_does_not_move() -> None:
    found, rule = moves("tuned", STEADY), find_rule("tuned", STEADY, grids()).rule
    assert [(one.low, one.high) for one in found.upper] == [(up, up) for up in rule.upper]
    assert [(one.low, one.high) for one in found.lower] == [(low, low) for low in rule.lower]
    assert (found.gate.low, found.gate.high) == (0.55, 0.55)


def test_what_hangs_on_single_images_does() -> None:
    found = moves("tuned", UNSTEADY)
    assert all(one.high - one.low >= 8 for one in found.upper)


@pytest.mark.parametrize(("kind", "values"), [("gate", 0), ("shared", 1), ("tuned", 2)])
def test_only_what_is_searched_has_an_interval(kind: KindName, values: int) -> None:
    found = moves(kind, STEADY, None, 5, 5.0)
    assert len(found.upper) == len(found.lower) == len(found.min_area) == values
    assert found.of_class("upper", 1) == (found.upper[-1] if values else None)
    assert found.softness is None
    assert found.softnesses == ()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].soft])
def test_a_soft_gate_has_the_interval_of_its_softness_too(kind: KindName) -> None:
    found = moves(kind, STEADY, None, 5, 2.0, 5.0)
    assert found.softness is not None
    assert {found.softness.low, found.softness.high} <= {2.0, 5.0}
    assert found.gates[0] == 0


def test_twins_are_drawn_together() -> None:
    """Two surfaces, photographed twenty times each: half of the draws hold one of them alone."""
    view = view_of(np.repeat([100, 230], IMAGES // 4))
    groups = np.repeat([7, 3], IMAGES // 2)
    together, apart = (moves("tuned", view, of) for of in (groups, None))
    assert together.upper[0].high >= 178 > apart.upper[0].high


def test_the_same_evidence_says_the_same_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    rule, groups = find_rule("tuned", UNSTEADY, grids()).rule, np.arange(IMAGES)
    one, other = (
        find_stability("tuned", rule, UNSTEADY, groups, grids(), lambda *at: told.append(at), draws=60)
        for _ in range(2)
    )
    assert one == other
    assert told[-1] == (60, 60)
