"""`steelsight report` as a user runs it."""

import json
from pathlib import Path

from helpers.data import run_cli
from helpers.judged_run import make_run

from steelsight.run.run import Run
from steelsight.selection.decide import decide


def test_writes_the_page_and_says_what_comes_next(tmp_path: Path) -> None:
    run = tmp_path / "run"
    make_run(run, {"c": 0.2, "s": 0.3}, every=5)
    decide(Run(run))
    done = run_cli("report", run, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["wrote"] == [str(run / "report" / "index.html")]
    assert said["next"].startswith(f"steelsight export {run}")
    assert (run / "report" / "index.html").read_text("utf-8").startswith("<!doctype html>")
    assert sorted(path.name for path in (run / "report").iterdir()) == ["index.html"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    done = run_cli("report", tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr.replace("\n", "")


def test_an_undecided_run_is_told_what_to_do(tmp_path: Path) -> None:
    make_run(tmp_path / "run", {"s": 0.3}, every=6)
    done = run_cli("report", tmp_path / "run")
    assert done.returncode == 2
    assert f"steelsight decide {tmp_path / 'run'}" in done.stderr.replace("\n", " ")
