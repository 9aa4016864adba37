"""The page to sign: it agrees with the policy, says plainly what is guaranteed, and shows what slips through."""

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from helpers.judged_run import make_run
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.dataset.model import Sample
from steelsight.imaging.regions import Region
from steelsight.report.build import build_report
from steelsight.report.findings import collect
from steelsight.report.page import render
from steelsight.report.sign_off.counts import count_rows, expected_shares, shares_of, why_review
from steelsight.report.sign_off.lost_images import escapes_of
from steelsight.report.sign_off.plots import cost_plot, trade_off_plot
from steelsight.report.sign_off.policy import Subject, signing_view
from steelsight.report.sign_off.text import calibration_line, costs_line, shortfall, statement_row, when_bounds_end
from steelsight.run.record import DATASET
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.run_policy import decide_verdicts
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind
from steelsight.verdicts.guarantee import guarantee_of
from steelsight.verdicts.outcome import give_verdicts
from steelsight.verdicts.policy import Costs, Limits, Policy
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.text import unusual_text
from steelsight.verdicts.thresholds import find_policy

LOOSE = Limits(max_escape=0.4, max_overkill=0.4)
RULES = Severity.model_validate({"rules": [{"verdict": "review", "class": "b", "area_above": "50 px2"}]})


def _tested(draws: list[tuple[int, float, int, bool]], kind: EvidenceKind = "own") -> EvaluationSet:
    """Images as (twin group, P(defect), class of its defect or -1, whether something is marked)."""
    groups, p_defect, classes, marked = (np.array(column) for column in zip(*draws, strict=True))
    return EvaluationSet(
        kind=kind,
        classes=("a", "b"),
        image_ids=tuple(f"{at}.jpg" for at in range(len(draws))),
        folds=np.zeros(len(draws), np.int64),
        groups=groups.astype(np.int64),
        sizes=np.full((len(draws), 2), 100, np.int64),
        p_defect=p_defect.astype(np.float64),
        truth=np.stack([(classes == 0) * 40, (classes == 1) * 90], axis=1).astype(np.int64),
        regions=tuple((Region(at % 2, 5, 5, 9, 9, 60, 0.8),) if mark else () for at, mark in enumerate(marked)),
    )


def _separated(images: int, kind: EvidenceKind = "own") -> EvaluationSet:
    """Good images below .5 and as many defective ones above, but for one escape and one overkill."""
    p_defect = np.linspace(0.01, 0.99, 2 * images)
    truth = np.where(np.arange(2 * images) < images, -1, 0)
    truth[2], truth[-2] = 0, -1
    return _tested([(at, p, of, bool(p > 0.6)) for at, (p, of) in enumerate(zip(p_defect, truth, strict=True))], kind)


def _policy(tested: EvaluationSet, wish: Limits = LOOSE, severity: Severity | None = None) -> Policy:
    return find_policy(tested, wish, Calibration(), severity)


IMAGE = st.tuples(st.integers(0, 9), st.floats(0, 1), st.integers(-1, 1), st.booleans())


@settings(deadline=None, max_examples=40)
@given(st.lists(IMAGE, min_size=2, max_size=30), st.sampled_from([None, RULES]), st.floats(0.1, 0.9))
def test_tables_count_every_image_once_and_as_the_policy_does(
    draws: list[tuple[int, float, int, bool]], severity: Severity | None, limit: float
) -> None:
    tested = _tested(draws)
    policy = _policy(tested, Limits(max_escape=limit, max_overkill=limit), severity)
    outcome = policy.outcome
    answers = np.array([one.answer for one in give_verdicts(policy, tested)])
    good, defective, *classes = count_rows(tested, answers)
    assert good.images + defective.images == outcome.images == len(draws)
    assert (good.groups, defective.groups) == (outcome.good_groups, outcome.defective_groups)
    assert list(zip(defective.counts, good.counts, strict=True)) == [outcome.passed, outcome.review, outcome.rejected]
    assert tuple(row.groups for row in classes) == outcome.groups_per_class
    assert sum(row.counts[0] for row in classes) == len(outcome.escapes)
    assert sum(count for _, count in why_review(policy, tested, answers)) == sum(outcome.review)


