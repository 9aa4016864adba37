"""The later images of a run that was split by time: figures as `inspect` and `score` find them, in RUN and report."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.policies import make_policy
from helpers.small_run import small_run
from helpers.tiny_inspector import CLASSES, RULE, make_inspector
from typer.testing import CliRunner

from steelsight import Inspector, score
from steelsight.cli.main import app
from steelsight.core.errors import UserError
from steelsight.dataset.model import UNKNOWN, Sample
from steelsight.dataset.read import read_dataset
from steelsight.export.judge_later import judge_later
from steelsight.imaging.read import image_size, list_images
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.inspector.input_range import InputRange
from steelsight.inspector.training_images import are_fresh
from steelsight.report.build import build_report
from steelsight.run.record import Record, read_record, write_record
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision, write_decision
from steelsight.selection.later_figures import read_later_figures, said_of_later


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small run, as if the sample's other images had come later."""
    folder = tmp_path_factory.mktemp("split") / "run"
    shutil.copytree(small_run(tmp_path_factory), folder)
    record = read_record(folder)
    known = {sample.image_id for sample in record.samples}
    others = tuple(sample for sample in read_dataset(SAMPLE, decode=False).samples if sample.image_id not in known)
    later, bad = others[::4], replace(others[1], shown=(UNKNOWN,))
    split = replace(record, later=later, later_groups=np.arange(len(later)), later_from="2026-11-02")
    write_record(folder, replace(split, without_masks=(bad,), their_folds=(-1,)))
    return folder


