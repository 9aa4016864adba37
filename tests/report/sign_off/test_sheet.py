"""The sheet to sign for an INSPECTOR: what it carries, guaranteed where it is; the inspector itself stays as it was."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.data import ROOT, SAMPLE, run_cli
from helpers.policies import make_policy
from helpers.said_distilled import say_distilled
from helpers.simulated import by_label, simulate
from helpers.tiny_inspector import CLASSES, make_inspector

from steelsight.core.errors import UserError
from steelsight.imaging.read import list_images, read_image
from steelsight.imaging.regions import Region
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import CARD, fingerprint, read_card, write_card
from steelsight.inspector.checksums import CHECKSUMS, write_checksums
from steelsight.metrics.defects import Defects
from steelsight.report.sign_off.provenance import provenance_view
from steelsight.report.sign_off.sheet import build_sheet, sheet_of
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, write_evaluation_set
from steelsight.verdicts.policy import Costs, Limits, Policy
from steelsight.verdicts.severity import Severity

WISH = Limits(max_escape=0.1, max_overkill=0.1, costs=Costs(escape=5, review=1, overkill=1), defect_share=0.05)


def _tested(kind: EvidenceKind = "own") -> EvaluationSet:
    return replace(simulate(300, 3.0, seed=2, kind=kind), classes=CLASSES)


def _with_evidence(folder: Path, policy: Policy, tested: EvaluationSet) -> Path:
    make_inspector(folder, policy=policy)
    write_evaluation_set(folder, tested)
    write_checksums(folder)
    return folder


def _make(folder: Path, tested: EvaluationSet, wish: Limits = WISH) -> Path:
    return _with_evidence(folder, choose_policy(tested, wish, None), tested)


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _make(tmp_path_factory.mktemp("line") / "hot end", _tested())


def test_the_verb_writes_one_page_beside_an_inspector_that_stays_whole(inspector: Path) -> None:
    before = fingerprint(inspector)
    done = run_cli("report", inspector, "--json")
    assert done.returncode == 0, done.stderr
    page = inspector.parent / "hot end.verdicts.html"
    said = json.loads(done.stdout)
    assert said["wrote"] == [str(page)]
    assert said["next"] == f"steelsight inspect '{inspector}' IMAGES --out {inspector.parent / 'inspected'} --overlays"
    assert fingerprint(inspector) == before
    read_card(inspector)
    text = page.read_text("utf-8")
    assert re.findall(r'<section id="(\w+)"', text) == ["signing", "provenance", "calibration"]
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text)
    assert "Guaranteed, each bound with 95 % confidence." in text
    assert text.count(before) == 1
    assert f"“hot end”, SHA-256 {before[:16]}" in text
    assert "networks of fold 0 alone" in text


def test_distilled_networks_are_signed_as_such(inspector: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(inspector, tmp_path / "inspector"))
    say_distilled(folder, 6)
    text = sheet_of(folder)
    assert "networks distilled from 6 of folds 0" in text
    assert "of fold 0 alone" not in text
    assert "combined" not in text


def test_what_counts_of_an_image_and_the_bits_of_its_camera_are_signed(tmp_path: Path) -> None:
    folder = make_inspector(tmp_path / "inspector")
    card = read_card(folder)
    assert provenance_view(folder, card).counts == "the whole image"
    networks = tuple(
        one.model_copy(update={"preprocess": one.preprocess.model_copy(update={"bits": 12})}) for one in card.networks
    )
    view = provenance_view(folder, card.with_roi(Roi(strip=True)).model_copy(update={"networks": networks}))
    assert view.counts == "the strip, found in each image"
    assert all(size.endswith(", of 12 bit") for *_, size in view.networks)


def test_what_is_lost_is_named_with_what_is_known_of_it(inspector: Path) -> None:
    policy = read_card(inspector).policy
    assert policy is not None
    assert len(policy.outcome.escapes) > 3
    text = sheet_of(inspector)
    assert "<img" not in text
    for name in (*policy.outcome.escapes, *policy.outcome.overkills):
        assert re.search(rf"<b>{re.escape(name)}</b> P\(defect\) 0\.\d+", text)


@pytest.mark.parametrize(
    ("unusual", "said"), [(False, "a marked defect"), (True, "a marked defect or something unusual about the image")]
)
def test_what_may_decide_beside_p_is_said(tmp_path: Path, unusual: bool, said: str) -> None:
    """A flag sends an image to a person, too; the verdicts of the page's bars are what the images get."""
    tested = _tested()
    flags = (("size",),) * 20 + ((),) * (len(tested.image_ids) - 20)
    policy = choose_policy(replace(tested, flags=flags) if unusual else tested, WISH, None)
    folder = _with_evidence(tmp_path / "one", policy, replace(tested, flags=flags) if unusual else tested)
    text = " ".join(sheet_of(folder).split())
    assert f"If it differs, {said} decided." in text
    assert re.search(r"is rejected if P\(defect\) exceeds [\d.]+ and nothing about it is unusual\.", text)


