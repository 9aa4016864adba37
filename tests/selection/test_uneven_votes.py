"""Votes of two or three segmenters a fold are not those of all folds: a decision says so."""

from pathlib import Path

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run

from steelsight.imaging.combine import combine_maps, needed
from steelsight.imaging.preprocess import Preprocess
from steelsight.selection.decision import read_decision
from steelsight.selection.uneven_votes import share_of_all, uneven_votes

FOLDS = 5


def test_it_is_said_where_the_share_of_a_fold_and_that_of_all_folds_part() -> None:
    assert [networks for networks in range(1, 12) if share_of_all(networks) != needed(networks)] == [2, 3]


@pytest.mark.parametrize("each", [2, 3, 4, 5, 7])
def test_what_is_told_apart_is_how_much_a_threshold_marks(each: int) -> None:
    """Networks that err each in its own way: the share of pixels above a level, by a fold's networks and by all of them."""
    maps = np.random.default_rng(0).integers(0, 256, (FOLDS * each, 1, 192, 320)).astype(np.uint8)
    way = Preprocess(height=192, width=320, colour="grey")
    above = [
        float((combine_maps(list(maps[:count]), [way] * count, (192, 320), "votes") > 127).mean())
        for count in (each, len(maps))
    ]
    assert (above[1] - above[0] > 0.2) == (share_of_all(each) != needed(each))


def test_decide_says_it(tmp_path: Path) -> None:
    search = ("search.area_ratio=2", "search.threshold_step=0.2", "search.gates=[0.5]", "search.softness=[]")
    changes = (*search, "selection.combine=votes", "selection.segmenters=2")
    evidence = make_run(tmp_path / "run", {"c-a": 0.1, "s-a": 0.05, "s-b": 0.1}, every=6, search=changes, width=96)
    done = run_cli("decide", evidence.run.path)
    assert done.returncode == 0, done.stderr
    (note,) = (line for line in done.stdout.splitlines() if "segmenters" in line and line.startswith("note: "))
    assert "the value that 2 of a fold's 2 segmenters reach, and the inspector marks by what 2 of all 6 reach" in note
    decision = read_decision(evidence.run)
    assert note == f"note: {uneven_votes(decision)}"
    assert uneven_votes(decision.model_copy(update={"combine": "logits"})) is None
    assert uneven_votes(decision.model_copy(update={"segmenters": {"all": ("s-a",)}})) is None
