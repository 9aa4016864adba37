"""A RUN and an INSPECTOR that the code of before the redesign made open with that of today, and say what they said."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.data import run_cli
from safetensors.torch import save_file

from steelsight.export.export import export_run
from steelsight.inspector.artifact import read_card
from steelsight.inspector.inspector import Inspector
from steelsight.networks.member import build_member
from steelsight.report.build import build_report
from steelsight.report.sign_off.sheet import sheet_of
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated_files import read_evaluation_set

KEPT = Path(__file__).parent / "data" / "before_redesign"
DERIVED = ("histograms", "scores", "tested")
"""Below evidence/: kept so that deciding again is quick, under keys that say what it was derived from."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The kept RUN, its images where its record says."""
    folder = shutil.copytree(KEPT / "run", tmp_path / "run")
    header = folder / "dataset.json"
    header.write_text(header.read_text("utf-8").replace("/data/strips", (KEPT / "strips").as_posix()), "utf-8")
    return Run(folder)


def rounded(value: Any) -> Any:
    """Floats to 12 digits, whose last ones hang on how many numbers a processor adds at once; sentences may get better."""
    if isinstance(value, dict):
        return {key: rounded(inside) for key, inside in value.items() if key != "reason"}
    if isinstance(value, list):
        return [rounded(inside) for inside in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def test_the_run_opens_and_is_decided_as_it_was(run: Run) -> None:
    before = run.decision_file.read_bytes()
    assert read_decision(run).policy is not None
    assert len(run.record.samples) == 24
    decide(run)  # with the limits that it was decided with
    after, before = json.loads(run.decision_file.read_bytes()), json.loads(before)
    assert after.pop("unfound") is not None  # which classes are found nowhere is said since
    assert list(after) == list(before)
    assert rounded(after) == rounded(before)


def test_what_was_derived_from_its_evidence_has_the_keys_that_it_had(run: Run) -> None:
    def derived() -> set[str]:
        return {
            path.relative_to(run.path).as_posix()
            for name in DERIVED
            for path in (run.path / "evidence" / name).iterdir()
        }

    before = derived()
    assert len(before) == 5
    for name in DERIVED:
        shutil.rmtree(run.path / "evidence" / name)
    decide(run)
    assert derived() == before


def test_its_report_is_written_with_its_images(run: Run) -> None:
    text = build_report(run).read_text("utf-8")
    sections = re.findall(r'<section id="(\w+)"', text)
    assert {"signing", "summary", "data", "training", "classifier", "masks", "ensemble", "gallery"} <= set(sections)
    assert "coil00000_000001.jpg" in text
    assert text.count("data:image/jpeg") > 5


@pytest.mark.slow
def test_an_export_of_it_inspects(run: Run, tmp_path: Path) -> None:
    """Its weights are of this test; that they are not those of its evidence is nothing that an export looks at."""
    torch.manual_seed(1)
    decision = read_decision(run)
    classifiers, segmenters = decision.jobs_of((0,))
    for member, fold in (*classifiers, *segmenters):
        path = run.job(member, fold).weights
        save_file(build_member(run.recipe.member(member), len(decision.classes)).state_dict(), path)
    images = sorted((KEPT / "strips" / "train_images").iterdir())[:4]
    card = export_run(run, tmp_path / "inspector", folds="0", images=[str(path) for path in images]).card
    assert (card.rule, card.classes) == (decision.rule_of((0,)), decision.classes)
    judged = Inspector.open(tmp_path / "inspector", device="cpu")(images[0])
    assert judged.verdict is not None


def rows(path: Path) -> list[dict[str, Any]]:
    """Without reasons, which may be worded anew, and what is suspected; probabilities as near as two kinds of processor
    agree."""
    numbers = ("p_defect", "probability")
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {name: pytest.approx(float(cell), abs=1e-3) if name in numbers else cell for name, cell in row.items()}
            for row in ({**row, "reason": ""} for row in csv.DictReader(stream))
            for row in ({name: cell for name, cell in row.items() if not name.startswith("suspected_")},)
        ]


def regions(path: Path, kind: str) -> list[str]:
    """Rows of a kind."""
    return [line for line in path.read_text("utf-8").splitlines()[1:] if line.endswith(f",{kind}")]


def test_the_inspector_writes_the_tables_that_it_wrote(tmp_path: Path) -> None:
    images = sorted((KEPT / "strips" / "train_images").glob("coil0000[0-2]*"))
    done = run_cli("inspect", KEPT / "inspector", *images, "--out", tmp_path / "out", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    now, before = tmp_path / "out", KEPT / "inspected"
    assert (now / "submission.csv").read_bytes() == (before / "submission.csv").read_bytes()
    assert regions(now / "defects.csv", "found") == regions(before / "defects.csv", "found")
    # smaller regions are suspected since
    assert set(regions(now / "defects.csv", "suspected")) > set(regions(before / "defects.csv", "suspected"))
    assert rows(tmp_path / "out" / "images.csv") == rows(KEPT / "inspected" / "images.csv")
    header = (KEPT / "inspected" / "images.csv").read_text("utf-8").splitlines()[0]
    assert (tmp_path / "out" / "images.csv").read_text("utf-8").splitlines()[0] == header
    assert {row["verdict"] for row in rows(tmp_path / "out" / "images.csv")} == {"pass", "reject"}


def test_the_inspector_has_its_policy_from_its_evidence_again_and_its_sheet_to_sign() -> None:
    card = read_card(KEPT / "inspector")
    assert card.policy is not None
    again = choose_policy(read_evaluation_set(KEPT / "inspector"), card.policy.wish, card.policy.severity)
    assert rounded(again.model_dump(mode="json")) == rounded(card.policy.model_dump(mode="json"))
    assert '<section id="signing"' in sheet_of(KEPT / "inspector")