def test_unusual_images_come_before_severity_rules(tmp_path: Path) -> None:
    rules = [{"verdict": "reject", "class": "dark"}]
    severity = Severity.model_validate({"mm_per_pixel": 0.5, "rules": rules})
    tested = replace(_tested(), flags=(("size",),) * 20 + ((),) * (len(_tested().image_ids) - 20))
    text = sheet_of(_with_evidence(tmp_path / "one", choose_policy(tested, WISH, severity), tested))
    text = " ".join(text.split())
    assert "Of what is not unusual, the severity rules below come first." in text
    assert "If it differs, a marked defect or a severity rule or something unusual about the image decided." in text


def test_the_cost_at_the_chosen_thresholds_is_said(inspector: Path) -> None:
    policy = read_card(inspector).policy
    assert policy is not None
    assert policy.expected_cost is not None
    assert f"an image is expected to cost {policy.expected_cost:.3g}" in sheet_of(inspector)


@pytest.mark.parametrize(
    ("kind", "precision", "words"),
    [
        ("calibrated", "fp32", "Guaranteed, each bound"),
        ("calibrated", "int8", "Guaranteed, each bound"),
        ("other-precision", "int8", "Tested in another precision, not guaranteed"),
        ("cross-validated", "fp32", "Cross-validated, not guaranteed"),
        ("epoch-selected", "fp32", "Epoch-selected, not guaranteed"),
    ],
)
def test_only_what_was_tested_as_it_is_deployed_is_guaranteed(
    tmp_path: Path, kind: EvidenceKind, precision: str, words: str
) -> None:
    folder = _make(tmp_path / "one", _tested(kind))
    write_card(folder, read_card(folder).model_copy(update={"precision": precision}))
    write_checksums(folder)
    text = sheet_of(folder)
    assert f"<b>{words}" in text
    assert ("<small>estimate</small>" in text) == ("not guaranteed" in words)


def test_pictures_of_what_is_lost_come_from_the_folder_that_is_named(tmp_path: Path) -> None:
    paths = list_images(SAMPLE / "train_images")
    tested = replace(
        _tested("calibrated").only(np.arange(len(paths))),
        image_ids=tuple(path.name for path in paths),
        sizes=np.array([read_image(path).shape[:2] for path in paths], np.int64),
    )
    folder = _make(tmp_path / "one", tested, Limits(max_escape=0.4, max_overkill=0.5, confidence=0.8))
    policy = read_card(folder).policy
    assert policy is not None
    lost = (*policy.outcome.escapes, *policy.outcome.overkills)
    assert lost
    done = run_cli("report", folder, "--images", SAMPLE / "train_images", "--out", tmp_path / "sheets" / "one.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "sheets" / "one.html").read_text("utf-8")
    assert set(re.findall(r'alt="(.*?): what was lost"', text)) == set(lost)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / lost[0]).write_bytes((SAMPLE / "train_images" / lost[0]).read_bytes()[:200])
    text = sheet_of(folder, elsewhere)
    assert "<img" not in text
    assert f"are not in {elsewhere} as they were tested" in text
    assert all(name in text for name in lost)


def _with_matches(tested: EvaluationSet) -> EvaluationSet:
    """Every annotated defect found whole, and no false alarm."""
    at = np.argwhere(tested.truth > 0)
    area = tested.truth[tested.truth > 0]
    return replace(tested, defects=Defects(np.column_stack([at, area, area]), np.zeros((0, 4), np.int64)))


def test_images_with_a_label_alone_are_counted_and_named_and_no_mask_is_held_against_them(tmp_path: Path) -> None:
    tested = _with_matches(_tested("calibrated"))
    rng = np.random.default_rng(4)
    count = tested.p_defect.size
    labelled = _with_matches(by_label(tested, rng.random(count) < 0.8, rng.random(count) < 0.4))
    wish = Limits(max_escape=0.1, max_overkill=0.1, never_miss={CLASSES[1]: 0.3})
    folder = _make(tmp_path / "one", labelled, wish)
    policy = read_card(folder).policy
    assert policy is not None
    defective, alone = int(tested.defective.sum()), int(labelled.label_alone.sum())
    text = " ".join(sheet_of(folder).split())
    truth = f"Of {defective} defective images, {defective - alone} have masks and {alone} have a label alone"
    assert truth in text
    assert f"The class of {policy.outcome.class_unknown} is not known: these count for the bound on no class." in text
    assert "A bound on a class is about groups in which somebody named that class." in text
    rows = dict(re.findall(r'<th class="text">([^<]*)</th><td>(\d+)</td>', text))
    assert (rows["by a label alone"], rows["with a defect"]) == (str(alone), str(defective))
    assert rows["class not known"] == str(policy.outcome.class_unknown)
    assert "Only images whose masks are known count here" in text
    drawn = int((labelled.truth > 0).sum())
    assert f"{drawn} of {drawn} annotated defects were found" in text
    assert "(by its label alone)" in text
    before = " ".join(sheet_of(_make(tmp_path / "other", tested, wish)).split())
    assert "label alone" not in before
    assert "Only images whose masks are known" not in before