@pytest.fixture(scope="module")
def exported(split: Path) -> Path:
    out = split.parent / "inspector"
    done = CliRunner().invoke(app, ["export", str(split), "--out", str(out), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["later"]["later_from"] == "2026-11-02"
    return out


def test_the_record_keeps_the_later_images(split: Path) -> None:
    record = read_record(split)
    assert len(record.later) == 14
    assert any(sample.is_defective for sample in record.later)
    assert not {sample.image_id for sample in record.later} & {sample.image_id for sample in record.samples}
    own = {sample.image_id: sample for sample in read_dataset(SAMPLE, decode=False).samples}
    assert all([r.area for r in one.runs] == [r.area for r in own[one.image_id].runs] for one in record.later)
    for wrong in (",\n", ",-1\n"):
        torn = split.parent / "torn"
        shutil.rmtree(torn, ignore_errors=True)
        shutil.copytree(split, torn)
        (torn / "later.csv").write_text((torn / "later.csv").read_text().replace(",0\n", wrong, 1))
        with pytest.raises(UserError, match=r"later\.csv, line 2: .*restore the file from a copy"):
            read_record(torn)


def test_figures_are_those_of_inspect_and_score(split: Path, exported: Path, tmp_path: Path) -> None:
    figures = read_later_figures(Run(split))
    assert figures is not None
    later = read_record(split).later
    images = tmp_path / "images"
    images.mkdir()
    for sample in later:
        (images / sample.path.name).symlink_to(sample.path)
    inspect = ["inspect", str(exported), str(images), "--out", str(tmp_path / "inspected")]
    assert CliRunner().invoke(app, inspect, catch_exceptions=False).exit_code in (0, 3)
    scored = score(SAMPLE / "train.csv", tmp_path / "inspected/submission.csv", images=images)
    assert figures.images == scored.figures.images == len(later)
    for own, other in (
        (figures.dice, scored.figures.dice),
        (figures.defective_dice, scored.figures.defective_dice),
        (figures.false_alarm_share, scored.figures.false_alarm_share),
    ):
        assert own.value == pytest.approx(other)
        assert own.low is not None
        assert own.low <= other <= (own.high or 0)
    assert figures.floor == pytest.approx(scored.figures.floor)
    assert scored.defects is not None
    assert (figures.annotated, figures.found) == (scored.defects.all.annotated, scored.defects.all.found)
    assert figures.false_alarms == scored.defects.all.false_alarms
    verdicts = [Inspector.open(exported, device="cpu")(sample.path).verdict for sample in later]
    answers = [None if verdict is None else verdict.answer for verdict in verdicts]
    assert figures.outcome is not None
    assert [sum(count) for count in (figures.outcome.passed, figures.outcome.review, figures.outcome.rejected)] == [
        answers.count(answer) for answer in ("pass", "review", "reject")
    ]


def test_the_report_holds_them_against_the_promise(split: Path, exported: Path) -> None:
    page = build_report(Run(split)).read_text()
    figures = read_later_figures(Run(split))
    assert figures is not None
    assert 'href="#later"' in page
    assert "14 images, from 2026-11-02 on" in page
    assert f"{figures.found} of {figures.annotated} defects are marked" in page
    assert f"competition Dice {figures.dice.value:.3f}" in said_of_later(figures)
    Run(split).later_figures_file.write_text("{}")
    with pytest.raises(UserError, match="remove it and export again"):
        build_report(Run(split))
    Run(split).later_figures_file.unlink()
    assert "They are judged by what is exported" in build_report(Run(split)).read_text()


def test_fresh_are_the_later_images_and_not_those_that_taught_classifiers_alone(split: Path, exported: Path) -> None:
    record = read_record(split)
    seen = (exported / "seen.txt").read_text().split()
    digests = {
        one.image_id: sha256(one.path.read_bytes()).hexdigest() for one in (*record.without_masks, *record.later)
    }
    assert digests[record.without_masks[0].image_id] in seen
    assert not {digests[one.image_id] for one in record.later} & set(seen)
    with pytest.raises(UserError, match="trained on this file"):
        are_fresh(exported, record.without_masks)


def record_of(*later: Sample) -> Record:
    none = np.zeros(0, np.int64)
    return Record(
        root=SAMPLE,
        layout="severstal",
        classes=CLASSES,
        samples=(),
        folds=none,
        groups=none,
        skipped=(),
        fingerprint="",
        later=later,
        later_groups=np.arange(len(later)),
        later_from="9",
    )


def test_a_later_image_of_another_size_is_not_judged(tmp_path: Path) -> None:
    """Its masks are of the image that was there when the run began."""
    inspector = Inspector.open(make_inspector(tmp_path / "inspector"), device="cpu")
    first, second = list_images(SAMPLE / "train_images")[:2]
    nothing = (Runs.empty(),) * 2
    record = record_of(Sample("a", first, image_size(first), nothing), Sample("b", second, (64, 256), nothing))
    figures = judge_later(inspector, record, lambda done, of: None)
    assert (figures.images, figures.unreadable) == (1, ("b",))


def test_an_unusual_later_image_is_counted_where_the_inspector_sends_it(tmp_path: Path) -> None:
    """By P(defect) alone none of these would go to a person: both thresholds are that of the gate."""
    paths = list_images(SAMPLE / "train_images")[:6]
    familiar = InputRange.of([np.full((2000, 2000), 128, np.uint8)])
    policy = make_policy(pass_at=0.5, reject_at=0.5)
    folder = make_inspector(tmp_path / "inspector", policy=policy, familiar=familiar)
    inspector = Inspector.open(folder, device="cpu")
    said = [inspector(path) for path in paths]
    assert all("size" in one.flags for one in said)
    later = (Sample(path.name, path, image_size(path), (Runs.empty(),) * 2) for path in paths)
    outcome = judge_later(inspector, record_of(*later), lambda done, of: None).outcome
    assert outcome is not None
    assert [one.verdict.answer for one in said if one.verdict] == ["review"] * len(paths)
    assert (sum(outcome.passed), sum(outcome.review), sum(outcome.rejected)) == (0, len(paths), 0)
    assert (outcome.flagged, outcome.flags["size"]) == (len(paths), len(paths))


def test_the_figures_go_with_the_decision_that_they_are_of(split: Path, tmp_path: Path) -> None:
    run = Run(shutil.copytree(split, tmp_path / "run"))
    run.later_figures_file.write_text("{}")
    decision = read_decision(run)
    write_decision(run, decision)
    assert run.later_figures_file.exists()
    write_decision(run, decision.model_copy(update={"rule": decision.rule.model_copy(update={"min_area": (1,) * 4})}))
    assert not run.later_figures_file.exists()


def test_later_figures_have_no_interval_without_width(tmp_path: Path) -> None:
    """A rule that marks nothing: a Dice of 0 on the one image with a defect, and no false alarm on any."""
    rule = RULE.model_copy(update={"min_area": (10**7,) * 2})
    inspector = Inspector.open(make_inspector(tmp_path / "inspector", rule=rule), device="cpu")
    first, *others = list_images(SAMPLE / "train_images")[:4]
    defect, nothing = encode_mask(np.ones(image_size(first), np.bool_)), Runs.empty()
    later = [Sample(path.name, path, image_size(path), (nothing, nothing)) for path in others]
    later.append(Sample(first.name, first, image_size(first), (defect, nothing)))
    figures = judge_later(inspector, record_of(*later), lambda done, of: None)
    assert figures.defective_dice == (0, None, None)
    assert figures.false_alarm_share == pytest.approx((0, 0, 1 - 0.025 ** (1 / 4)))  # its other class is empty, too


@pytest.mark.slow
def test_later_images_that_are_gone_hold_nothing_up(split: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(split, run, ignore=shutil.ignore_patterns("later.json"))
    record = read_record(run)
    gone = tuple(replace(sample, path=tmp_path / "gone" / sample.path.name) for sample in record.later)
    write_record(run, replace(record, later=gone))
    done = CliRunner().invoke(
        app, ["export", str(run), "--out", str(tmp_path / "inspector"), "--json"], catch_exceptions=False
    )
    assert json.loads(done.stdout)["later"] is None
    assert read_later_figures(Run(run)) is None
