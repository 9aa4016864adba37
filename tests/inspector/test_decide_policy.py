"""An inspector's verdicts are decided again where it stands."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.fresh import fresh_images
from helpers.signing import make_key, sign

from steelsight.core.errors import UserError
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import fingerprint, read_card
from steelsight.inspector.checksums import Checksums
from steelsight.inspector.decide_policy import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.ready import ready_inspector
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated_files import read_evaluation_set
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


def test_what_a_link_leads_to_is_decided_and_the_link_stays(tmp_path: Path) -> None:
    shutil.copytree(ready_inspector(), tmp_path / "release")
    link = tmp_path / "current"
    link.symlink_to("release")
    card = decide_inspector(link, Limits(max_escape=0.5, confidence=0.7), None)
    assert link.is_symlink()
    assert read_card(tmp_path / "release") == card


def test_deciding_again_vouches_for_nothing_that_was_not_listed(inspector: Any) -> None:
    """Or whoever puts a file beside it has it signed by the owner; the file itself is the owner's to keep."""
    listed = set(Checksums.read(inspector).digests)
    (inspector / "notes").mkdir()
    (inspector / "notes" / "mine.txt").write_text("mine")
    (inspector / "w.bin").write_bytes(b"theirs")
    (inspector / "link").symlink_to("/etc/hostname")
    decide_inspector(inspector, Limits(max_escape=0.5, confidence=0.7), None)
    assert set(Checksums.read(inspector).digests) == listed
    assert (inspector / "notes" / "mine.txt").read_text() == "mine"
    assert (inspector / "w.bin").read_bytes() == b"theirs"
    assert (inspector / "link").is_symlink()
    read_card(inspector)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A copy of the inspector that travels in the package, which needs no export."""
    return shutil.copytree(ready_inspector(), tmp_path / "ready")


def test_deciding_again_takes_the_signature_away_until_the_inspector_is_signed_again(
    ready: Path, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography", reason="without the extra sign nothing is signed")
    private, public = make_key(tmp_path / "mill")
    sign(ready, private)
    done = run_cli("decide", ready, "--max-escape", "0.5", "--confidence", "0.7")
    assert done.returncode == 0, done.stderr
    assert (
        "its signature was of what it was before, and is gone; the holder of the key looks at it and runs"
        in done.stderr
    )
    assert f"sign {ready} --key KEY`" in done.stderr
    assert Inspector.open(ready).signature.state == "unsigned"
    assert run_cli("sign", ready, "--key", private).returncode == 0
    assert Inspector.open(ready, trust=[public]).card.policy.wish.max_escape == 0.5


def test_deciding_again_vouches_for_no_file_that_is_exchanged_meanwhile(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = next(ready.glob("*.onnx"))

    def exchange(*given: Any) -> Any:
        network.write_bytes(b"another")
        return choose_policy(*given)

    monkeypatch.setattr("steelsight.inspector.decide_policy.choose_policy", exchange)
    decide_inspector(ready, Limits(max_escape=0.5, confidence=0.7), None)
    with pytest.raises(UserError, match=f"{network.name}: changed since it was exported"):
        read_card(ready)


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


def test_an_inspector_gets_a_region_of_interest_without_training(inspector: Any, tmp_path: Path) -> None:
    """What it was tested with is then of another region, until fresh images are judged with this one."""
    region = tmp_path / "edges.json"
    region.write_text('{"inside": [[[0, 0.1], [1, 0.1], [1, 0.9], [0, 0.9]]]}')
    before = fingerprint(inspector)
    done = run_cli("decide", inspector, "--roi", region, "--json")
    assert done.returncode == 0, done.stderr
    card = read_card(inspector)
    assert card.roi is not None
    assert (card.policy.evidence, card.bears_bound, fingerprint(inspector) == before) == ("other-region", False, False)
    assert "Tested with another region of interest, not guaranteed" in (inspector / "README.md").read_text("utf-8")
    assert decide_inspector(inspector, None, "keep").policy.evidence == "other-region"
    assert run_cli("decide", inspector, "--roi", region).returncode == 0  # the same: nothing changes
    assert read_card(inspector) == card
    image = next((SAMPLE / "test_images").iterdir())
    edge = round(0.1 * 256)
    counted = np.zeros((256, 1600), np.bool_)
    counted[edge : 256 - edge] = True
    assert (Inspector.open(inspector)(image).counted == counted).all()
    fresh = run_cli("decide", inspector, "--roi", "strip", "--calibrate", fresh_images(tmp_path), "--json")
    assert fresh.returncode == 0, fresh.stderr
    card = read_card(inspector)
    assert (card.roi, card.policy.evidence) == (Roi(strip=True, black=False), "calibrated")
    tested = read_evaluation_set(inspector)
    assert tested.counted is not None
    assert (tested.counted <= tested.sizes.prod(axis=1)).all()
    assert (tested.counted < tested.sizes.prod(axis=1)).any()
    none = run_cli("decide", inspector, "--roi", "none", "--json")
    assert none.returncode == 0, none.stderr
    assert read_card(inspector).roi is None
    refused = run_cli("decide", inspector, "--roi", tmp_path / "gone.png")
    assert refused.returncode == 2
    assert "there is no such file" in refused.stderr
