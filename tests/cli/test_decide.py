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
        assert words in done.stdout
    assert f"next: steelsight report {run}" in done.stdout
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


def test_an_option_on_verdicts_decides_these_alone(run: Path) -> None:
    run_cli("decide", run)
    before = json.loads((run / "decision.json").read_text())
    done = run_cli("decide", run, "--max-escape", "0.3", "--confidence", "0.8", "--json")
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)["decision"]
    assert after["policy"]["wish"]["max_escape"] == 0.3
    assert {**after, "policy": None} == {**before, "policy": None}
    shown = run_cli("decide", run, "--max-escape", "0.3", "--confidence", "0.8")
    assert "of defective images pass" in shown.stdout
    assert "not guaranteed" in shown.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-escape", "much"], "--max-escape much: a limit is a share such as 0.01"),
        (["--max-escape", "1.5"], "--max-escape 1.5: input should be less than 1"),
        (["--escape-among", "passed"], "--defect-share"),
        (["--cost-escape", "100"], "--cost-review is missing"),
        (["--never-miss", "4"], "--never-miss 4: give a class and a number"),
        (["--never-miss", "44=0.1"], "44"),
        (["--severity", "nowhere.yaml"], "nowhere.yaml"),
        (["--calibrate", "."], "is no inspector"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(run: Path, options: list[str], words: str) -> None:
    done = run_cli("decide", run, *options)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
