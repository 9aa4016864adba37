"""`steelsight decide`, as a user runs it."""

import json
from pathlib import Path

import pytest
from data import needs_sample, run_cli
from judged_run import make_run

pytestmark = needs_sample


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"), {"c-a": 0.2, "s-a": 0.2}, every=5).run


def test_it_shows_figures_and_rule_and_the_next_command(run: Path) -> None:
    done = run_cli("decide", run)
    assert done.returncode == 0, done.stderr
    for words in ("nested", "plain defaults", "all empty (floor)", "minimum area", "P(defect) >", "within .001"):
        assert words in done.stderr
    assert f"next: steelsight report {run}" in done.stderr
    assert (run / "decision.json").is_file()


def test_json_is_the_decision(run: Path) -> None:
    done = run_cli("decide", run, "--gate", "0.3", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["wrote"] == [str(run / "decision.json")]
    assert said["decision"] == json.loads((run / "decision.json").read_text())
    assert said["decision"]["rule"]["gate"] == 0.3


@pytest.mark.parametrize("gate", ["1.5", "-0.1", "nan"])
def test_a_gate_that_is_no_probability_is_refused(run: Path, gate: str) -> None:
    done = run_cli("decide", run, f"--gate={gate}")
    assert done.returncode == 2
    assert "from 0 to 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    done = run_cli("decide", tmp_path)
    assert done.returncode == 2
    assert "dataset.json" in done.stderr
    assert "Traceback" not in done.stderr