def test_why_images_go_to_review_is_asked_in_the_order_of_the_verdict() -> None:
    draws = [(0, 0.1, -1, False), (1, 0.1, -1, True), (2, 0.5, -1, False), (3, 0.9, 0, False), (4, 0.1, 1, True)]
    tested = _tested([*draws, (5, 0.5, 1, True)])
    policy = _policy(tested).model_copy(update={"pass_at": 0.2, "reject_at": 0.8, "severity": RULES})
    answers = np.array([one.answer for one in give_verdicts(policy, tested)])
    assert answers.tolist() == ["pass", "review", "review", "reject", "review", "review"]
    assert dict(why_review(policy, tested, answers)) == {
        "a severity rule asks for it": 2,
        "P(defect) is above the limit to pass": 1,
        "P(defect) is low enough to pass, but a defect is marked": 1,
    }


def test_unusual_images_go_to_a_person_whatever_p_is_and_the_page_says_so() -> None:
    plain = _separated(80, "calibrated")
    flags = tuple(("size", "light") if at % 40 == 0 else ("size",) if at % 20 == 0 else () for at in range(160))
    tested = replace(plain, flags=flags)
    policy = _policy(tested)
    assert (policy.pass_at, policy.reject_at) == pytest.approx(
        (_policy(plain).pass_at, _policy(plain).reject_at), abs=0.01
    )
    assert [one.lost for one in policy.statements] == [one.lost for one in _policy(plain).statements]
    assert policy.outcome.flagged == 8
    assert policy.outcome.flags == {"light": 4, "size": 8}
    answers = np.array([one.answer for one in give_verdicts(policy, tested)])
    assert set(answers[tested.flagged]) == {"review"}
    assert dict(why_review(policy, tested, answers))["something about it is unusual"] == 8
    said = unusual_text(policy)
    assert said == (
        "8 of the images are unusual (light 4, size 8) and go to a person whatever P(defect) is. The bounds count them by "
        "P(defect), as if nothing were unusual."
    )
    page = signing_view(policy, tested, None, lambda at: np.zeros((2, 1, 1), np.bool_), Subject("a", "b", "c"))
    assert page.unusual == said
    most = _policy(replace(plain, flags=(("size",),) * 100 + ((),) * 60))
    assert "ask whether these are images of the line" in str(unusual_text(most))
    every = _policy(replace(plain, flags=(("size",),) * 160))
    assert str(unusual_text(every)).startswith("Each of these images is unusual (size 160), so that a person sees all")
    assert every.outcome.review == (80, 80)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert "flag" not in _policy(plain).model_dump_json()


def test_a_severity_rule_of_a_share_counts_what_counts_of_an_image() -> None:
    share = Severity.model_validate({"rules": [{"verdict": "review", "class": "a", "area_above": "5 %"}]})
    tested = replace(_tested([(0, 0.1, -1, True)]), counted=np.array([600]))
    policy = _policy(tested).model_copy(update={"pass_at": 0.2, "severity": share})
    answers = np.array([one.answer for one in give_verdicts(policy, tested)])
    assert why_review(policy, tested, answers) == (("a severity rule asks for it", 1),)
    assert why_review(policy, replace(tested, counted=None), answers)[0][0].startswith("P(defect) is low enough")


def test_an_interval_does_not_vanish_where_nothing_is_lost_or_all_is_reviewed() -> None:
    tested = _tested([(at, 0.5, at % 2 - 1, False) for at in range(40)])
    policy = _policy(tested, Limits(max_escape=0.01, max_overkill=0.01))
    escapes, overkill, review = shares_of(policy, tested, np.full(40, "review"))
    assert escapes.value == overkill.value == 0
    assert escapes.interval.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert review.value == 1
    assert review.interval.low == pytest.approx(0.025 ** (1 / 40))


