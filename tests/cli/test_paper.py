"""The reference solution, whole, with tiny values."""

import json
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.training_samples import SMALL, few_images, sets

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
    assert all(len(names) == 4 for names in decision["classifiers"].values())
    assert all(len(names) == 3 for names in decision["segmenters"].values())
    page = (run / "report/index.html").read_text()
    assert "epoch" in page
    again = run_cli("train", data, "--recipe", "paper", "--out", run, "--device", "cpu", "--resume")
    assert again.returncode == 0, again.stderr
