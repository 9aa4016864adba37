"""The ready inspector: small, honest about what it knows, and still good at it."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.data import ROOT

from steelsight.core.errors import UserError
from steelsight.inspector import ready
from steelsight.inspector.artifact import README, read_card, version_for
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.parity import read_parity
from steelsight.inspector.readme import readme
from steelsight.inspector.ready import DIFFICULTY, ready_inspector
from steelsight.metrics.classification import roc_auc
from steelsight.strips import draw_strip

FRESH = 74
"""The seed of strips that nothing else is made of."""


def test_it_is_small_enough_to_travel_in_the_package() -> None:
    files = [path for path in ready_inspector().iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 16_000_000
    assert {path.suffix for path in files} <= {".onnx", ".json", ".md", ".txt", ".csv", ".npz"}  # no picture


def test_it_says_what_it_knows_and_what_it_grew_from() -> None:
    notice = (ready_inspector() / "NOTICE.md").read_text("utf-8")
    for part in ("made-up steel", "says nothing of real steel", "EfficientNet-Lite0", "bench/ready_inspector.py"):
        assert part in notice
    card = read_card(ready_inspector())
    assert card.policy is not None
    assert card.policy.evidence == "calibrated"
    loss = read_parity(ready_inspector()).dice_loss
    assert loss is not None  # of weights stored in half
    assert loss.kept


def test_nothing_of_the_machine_that_made_it_is_in_it() -> None:
    for path in ready_inspector().iterdir():
        if path.suffix in (".json", ".md", ".txt", ".csv"):
            assert str(ROOT.parent) not in path.read_text("utf-8")


def test_it_still_finds_what_todays_strips_show() -> None:
    """If this fails, or the version does, `bench/ready_inspector.py` makes it again."""
    assert json.loads((ready_inspector() / "inspector.json").read_text("utf-8"))["schema_version"] == version_for(None)
    inspector = Inspector.demo(device="cpu", threads=1)
    strips = [draw_strip(FRESH, index, defective=0.5, difficulty=DIFFICULTY, strips_per_coil=1) for index in range(100)]
    judged = list(map(inspector, (strip.image for strip in strips)))
    bad = np.array([strip.truth.any() for strip in strips])
    assert roc_auc(np.array([one.p_defect for one in judged]), bad) > 0.9
    marked = np.array([one.is_defective for one in judged])
    assert marked[bad].mean() > 0.6
    assert marked[~bad].mean() < 0.3


def test_its_readme_is_what_the_product_writes_today() -> None:
    """If this fails, `bench/ready_inspector.py --reword` writes it anew, of the same networks and figures."""
    text = (ready_inspector() / README).read_text("utf-8")
    assert text == readme(read_card(ready_inspector()), read_parity(ready_inspector()))
    assert "averaged" not in text  # it has one network a step
    assert "Its classifier gives each image" in text
    assert "images 1600 pixels wide and 256 high" in text
    Inspector.open(ready_inspector(), device="cpu", threads=1)  # the checksums are of it, too


def test_without_it_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "READY", tmp_path / "packaged")
    with pytest.raises(UserError, match="install steelsight again"):
        ready_inspector()