def test_what_to_expect_of_other_strip_weighs_good_and_defective_images() -> None:
    tested = _separated(50)
    answers = np.array([one.answer for one in give_verdicts(_policy(tested), tested)])
    good, defective, *_ = count_rows(tested, answers)
    assert expected_shares(good, defective, 0.5) == pytest.approx(
        [(answers == answer).mean() for answer in ("pass", "review", "reject")]
    )
    assert sum(expected_shares(good, defective, 0.01) or ()) == pytest.approx(1)


@pytest.mark.parametrize("kind", get_args(EvidenceKind))
def test_only_evidence_that_bears_a_bound_is_called_guaranteed(kind: EvidenceKind) -> None:
    said = guarantee_of(_policy(_separated(50, kind)))
    assert said.guaranteed == (kind in ("own", "calibrated"))
    assert ("not guaranteed" in said.title) != said.guaranteed
    assert ("--calibrate DATA" in said.text) != said.guaranteed


def test_a_bound_that_cannot_be_kept_says_what_it_takes_and_what_happens_until_then() -> None:
    policy = _policy(_separated(50), Limits(max_escape=0.01, never_miss={"b": 0.2}, max_overkill=0.4))
    assert guarantee_of(policy).title.startswith("1 of 3 bounds guaranteed")
    every, of_class = (shortfall(one, policy) for one in policy.statements if one.kind == "escape")
    assert "50 defective groups, none missed, can only promise 5.9 %." in every
    assert (
        "For 1 % you need 249 more, each of another surface (and coil or heat, where these were given), with none missed."
        in every
    )
    assert "no image passes" in every
    assert "At most 20 % of the images with a defect of class b pass" in of_class
    assert "No defective group with class b was tested. For 20 % you need 14 more" in of_class


