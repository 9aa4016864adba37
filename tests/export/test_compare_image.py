"""One image by two engines: masks that are the same, and numbers that are none."""

from dataclasses import replace
from typing import Any

import numpy as np
from helpers.compared import RULE, SOURCES, engine

from steelsight.cascade.judge import judge
from steelsight.export.compare_image import ComparedSide
from steelsight.export.compare_image import compare as of_image
from steelsight.export.tolerance import PIXELS
from steelsight.imaging.rle import Runs


def test_how_many_masks_are_the_same_is_told_and_not_asked() -> None:
    """Of each, three pixels at its end are gone."""
    rule = RULE.model_copy(update={"gate": 0.0})
    side = ComparedSide("torch", engine(), rule)
    judged = list(judge(SOURCES, engine(), rule, keep_maps=True))
    for one in judged:
        for cut, faults in ((PIXELS, 0), (PIXELS + 1, sum(0 < runs.area < 1900 for runs in one.runs))):
            runs = tuple(shortened(runs, cut) for runs in one.runs)
            compared = of_image(one, replace(one, runs=runs), side, side)
            assert len(compared.faults) == faults
            assert [pair.pixels for pair in compared.masks] == [cut if runs.area else 0 for runs in one.runs]


def test_of_a_rule_that_cuts_at_the_working_size_blocks_are_counted() -> None:
    """A pixel of 128 x 800 that flips takes four of the image along."""
    rule = RULE.model_copy(update={"gate": 0.0, "at": "working"})
    side = ComparedSide("torch", engine(), rule)
    (one,) = judge(SOURCES[:1], engine(), rule, keep_maps=True)
    for blocks, faults in ((PIXELS, 0), (PIXELS + 1, sum(0 < runs.area < 7600 for runs in one.runs))):
        runs = tuple(shortened(runs, 4 * blocks) for runs in one.runs)
        compared = of_image(one, replace(one, runs=runs), side, side)
        assert [pair.pixels for pair in compared.masks] == [blocks if runs.area else 0 for runs in one.runs]
        assert len(compared.faults) == faults


def shortened(runs: Any, by: Any) -> Any:
    """The last pixels taken away."""
    if not runs.area:
        return runs
    positions = np.concatenate([np.arange(start, end) for start, end in zip(runs.starts, runs.ends, strict=True)])
    return Runs(positions[:-by], np.ones(len(positions) - by, np.int64))


def test_numbers_that_are_none_are_refused() -> None:
    side = ComparedSide("torch", engine(), RULE)
    (one,) = judge(SOURCES[:1], engine(), RULE, keep_maps=True)
    (fault, *_) = of_image(one, replace(one, p_defect=float("nan")), side, side).faults
    assert "differs by nan" in fault.text
