"""The search of many draws against the search of each."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.rule.bootstrap_search import redraw
from steelsight.rule.coarse_grid import CoarseGrid, coarse
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, KindName, find_rule
from steelsight.rule.objective import Objective, ObjectiveName
from steelsight.rule.pixel_counts import count
from steelsight.rule.rule import Rule

CLASSES = 2


def evidence(seed: int, images: int, objective: Objective) -> CoarseGrid:
    """Blobs of random size and level over truth and background, some images without any."""
    rng = np.random.default_rng(seed)
    histograms = np.zeros((images, CLASSES, 2, 256), np.uint32)
    for image in histograms:
        for of_class in image:
            of_class[0, 0] = 4000
            for side in (0, 1):
                if rng.random() < 0.5:
                    of_class[side, rng.integers(0, 256, 3)] += rng.integers(1, 400, 3).astype(np.uint32)
    grids = Grids.of([0.2, 0.4, 0.55, 0.8], 1.2, [(64, 64)], CLASSES, [2.0, 5.0], objective)
    return coarse(CombinedOutputs(histograms, rng.integers(0, 21, images) / 20), grids)


def steps(few: CoarseGrid, rule: Rule) -> int:
    """Away from the plain rule, on the full grid."""
    found = 0
    for index in range(CLASSES):
        away, area = few.grids.away(index), np.searchsorted(few.grids.areas, rule.min_area[index])
        found += away.upper[rule.upper[index]] + away.lower[rule.lower[index]] + away.area[area]
    return int(found)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "defaults"])
@pytest.mark.parametrize("aim", get_args(ObjectiveName))
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([0.0, 0.1, 0.3]))
def test_each_draw_gets_what_its_own_search_finds(
    kind: KindName, aim: ObjectiveName, seed: int, images: int, alarms: float
) -> None:
    objective = Objective(aim=aim, max_false_alarms=alarms)
    few, rng = evidence(seed, images, objective), np.random.default_rng(seed)
    times = np.stack([np.bincount(rng.integers(images, size=images), minlength=images) for _ in range(3)], axis=1)
    found = redraw(kind, few.view, few.grids, times)
    for draw in range(3):
        drawn = np.repeat(np.arange(images), times[:, draw])
        expected = find_rule(kind, few.view, few.grids, drawn)
        values = {name: getattr(found, name)[:, draw].tolist() for name in ("upper", "lower", "min_area")}
        values = {name: value * (CLASSES // len(value)) for name, value in values.items() if value}
        rule = few.grids.plain.model_copy(
            update=values | {"gate": found.gate[draw].item(), "softness": found.softness[draw].item()}
        )
        score = objective.score(count(few.view.histograms, few.view.p_defect, rule, drawn))
        assert score == pytest.approx(expected.score, abs=2e-9)
        assert (rule.gate, rule.softness) == (expected.rule.gate, expected.rule.softness)
        assert steps(few, rule) == steps(few, expected.rule)
