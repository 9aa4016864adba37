"""An inspector's verdicts are decided again where it stands."""

import json
from pathlib import Path
from typing import Any

from helpers.data import SAMPLE, run_cli
from helpers.fresh import fresh_images

from steelsight.inspector.artifact import listed_files, read_card
from steelsight.inspector.decide_policy import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.severity import Severity


def test_an_inspector_is_decided_again_where_it_stands(inspector: Any) -> None:
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


def test_deciding_again_vouches_for_nothing_that_was_not_listed(inspector: Any) -> None:
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


def test_the_verb_decides_an_inspector_again(inspector: Any, tmp_path: Path) -> None:
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
