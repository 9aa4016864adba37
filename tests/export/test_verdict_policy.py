"""The verdict policy of an exported inspector: whose evidence it carries, and deciding it again."""

import json
import shutil

import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.small_run import WISH

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.export.plan import make_plan
from steelsight.inspector.artifact import listed_files, read_card, write_checksums
from steelsight.inspector.calibrate import judge_fresh
from steelsight.inspector.decide import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.report.sign_off.sheet import sheet_of
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.verdicts.evaluated_files import read_evaluation_set
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.severity import Severity


@pytest.fixture
def inspector(exported, tmp_path):
    return shutil.copytree(exported.folder, tmp_path / "inspector")


def plan(run, folds, precision="fp32"):
    return make_plan(Run(run), folds, precision, 0.002, [str(SAMPLE / "test_images")], lambda *_: None)


def test_averaged_folds_carry_the_runs_policy_and_no_guarantee(run, exported):
    folder = exported.folder
    card, decision = read_card(folder), read_decision(Run(run))
    assert card.policy == decision.policy
    assert card.policy.evidence == "cross-validated"
    assert not card.bears_bound
    tested = read_evaluation_set(folder)
    assert len(tested.image_ids) == card.policy.outcome.images == 11
    assert "not guaranteed" in (folder / "README.md").read_text("utf-8")
    assert "Cross-validated, not guaranteed." in sheet_of(folder)


def test_one_folds_networks_are_tested_on_exactly_that_fold(run):
    decision, of = read_decision(Run(run)), plan(run, "1")
    own = next(fold for fold in decision.nested.folds if fold.fold == 1)
    assert of.rule == own.rule
    assert of.tested.kind == of.policy.evidence == "own"
    assert set(of.tested.folds.tolist()) == {1}
    assert of.policy.outcome.images == own.images
    assert of.policy.wish == WISH
    assert plan(run, "1", "bf16").policy.evidence == "other-precision"


def test_an_inspector_is_decided_again_where_it_stands(inspector):
    before = read_card(inspector)
    severity = Severity.model_validate({"rules": [{"verdict": "reject", "class": "4"}]})
    card = decide_inspector(inspector, Limits(max_escape=0.5, confidence=0.7), severity)
    assert card == read_card(inspector)
    assert (card.networks, card.rule) == (before.networks, before.rule)
    assert card.policy.wish.max_escape == 0.5
    assert decide_inspector(inspector, None, "keep").policy == card.policy
    assert decide_inspector(inspector, None, None).policy.severity is None
    assert "50 %" in (inspector / "README.md").read_text("utf-8")
    decide_inspector(inspector, None, severity)
    section = (inspector / "README.md").read_text("utf-8").partition("## Verdicts\n")[2].partition("\n## ")[0]
    assert "\n- rule 1: reject: a defect of class 4\n\nCross-validated, not guaranteed" in section
    assert max(map(len, section.splitlines())) <= 120
    judged = Inspector.open(inspector)(next((SAMPLE / "test_images").iterdir()))
    assert judged.verdict.answer in ("pass", "review", "reject")


def test_fresh_images_give_a_bound_to_averaged_folds(inspector, tmp_path):
    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    opened = Inspector.open(inspector)
    fresh = judge_fresh(opened, dataset, np.arange(len(dataset.samples)), lambda done, of: None)
    assert fresh.kind == "calibrated"
    assert fresh.defective.tolist() == [sample.is_defective for sample in dataset.samples]
    said = list(opened.stream([sample.path for sample in dataset.samples]))
    assert fresh.p_defect.tolist() == [one.p_defect for one in said]
    assert fresh.regions == tuple(one.regions for one in said)
    card = decide_inspector(inspector, WISH, "keep", fresh)
    assert card.bears_bound
    assert read_evaluation_set(inspector).image_ids == fresh.image_ids
    assert "on fresh images that none of its networks has seen." in sheet_of(
        inspector, tmp_path / "fresh" / "train_images"
    )
    assert decide_inspector(inspector, None, "keep").policy == card.policy


def test_deciding_again_vouches_for_nothing_that_was_not_listed(inspector):
    """Or whoever puts a file beside it has it signed by the owner; the file itself is the owner's to keep."""
    listed = set(listed_files(inspector))
    (inspector / "notes").mkdir()
    (inspector / "notes" / "mine.txt").write_text("mine")
    (inspector / "w.bin").write_bytes(b"theirs")
    (inspector / "link").symlink_to("/etc/hostname")
    decide_inspector(inspector, Limits(max_escape=0.5, confidence=0.7), None)
    assert set(listed_files(inspector)) == listed
    assert (inspector / "notes" / "mine.txt").read_text() == "mine"
    assert (inspector / "w.bin").read_bytes() == b"theirs"
    assert (inspector / "link").is_symlink()
    read_card(inspector)


def fresh_images(folder):
    """Images of the sample that the run was not made of, as Severstal's folder."""
    out = folder / "fresh"
    (out / "train_images").mkdir(parents=True)
    everything = read_dataset(SAMPLE, decode=False)
    seen = {sample.image_id for sample in everything.samples[::6]}
    chosen = [sample for sample in everything.samples if sample.image_id not in seen][::5]
    for sample in chosen:
        shutil.copy(sample.path, out / "train_images")
    names = {sample.image_id for sample in chosen}
    rows = (SAMPLE / "train.csv").read_text().splitlines()
    (out / "train.csv").write_text("\n".join([rows[0], *(row for row in rows[1:] if row.split(",")[0] in names)]))
    return out


def test_images_that_it_learned_from_are_refused(inspector):
    dataset = read_dataset(SAMPLE, decode=False)
    with pytest.raises(UserError, match="were trained on this file, as on 11"):
        judge_fresh(Inspector.open(inspector), dataset, np.arange(66), lambda done, of: None)
    (inspector / "seen.txt").unlink()
    write_checksums(inspector)
    with pytest.raises(UserError, match="fresh images cannot be told"):
        judge_fresh(Inspector.open(inspector), dataset, np.arange(66), lambda done, of: None)


def test_the_verb_decides_an_inspector_again(inspector, tmp_path):
    done = run_cli("decide", inspector, "--calibrate", fresh_images(tmp_path), "--max-escape", "0.4", "--json")
    assert done.returncode == 0, done.stderr
    policy = json.loads(done.stdout)["policy"]
    assert (policy["evidence"], policy["wish"]["max_escape"]) == ("calibrated", 0.4)
    assert policy == json.loads((inspector / "inspector.json").read_text())["policy"]
    refused = run_cli("decide", inspector, "--gate", "0.5")
    assert refused.returncode == 2
    assert "is an inspector, whose rule is fixed" in refused.stderr
    shown = run_cli("decide", inspector, "--max-escape", "0.01")
    assert "no, needs" in shown.stdout
