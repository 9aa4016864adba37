"""The reference solution, whole, with tiny values."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.training_samples import SMALL, few_images, sets

from steelsight.imaging.rle import decode_runs
from steelsight.metrics.mask_table import read_mask_table
from steelsight.recipe import load_recipe, recipe_text

pytestmark = pytest.mark.slow


@pytest.mark.timeout(600)
def test_paper_end_to_end_in_small(tmp_path: Path) -> None:
    """Every member, every phase, both strategies, selection, rule, report: the reference with tiny values."""
    run, data = tmp_path / "run", few_images(tmp_path / "data")
    tiny = ("members.*.decoder_channels=[8,8,8,8,8]", "members.*.sampling.device_batch=4")
    small = sets(*SMALL, *tiny, "search.gates=[0, 0.5]", "search.area_ratio=2")
    done = run_cli("train", data, "--recipe", "paper", "--out", run, *small, "--workers", "0", "--json", timeout=580)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert str(run / "report/index.html") in result["wrote"]
    logs = sorted(run.glob("jobs/*/fold*/log.jsonl"))
    assert len(logs) == 18 * 2
    for log in logs:
        phases = [json.loads(line)["phase"] for line in log.read_text().splitlines()]
        assert phases == ([0, 1] if "strategy-2" in str(log) else [0])
    decision = json.loads((run / "decision.json").read_text())
    assert decision["classifiers"] == {"all": [f"classify-b{number}" for number in range(6)]}
    for fold in range(2):
        names = (decision["segmenters"].get("all") or decision["segmenters"][str(fold)])[:]
        assert names[:6] == [f"segment-b{number}-strategy-1" for number in range(6)]
        assert [name[-10:] for name in names[6:]] == ["strategy-2"]
    assert decision["candidates"][-1]["kind"] == "published"
    assert decision["kept"] != "published"
    page = (run / "report/index.html").read_text()
    assert "UNet++ of the reference on EfficientNet B5" in page
    assert "At the working size, on soft truth" in page
    taken = run_cli("decide", run, "--rule", "published", "--json")
    assert taken.returncode == 0, taken.stderr
    rule = json.loads(taken.stdout)["decision"]["rule"]
    assert (rule["at"], rule["upper"], rule["lower"]) == ("working", [178] * 4, [102, 127, 102, 127])
    assert rule["min_area"] == [200 * area for area in (180, 260, 200, 500)]  # 256 x 1600 is 200 times 32 x 64
    assert rule["gate"] == pytest.approx(0.8)
    again = run_cli("train", data, "--recipe", "paper", "--out", run, "--device", "cpu", "--resume")
    assert again.returncode == 0, again.stderr


@pytest.mark.timeout(600)
def test_the_published_rule_and_the_reference_s_segmenter_reach_the_inspector(tmp_path: Path) -> None:
    """Two of the members: trained, decided by the published rule (at thresholds that so little training reaches), exported
    with parity, and run in OpenVINO."""
    run, data, inspector = tmp_path / "run", few_images(tmp_path / "data"), tmp_path / "inspector"
    rule = "rule={gate: 0.2, upper: 0.5, lower: [0.4, 0.5, 0.4, 0.5], min_area: 3, at: working}"
    paper = load_recipe("paper", [*SMALL, "search.gates=[0, 0.5]", "search.area_ratio=2", rule])
    two = tuple(paper.member(name) for name in ("classify-b0", "segment-b0-strategy-2"))
    chosen = paper.selection.model_copy(update={"segmenters": 1, "classifiers": 1})
    recipe = tmp_path / "two.yaml"
    recipe.write_text(recipe_text(paper.model_copy(update={"members": two, "selection": chosen})), "utf-8")
    for verb in (
        ("train", data, "--recipe", recipe, "--out", run, "--workers", "0", "--device", "cpu"),
        ("decide", run, "--rule", "published"),
        ("export", run, "--out", inspector),
        ("inspect", inspector, data / "train_images", "--out", tmp_path / "inspected", "--device", "cpu"),
        ("predict", run, data / "train_images", "--out", tmp_path / "predicted"),
    ):
        done = run_cli(*verb, timeout=300)
        assert done.returncode == 0, done.stderr
    card = json.loads((inspector / "inspector.json").read_text())
    assert card["rule"]["at"] == "working"
    assert "enlarged pixel by pixel" in (inspector / "README.md").read_text().replace("\n", " ")
    found = {}
    for name in ("inspected", "predicted"):
        table = read_mask_table(tmp_path / name / "submission.csv", (256, 1600))
        masks = [decode_runs(runs, (256, 1600)) for runs in table.runs.values()]
        for mask in masks:  # of whole blocks of 8 x 25 pixels
            shares = mask.reshape(32, 8, 64, 25).mean((1, 3))
            assert set(np.unique(shares).tolist()) <= {0.0, 1.0}
        found[name] = sum(int(mask.sum()) for mask in masks)
    assert found["inspected"] == pytest.approx(found["predicted"], rel=0.01)
    assert found["inspected"] > 0
