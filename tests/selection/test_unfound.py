"""Classes that are not found, as `decide` and the report say it: why, and what would help."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.selection.unfound import best_dice, unfound_sentences

FAINT = 4
"""The class whose maps are changed."""

SEARCH = (
    "search.area_ratio=1.5",
    "search.upper=[0.3, 0.9]",
    "search.gates=[0, 0.5]",
    "search.softness=[]",
    "search.objective=defects",
    "search.max_false_alarms=0.05",
)


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose networks find every class, and whose rule needs at least .3 of a probability."""
    folder = tmp_path_factory.mktemp("run")
    return make_run(folder, {"c-a": 0.1, "s-a": 0.05}, every=2, search=SEARCH).run.path


def changed(clear: Path, run: Path, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Path:
    """A copy whose maps of one class are others."""
    evidence = OutOfFoldPredictions.of(Run(shutil.copytree(clear, run)))
    member = evidence.recipe.member("s-a")
    for fold in range(evidence.recipe.folds):
        maps = np.stack([evidence.map(member, int(index)) for index in evidence.indices(fold)])
        maps[:, FAINT - 1] = change(maps[:, FAINT - 1])
        evidence.write_maps(member, fold, [maps])
    return run


def shown_and_surfaces(run: Path) -> tuple[int, int]:
    record = Run(run).record
    shows = np.array([bool(sample.runs[FAINT - 1].area) for sample in record.samples])
    return int(shows.sum()), len(set(record.groups[shows].tolist()))


def note_of(run: Path, *options: str) -> str:
    done = run_cli("decide", run, *options)
    assert done.returncode == 0, done.stderr
    notes = [
        line for line in done.stdout.splitlines() if line.startswith("note: ") and f"class {FAINT}" in line.lower()
    ]
    assert len(notes) == 1, done.stdout
    lines = done.stdout.splitlines()
    after = lines[lines.index(notes[0]) + 1 :]
    assert all(line.startswith(("note: ", "wrote ", "next: ")) for line in after)  # they are the last words
    return notes[0]


def test_a_run_that_finds_every_class_says_nothing(clear: Path, tmp_path: Path) -> None:
    done = run_cli("decide", shutil.copytree(clear, tmp_path / "run"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decision"]["unfound"] == []


def test_a_class_that_no_network_has_learned_needs_more_surfaces(clear: Path, tmp_path: Path) -> None:
    run = changed(clear, tmp_path / "run", np.zeros_like)
    images, surfaces = shown_and_surfaces(run)
    note = note_of(run)
    assert f"of {images} images that show it ({surfaces} groups)" in note
    assert "it is rightly marked on none. " in note
    assert "have not learned it: the best threshold brings the Dice of its pixels to 0.00 alone." in note
    assert (
        f"What helps: labelled images with it of more than {surfaces} groups, each of another surface (and coil or heat, "
        "where these were given)." in note
    )
    assert "--objective" not in note
    assert "--rule" not in note
    (unfound,) = json.loads((run / "decision.json").read_text())["unfound"]
    assert unfound == {
        "name": str(FAINT),
        "images": images,
        "surfaces": surfaces,
        "marked": 0,
        "hits": 0,
        "best_dice": 0.0,
        "found_by": [],
    }
    decision = read_decision(Run(run))
    (told,) = decision.unfound
    said = " ".join(unfound_sentences(told.model_copy(update={"best_dice": 0.00044}), decision, run))
    assert "the Dice of its pixels to 0.0004 alone." in said  # a rounded figure, so that "none above" it would be wrong


def test_a_class_that_is_seen_too_faintly_for_the_rule_is_told_apart(clear: Path, tmp_path: Path) -> None:
    run = changed(clear, tmp_path / "run", lambda maps: maps // 4)  # at most 63: the least upper threshold is 77
    note = note_of(run)
    assert "have learned something of it: the best threshold brings the Dice of its pixels to 0." in note
    assert (
        f"to allow false alarms on more than 5 % of the empty pairs, `steelsight decide {run} --objective defects"
        in note
    )
    competition = note_of(run, "--rule", "plain", "--objective", "competition")
    assert f"an objective by which silence is no answer, `steelsight decide {run} --objective defects`" in competition


def test_a_class_that_is_marked_beside_its_defects_alone_is_not_found(clear: Path, tmp_path: Path) -> None:
    run = changed(clear, tmp_path / "run", lambda maps: np.roll(maps[:, ::-1], 90, axis=2))
    note = note_of(run, "--rule", "plain")
    told = json.loads((run / "decision.json").read_text())["unfound"]
    unfound = next(of for of in told if of["name"] == str(FAINT))
    assert unfound["marked"] > 0
    assert f"it is rightly marked on none, and on {unfound['marked']} image" in note


def test_a_rule_for_each_class_is_proposed_where_it_hits_and_taken_when_it_is_asked_for(
    clear: Path, tmp_path: Path
) -> None:
    # 90 of 255 at most: above the least threshold, and below what the other classes are marked by
    run = changed(clear, tmp_path / "run", lambda maps: np.minimum(maps, 90))
    note = note_of(run, "--rule", "plain")
    assert "have learned something of it" in note
    done = run_cli("decide", run, "--rule", "each-class", "--json")
    assert done.returncode == 0, done.stderr
    decision = json.loads(done.stdout)["decision"]
    assert decision["kept"] == "tuned"
    assert {fold["kind"] for fold in decision["nested"]["folds"]} == {"tuned"}
    assert "You asked for this kind of rule" in decision["reason"]
    assert decision["unfound"] == []


@given(arrays.arrays(np.uint32, (3, 2, 256), elements=st.integers(0, 50)))
def test_the_best_dice_is_that_of_the_best_of_all_thresholds(histograms: NDArray[np.uint32]) -> None:
    truth = int(histograms[:, 1].sum())
    tried = [0.0]
    for threshold in range(255):
        above = histograms[:, :, threshold + 1 :].sum(axis=(0, 2))
        if above.sum() + truth:
            tried.append(2 * int(above[1]) / (int(above.sum()) + truth))
    if truth:
        assert best_dice(histograms) == pytest.approx(max(tried))
