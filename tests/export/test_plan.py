"""Which networks, rule and evidence an inspector gets: of all folds together, or of one."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.small_run import WISH

from steelsight.core.errors import UserError
from steelsight.export.export import Exported
from steelsight.export.plan import make_plan
from steelsight.inspector.artifact import read_card
from steelsight.report.sign_off.sheet import sheet_of
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision
from steelsight.verdicts.evaluated_files import read_evaluation_set


def plan(run: Any, folds: Any, precision: str = "fp32") -> Any:
    return make_plan(Run(run), folds, precision, 0.002, [str(SAMPLE / "test_images")], lambda *_: None)


def test_a_decision_on_other_evidence_than_the_run_has_is_refused(run: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(run, tmp_path / "run")
    evidence = OutOfFoldPredictions.of(Run(copied))
    member = evidence.recipe.member("segment-unet")
    indices = evidence.indices(0).tolist()
    evidence.write_maps(member, 0, [255 - np.stack([evidence.map(member, index) for index in indices])])
    for folds in ("all", "0"):
        with pytest.raises(UserError, match=r"decision\.json: rests on other evidence than the run has now; run"):
            plan(copied, folds)


def test_of_a_run_decided_without_a_member_the_evidence_of_the_others_counts(run: Path, tmp_path: Path) -> None:
    """As after `train --only`: nothing was looked at while it was incomplete, and the run was refused once it was there."""
    copied = Run(shutil.copytree(run, tmp_path / "run"))
    evidence = OutOfFoldPredictions.of(copied)
    late, chosen = evidence.recipe.member("segment-fpn"), evidence.recipe.member("segment-unet")
    (maps := copied.predictions_file(late, 1)).rename(tmp_path / "late")
    assert decide(copied).incomplete == ("segment-fpn",)
    assert plan(copied.path, "all").tested is not None
    (tmp_path / "late").rename(maps)
    assert plan(copied.path, "all").tested is not None
    maps.rename(tmp_path / "late")
    indices = evidence.indices(0).tolist()
    evidence.write_maps(chosen, 0, [255 - np.stack([evidence.map(chosen, index) for index in indices])])
    with pytest.raises(UserError, match=r"decision\.json: rests on other evidence than the run has now; run"):
        plan(copied.path, "all")


def test_averaged_folds_carry_the_runs_policy_and_no_guarantee(run: Path, exported: Exported) -> None:
    folder = exported.folder
    card, decision = read_card(folder), read_decision(Run(run))
    assert card.policy == decision.policy
    assert card.policy.evidence == "cross-validated"
    assert not card.bears_bound
    tested = read_evaluation_set(folder)
    assert len(tested.image_ids) == card.policy.outcome.images == 11
    assert "not guaranteed" in (folder / "README.md").read_text("utf-8")
    assert "Cross-validated, not guaranteed." in sheet_of(folder)


def test_one_folds_networks_are_tested_on_exactly_that_fold(run: Path) -> None:
    decision, of = read_decision(Run(run)), plan(run, "1")
    own = next(fold for fold in decision.nested.folds if fold.fold == 1)
    assert of.rule == own.rule
    assert of.tested.kind == of.policy.evidence == "own"
    assert set(of.tested.folds.tolist()) == {1}
    assert of.policy.outcome.images == own.images
    assert of.policy.wish == WISH
    assert plan(run, "1", "bf16").policy.evidence == "other-precision"