def test_groups_are_named_by_what_made_them_and_those_of_both_kinds_count_on_both_sides() -> None:
    coils = _tested([(at // 2, 0.9 if at % 2 else 0.1, at % 2 - 1, False) for at in range(20)])

    def page(tested: EvaluationSet) -> str:
        policy = _policy(tested, Limits(max_escape=0.01, max_overkill=0.4))
        view = signing_view(policy, tested, None, lambda at: np.zeros((2, 1, 1), np.bool_), Subject("a", "b", "c"))
        return " ".join(render({"signing": view}, "signing.html.j2").split())

    named, unknown = page(replace(coils, grouped_by=("coil",))), page(coils)
    assert "20</b><span>images of 10 groups (by coil and twins)</span>" in named
    assert "20</b><span>images of 10 groups</span>" in unknown
    for said in (named, unknown):
        assert "10 with a defect, 10 without: 10 have both kinds of image and count on both sides" in said
    assert "Group: images of one coil, or twins (photographs of the same surface), which count once" in named
    assert (
        "Group: twins (photographs of the same surface), and images of one coil or heat where these were given"
        in unknown
    )
    assert "more, each of another coil and surface, with none missed" in named
    assert "twin group" not in named + unknown


def test_a_bound_is_never_rounded_below_what_the_evidence_bears() -> None:
    one = _policy(_separated(50)).statements[0]
    row = statement_row(one, LOOSE)
    assert row.kept
    assert one.bound <= float(row.bound.removesuffix(" %")) / 100 <= one.limit


def test_a_stated_share_of_defective_strip_is_named_wherever_something_rests_on_it() -> None:
    wish = Limits(
        max_escape=0.3, escape_among="passed", defect_share=0.02, costs=Costs(escape=50, review=1, overkill=9)
    )
    policy = _policy(_separated(50), wish)
    assert "if 2 % of the strip is defective" in statement_row(policy.statements[0], wish).asked
    assert any("stated 2 %" in line for line in when_bounds_end(policy))
    assert "a defective image that passes 50, a second look 1" in (costs_line(policy) or "")
    assert cost_plot(policy) is not None
    assert cost_plot(_policy(_separated(50))) is None
    assert costs_line(_policy(_separated(50))) is None


def test_calibration_is_said_at_the_thresholds() -> None:
    policy = _policy(_separated(50)).model_copy(update={"pass_at": 0.2, "reject_at": None})
    assert calibration_line(policy) == "none; P(defect) is taken as it is"
    warm = policy.model_copy(update={"calibration": Calibration(kind="temperature", temperature=2.0)})
    assert calibration_line(warm).endswith("; this is 33 % at the pass threshold")
    assert calibration_line(warm.model_copy(update={"pass_at": None})).endswith("as common as in the test")


def test_plots_of_a_single_kind_of_image_are_left_out_or_drawn() -> None:
    good = _tested([(at, 0.1, -1, False) for at in range(5)])
    assert trade_off_plot(_policy(good), good) is None
    marked = _tested([(at, 0.1, 0, True) for at in range(5)])
    assert trade_off_plot(_policy(marked), marked) is None


def test_escapes_are_shown_largest_first_and_the_rest_is_named(decided_run: Path) -> None:
    found = collect(Run(decided_run))
    samples = tuple(sample for sample in found.record.samples if sample.is_defective)[:3] * 30
    named = [Sample(f"{at}.jpg", sample.path, sample.size, sample.runs[:2]) for at, sample in enumerate(samples)]
    tested = _tested([(at, 0.1, 0, False) for at in range(90)])
    tested.truth[:, 0] = np.arange(90) + 1
    policy = _policy(tested).model_copy(update={"pass_at": 0.2})
    policy = policy.model_copy(update={"outcome": policy.outcome.model_copy(update={"escapes": tested.image_ids})})
    lost = escapes_of(policy, tested, named)
    assert [picture.image_id for picture in lost.pictures] == [f"{at}.jpg" for at in range(89, 77, -1)]
    assert (lost.images, lost.unreadable, len(lost.others), lost.unnamed) == (90, 0, 60, 18)
    assert "a, 90 px" in lost.pictures[0].caption


def test_it_comes_next_to_the_first_page_and_pictures_all_that_is_lost(tmp_path: Path) -> None:
    run = tmp_path / "run"
    make_run(run, {"ca": 0.6, "sa": 0.4}, every=2)
    decide(Run(run))
    policy = decide_verdicts(Run(run), Limits(max_escape=0.5, max_overkill=0.5), None).policy
    assert policy is not None
    assert policy.outcome.escapes
    assert policy.outcome.overkills
    text = build_report(Run(run)).read_text("utf-8")
    assert re.findall(r'<section id="(\w+)"', text)[:3] == ["gallery", "signing", "summary"]
    page = text[text.index('<section id="signing">') : text.index('<section id="summary"')]
    assert "Cross-validated, not guaranteed." in page
    for name in (*policy.outcome.escapes, *policy.outcome.overkills):
        assert f'alt="{name}: what was lost"' in page
    header = run / DATASET
    header.write_text(re.sub(r'"root": ".*?"', '"root": "/moved"', header.read_text()))
    found = collect(Run(run))
    assert found.tested is not None
    subject = Subject("“run”", "are gone", "decision.json")
    view = signing_view(policy, found.tested, found.record.samples, found.masks_of, subject)
    for lost, names in ((view.escapes, policy.outcome.escapes), (view.overkill, policy.outcome.overkills)):
        assert lost.pictures == ()
        assert lost.unreadable == min(12, len(names))
        assert set(lost.others) == set(names)


def test_a_run_without_classifiers_has_no_such_page(tmp_path: Path) -> None:
    run = tmp_path / "run"
    make_run(run, {"sa": 0.3}, every=6)
    decide(Run(run))
    text = build_report(Run(run)).read_text("utf-8")
    assert 'id="signing"' not in text
    assert 'href="#signing"' not in text
    assert "What becomes of the images" not in text