def test_a_class_that_labels_alone_name_is_said(tmp_path: Path) -> None:
    tested = _tested("calibrated")
    of_second = tested.truth[:, 1] > 0
    marked = tuple((Region(1, 1, 1, 9, 9, 60, 0.9),) if bad else () for bad in of_second.tolist())
    labelled = by_label(replace(tested, regions=marked), of_second, ~of_second)
    text = sheet_of(_make(tmp_path / "one", labelled))
    assert f"No tested image has a mask of class {CLASSES[1]}, only labels name it" in text
    unnamed = by_label(tested, of_second, of_second)
    assert f"No tested image is known to show class {CLASSES[1]}" in sheet_of(_make(tmp_path / "two", unnamed))


def test_an_image_of_another_size_is_not_the_one_that_was_tested(tmp_path: Path) -> None:
    paths = list_images(SAMPLE / "train_images")
    tested = _tested("calibrated").only(np.arange(len(paths)))
    tested = replace(tested, image_ids=tuple(path.name for path in paths))  # 100 x 100, says the table
    folder = _make(tmp_path / "one", tested, Limits(max_escape=0.4, max_overkill=0.5, confidence=0.8))
    assert "<img" not in sheet_of(folder, SAMPLE / "train_images")


def _no_policy(folder: Path) -> None:
    make_inspector(folder)


def _no_classifiers(folder: Path) -> None:
    make_inspector(folder, classifiers=())


def _no_evidence(folder: Path) -> None:
    make_inspector(folder, policy=make_policy())


def _other_evidence(folder: Path) -> None:
    _with_evidence(folder, make_policy(), _tested())


def _other_classes(folder: Path) -> None:
    tested = _tested()
    _with_evidence(folder, choose_policy(tested, WISH, None), replace(tested, classes=("a", "b")))


def _unlisted(folder: Path) -> None:
    _make(folder, _tested())
    sums = folder / CHECKSUMS
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if IMAGES not in line))


def _changed(folder: Path) -> None:
    _make(folder, _tested())
    with (folder / DEFECTS).open("a") as table:
        table.write("1.jpg,dark,0,0,1,1,1,0.5\n")


@pytest.mark.parametrize(
    ("make", "file", "words"),
    [
        (_no_policy, CARD, "it has no verdict policy, so there is nothing to sign"),
        (_no_classifiers, CARD, "it has no classifiers"),
        (_no_evidence, IMAGES, "not found, so the tested images of the policy are not known"),
        (_other_evidence, IMAGES, "not the images that the policy of inspector.json rests on"),
        (_other_classes, IMAGES, "not the images that the policy of inspector.json rests on"),
        (_unlisted, IMAGES, "not listed in checksums.txt"),
        (_changed, DEFECTS, "changed since it was exported"),
    ],
)
def test_nothing_is_signed_that_the_inspector_does_not_bear(
    tmp_path: Path, make: Callable[[Path], None], file: str, words: str
) -> None:
    folder = tmp_path / "one"
    make(folder)
    with pytest.raises(UserError, match=re.escape(f"{folder / file}: {words}")):
        build_sheet(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_inspector_without_a_policy_is_one_sentence(tmp_path: Path) -> None:
    done = run_cli("report", make_inspector(tmp_path / "one"))
    assert done.returncode == 2
    assert "there is nothing to sign" in done.stderr
    assert f"steelsight decide {tmp_path / 'one'} --calibrate DATA" in done.stderr
    assert "Traceback" not in done.stderr


def test_paths_that_will_not_do_are_refused(inspector: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lies inside the inspector"):
        build_sheet(inspector, inspector / "sheet.html")
    with pytest.raises(UserError, match="a folder; name the file to write"):
        build_sheet(inspector, tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        build_sheet(inspector, tmp_path / "sheet.html", tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_options_of_the_other_kind_of_folder_are_refused(inspector: Path, tmp_path: Path) -> None:
    for options, words in (
        ((inspector, "--inspected", tmp_path), "is for a run"),
        ((tmp_path, "--out", tmp_path / "sheet.html"), "is for an inspector"),
        ((tmp_path, "--images", tmp_path), "is for an inspector"),
    ):
        done = run_cli("report", *options)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_the_plain_install_says_in_one_sentence_what_is_missing(inspector: Path, tmp_path: Path) -> None:
    for name in ("jinja2", "matplotlib", "markupsafe"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name}', name={name!r})\n")
    done = subprocess.run(
        [sys.executable, "-m", "steelsight.cli.main", "report", str(inspector)],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}", "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 2
    assert "which the plain install leaves out; pip install 'steelsight[train]'" in done.stderr
    assert "Traceback" not in done.stderr
