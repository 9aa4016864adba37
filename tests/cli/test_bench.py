"""`steelsight bench` as a user types it."""

import json
from typing import Any

import pytest
from helpers.data import SAMPLE, run_cli
from helpers.tiny_inspector import make_inspector

IMAGES = SAMPLE / "test_images"


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


def test_figures_for_a_program(inspector: Any) -> None:
    done = run_cli("bench", inspector, IMAGES, "--seconds", "1", "--mm-per-pixel", "0.5", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["different_images"] == 12
    assert result["metres_per_second"] == pytest.approx(result["images_per_second"] * 1600 * 0.5 / 1000)
    assert 0 < result["p50_ms"] <= result["p99_ms"]
    assert 0 <= result["passed_share"] <= 1
    assert result["peak_memory_mb"] > 30
    assert result["wrote"] == []


def test_a_table_for_people_and_the_next_command(inspector: Any) -> None:
    done = run_cli("bench", inspector, IMAGES, "--seconds", "0.5", "--device", "cpu", "--mm-per-pixel", "0.8")
    assert done.returncode == 0, done.stderr
    for words in ("images a second", "median", "passed the gate", "memory at most", "1600 pixels, 0.8 mm each", "m/s"):
        assert words in done.stdout
    assert f"next: steelsight inspect {inspector} {IMAGES} --out DIR" in done.stdout
    without = run_cli("bench", inspector, IMAGES, "--seconds", "0.2", "--json")
    assert json.loads(without.stdout)["metres_per_second"] is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--seconds", "0"), "--seconds"),
        (("--mm-per-pixel", "-1"), "--mm-per-pixel"),
        (("nowhere.jpg",), "no such file"),
        ((SAMPLE / "train.csv",), "train.csv"),
    ],
)
def test_wrong_use_is_said(inspector: Any, given: Any, words: Any) -> None:
    done = run_cli("bench", inspector, IMAGES, "--seconds", "0.2", *given)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
