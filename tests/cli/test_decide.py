"""`steelsight decide`, as a user runs it."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"), {"c-a": 0.2, "s-a": 0.2}, every=5).run.path


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


def asked(run: Path, *options: str) -> dict[str, Any]:
    """What a run is to keep to once it was decided with some options."""
    done = run_cli("decide", run, *options, "--json")
    assert done.returncode == 0, done.stderr
    wish: dict[str, Any] = json.loads(done.stdout)["decision"]["policy"]["wish"]
    return wish


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-escape", "much"], "--max-escape much: a limit is a share such as 0.01"),
        (["--max-escape", "1.5"], "--max-escape: 1.5 is refused: it should be less than 1"),
        (["--escape-among", "passed"], "--defect-share"),
        (["--cost-escape", "100"], "--cost-review is missing"),
        (["--never-miss", "4"], "--never-miss 4: give a class and a number"),
        (["--cost-escape", "dear"], "--cost-escape dear: a cost is a number such as 100"),
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


@pytest.mark.slow
def test_limits_alone_say_that_they_need_no_cluster(run: Path) -> None:
    run_cli("decide", run)
    done = run_cli("decide", run, "--max-escape", "0.3", "--cluster", "local")
    assert done.returncode == 0, done.stderr
    assert "the cluster is not used" in done.stderr


def test_each_objective_is_searched_for_and_shown(run: Path) -> None:
    competition = json.loads(run_cli("decide", run, "--objective", "competition", "--json").stdout)["decision"]
    assert competition["objective"]["aim"] == "competition"
    for options in (("--objective", "pooled"), ("--objective", "defects", "--max-false-alarms", "0.3")):
        done = run_cli("decide", run, *options, "--json")
        assert done.returncode == 0, done.stderr
        decided = json.loads(done.stdout)["decision"]
        aim = options[1]
        assert decided["objective"]["aim"] == aim
        assert f"{decided['scores'][aim]:.4f}" in decided["reason"] or decided["kept"] == "defaults"
        assert set(decided["scores"]) == {"competition", "pooled", "defects"}
    assert decided["objective"]["max_false_alarms"] == 0.3
    own, others = (
        next(one["figures"] for one in said["candidates"] if one["kind"] == "tuned") for said in (decided, competition)
    )
    assert own["false_alarm_share"] <= 0.3
    assert own["defective_dice"] >= others["defective_dice"]
    alarms = [point["max_false_alarms"] for point in decided["curve"]]
    assert alarms == sorted(alarms)
    assert len(alarms) > 5
    shown = run_cli("decide", run, "--objective", "pooled")
    assert "objective pooled (searched for)" in shown.stdout


def test_the_plain_rule_is_taken_without_a_search(run: Path) -> None:
    done = run_cli("decide", run, "--rule", "plain", "--json")
    assert done.returncode == 0, done.stderr
    decided = json.loads(done.stdout)["decision"]
    assert (decided["kept"], len(decided["candidates"]), decided["stability"]) == ("defaults", 1, None)
    assert (decided["rule"]["gate"], set(decided["rule"]["upper"])) == (0.55, {178})
    assert "without a search" in decided["reason"]
    assert all(fold["rule"] == decided["rule"] for fold in decided["nested"]["folds"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-false-alarms", "0.1"), "--objective defects"),
        (("--objective", "defects", "--max-false-alarms", "1.5"), "from 0 to 1"),
        (("--objective", "defects", "--max-false-alarms", "nan"), "from 0 to 1"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(run: Path, options: tuple[str, ...], words: str) -> None:
    done = run_cli("decide", run, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_an_option_says_nothing_of_stays_as_it_was_asked_for(run: Path) -> None:
    costs = ("--cost-escape", "100", "--cost-review", "1", "--cost-overkill", "10", "--defect-share", "0.1")
    first = asked(run, "--max-escape", "0.2", "--max-overkill", "0.3", "--never-miss", "4=0.3", "--never-miss", "1=0.4")
    assert (first["max_escape"], first["max_overkill"], first["never_miss"]) == (0.2, 0.3, {"4": 0.3, "1": 0.4})
    assert asked(run, "--confidence", "0.9") == {**first, "confidence": 0.9}
    second = asked(run, "--never-miss", "4=0.2", "--never-miss", "1=none", "--max-overkill", "none", *costs)
    assert (second["max_escape"], second["max_overkill"]) == (0.2, None)
    assert second["never_miss"] == {"4": 0.2}
    third = asked(run, "--cost-review", "2", "--cost-escape-of", "4=500")
    assert third["costs"] == {"escape": 100, "review": 2, "overkill": 10, "escape_of": {"4": 500}}
    assert {**third, "costs": None} == {**second, "costs": None}
    last = asked(run, "--cost-escape", "none", "--never-miss", "none", "--max-overkill", "0.3")
    assert (last["costs"], last["never_miss"], last["max_overkill"]) == (None, {}, 0.3)


@pytest.mark.parametrize(
    "given", [("--layout", "coco"), ("--boxes", "as-masks"), ("--ignore-class", "other"), ("--skip-faulty",)]
)
def test_how_data_is_read_is_refused_where_there_is_none(run: Path, given: tuple[str, ...]) -> None:
    assert run_cli("decide", run).returncode == 0
    before = (run / "decision.json").read_bytes()
    done = run_cli("decide", run, "--max-escape", "0.3", *given)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert f"{' '.join(given)}: says how DATA is read" in done.stderr
    assert "use it with --calibrate DATA" in done.stderr
    assert (run / "decision.json").read_bytes() == before
