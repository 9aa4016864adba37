"""Whole defects in the report and on the page to sign, as the verb writes them."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import run_cli
from helpers.judged_run import make_run
from helpers.simulated import simulate
from helpers.tiny_inspector import CLASSES, make_inspector
from markupsafe import Markup
from matplotlib.figure import Figure

from steelsight.core.errors import UserError
from steelsight.core.formatting import percent
from steelsight.inspector.checksums import write_checksums
from steelsight.metrics.defects import Defects
from steelsight.metrics.pro import pro_curve
from steelsight.report.build import build_report
from steelsight.report.findings import collect
from steelsight.report.sections import defects
from steelsight.report.sections.defect_table import defect_table
from steelsight.report.sections.defects import defects_view
from steelsight.report.sign_off.sheet import sheet_of
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated_files import write_evaluation_set
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.severity import Severity

METRIC = Severity.model_validate({"mm_per_pixel": 0.5, "rules": [{"verdict": "reject", "area_above": "9 cm2"}]})


@pytest.fixture
def copied(decided_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(decided_run, tmp_path / "run", ignore=shutil.ignore_patterns("jobs", "report")))


def section(text: str, name: str) -> str:
    return text.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", text).split())


def test_a_pixel_without_a_size_is_refused(copied: Path) -> None:
    done = run_cli("report", copied, "--mm-per-pixel", "inf")
    assert done.returncode == 2, done.stderr
    assert "--mm-per-pixel inf: the size of a pixel is a number above 0" in " ".join(done.stderr.split())


def test_the_verb_counts_what_the_masks_of_the_nested_rule_find(copied: Path) -> None:
    done = run_cli("report", copied, "--mm-per-pixel", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    text = Path(json.loads(done.stdout)["wrote"][0]).read_text("utf-8")
    found = collect(Run(copied))
    annotated = hit = false = 0
    for index, sample in enumerate(found.record.samples):
        for truth, marked in zip(sample.mask(), found.masks_of(index), strict=True):
            for of, other in ((truth, marked), (marked, truth)):
                count, labels = cv2.connectedComponents(of.astype(np.uint8), connectivity=8)
                touched = len(set(labels[other].tolist()) - {0})
                if of is truth:
                    annotated, hit = annotated + count - 1, hit + touched
                else:
                    false += count - 1 - touched
    assert 0 < hit < annotated
    metres = len(found.record.samples) * 1600 * 0.0005
    signed = words(section(text, "signing"))
    assert f"{hit} of {annotated} annotated defects were found ({percent(hit / annotated, 1)}" in signed
    assert (
        f"{false} false alarms: {false / len(found.record.samples):.3f} per image, {false / metres:.3f} per metre"
        in signed
    )
    table = words(section(text, "defects"))
    assert f"{hit} ({100 * hit / annotated:.1f} %)" in table
    assert "per metre" in table
    assert 'href="#defects"' in text
    Run(copied).report_options.unlink()  # else the page keeps the size of a pixel
    assert "per metre" not in words(section(build_report(Run(copied)).read_text("utf-8"), "defects"))


def test_the_table_reads_the_curve_and_the_gate_takes_from_it(decided_run: Path) -> None:
    found = collect(Run(decided_run))
    tested = found.tested
    assert tested.defects is not None
    table = defect_table(tested.defects, tested.groups, tested.sizes[:, 1], tested.classes, None)
    view = defects_view(table, found.scored, found.histograms, found.passed, gated=True)
    assert [name for name, _ in view.overlap] == ["class 1", "class 2", "class 3", "class 4", "all"]
    assert all(0 <= area <= 1 or np.isnan(area) for _, area in view.overlap)
    reached = [row for row in view.rates if not np.isnan(row.found)]
    shares = [row.found for row in reached]
    assert shares == sorted(shares)
    assert all(row.half_found <= row.found for row in reached)
    open_view = defects_view(table, found.scored, found.histograms, np.ones_like(found.passed), gated=True)
    through = found.passed[found.scored.annotated[:, 0]]
    most = (found.scored.annotated[:, 3] > 0).mean(), ((found.scored.annotated[:, 3] > 0) & through).mean()
    assert open_view.rates[-1].found <= most[0]
    assert view.rates[-1].found <= most[1]


def test_a_class_without_a_defect_has_a_dash_in_the_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure, _: str) -> Markup:
        drawn.append(figure)
        return Markup()

    monkeypatch.setattr(defects, "svg", keep)
    defects._pro_plot([("a", pro_curve(np.zeros((0, 256), np.int64), np.full(256, 9)))])
    legend = drawn[0].axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a: –"]


def test_a_run_without_classifiers_has_the_section_and_no_gate(tmp_path: Path) -> None:
    make_run(tmp_path / "run", {"s": 0.3}, every=5)
    decide(Run(tmp_path / "run"))
    text = build_report(Run(tmp_path / "run")).read_text("utf-8")
    assert "the gate stops" not in section(text, "defects")
    assert "annotated defects" in section(text, "defects")
    assert "P(defect)" not in section(text, "gallery")  # which nobody said: it is 1 of every image
    assert '<section id="signing">' not in text


def test_the_scale_of_the_severity_rules_holds_and_another_is_refused(copied: Path) -> None:
    decide(Run(copied), severity=METRIC)
    assert "per metre of strip" in section(build_report(Run(copied)).read_text("utf-8"), "signing")
    assert build_report(Run(copied), None, 0.5)
    with pytest.raises(UserError, match=r"0\.4 mm along the strip: the severity rules .* say 0\.5 mm"):
        build_report(Run(copied), None, 0.4)


@pytest.mark.parametrize("known", [True, False])
def test_the_sheet_of_an_inspector_says_it_where_it_is_known(tmp_path: Path, known: bool) -> None:
    tested = replace(simulate(300, 3.0, seed=2), classes=CLASSES)
    images, places = np.nonzero(tested.truth)
    areas = tested.truth[images, places]
    annotated = np.stack([images, places, areas, areas * (images % 2)], axis=1)
    marked = annotated[annotated[:, 3] == 0][:5] + np.array([0, 0, 3, 0])
    if known:
        tested = replace(tested, defects=Defects(annotated, marked))
    folder = tmp_path / "inspector"
    make_inspector(folder, policy=choose_policy(tested, Limits(max_escape=0.1, max_overkill=0.1), None))
    write_evaluation_set(folder, tested)
    write_checksums(folder)
    text = words(section(sheet_of(folder, mm_per_pixel=2.0), "signing"))
    count, odd = len(images), int((images % 2).sum())
    assert (f"{odd} of {count} annotated defects were found" in text) == known
    metres = float(tested.sizes[:, 1].sum()) * 0.002
    assert (
        f"There were 5 false alarms: {5 / len(tested.image_ids):.3f} per image, {5 / metres:.3f} per metre" in text
    ) == known
