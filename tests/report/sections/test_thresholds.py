"""Every searched value with its interval, as table and as plot."""

from pathlib import Path
from typing import Any

import pytest

from steelsight.report.build import build_report
from steelsight.report.sections.rule_kinds import rules_view
from steelsight.report.sections.thresholds import searched_values, thresholds_view
from steelsight.rule.bootstrap import RuleStability, ValueInterval
from steelsight.rule.kinds import KINDS, KindName
from steelsight.run.run import Run
from steelsight.selection.decision import Decision, read_decision

CLASSES = ("1", "2", "3", "4")


@pytest.fixture(scope="module")
def decision(decided_run: Path) -> Decision:
    return read_decision(Run(decided_run))


def with_kept(decision: Decision, kind: KindName) -> Decision:
    """The same decision, had this kind been kept."""
    classes = {"gate": 0, "shared": 1, "tuned": 4}[kind.removeprefix("soft-")]
    ends = {
        "upper": (ValueInterval(low=102, high=255),) * classes,
        "lower": (ValueInterval(low=51, high=51),) * classes,
        "min_area": (ValueInterval(low=353, high=11515),) * classes,
    }
    softness = ValueInterval(low=5, high=5) if KINDS[kind].soft else None
    changes = {"kind": kind, "gate": ValueInterval(low=0.3, high=0.55), "softness": softness}
    assert decision.stability is not None
    stability = RuleStability.model_validate(decision.stability.model_copy(update=changes | ends).model_dump())
    return decision.model_copy(update={"kept": kind, "rule": decision.candidate(kind).rule, "stability": stability})


def plain_of(decision: Decision) -> Any:  # type: ignore[no-untyped-def]
    return decision.candidate("defaults").rule


def test_where_the_plain_rule_is_kept_the_page_says_so_and_shows_what_was_not(
    decided_run: Path, decision: Decision
) -> None:
    assert decision.kept == "defaults"
    text = build_report(Run(decided_run)).read_text("utf-8")
    section = text[text.index('<section id="ensemble">') :]
    assert "The plain defaults are kept: tuning does not pay here." in section
    assert "</i>, which is not kept" in section
    assert decision.stability is not None
    area = decision.stability.min_area[0]
    assert f"{area.low:,.0f} to {area.high:,.0f}" in section
    assert f"{decision.stability.draws} draws of groups" in section


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "defaults"])
def test_every_value_that_a_kind_searches_is_shown_with_its_interval(decision: Decision, kind: KindName) -> None:
    kept = with_kept(decision, kind)
    view = thresholds_view(kept, plain_of(decision), CLASSES)
    values = {"gate": 0, "shared": 1, "tuned": 4}[kind.removeprefix("soft-")]
    assert view.kept
    assert len(view.rows) == 1 + (KINDS[kind].soft) + 3 * values
    assert view.rows[0].drawn == "0.30 to 0.55"
    assert [row.drawn for row in view.rows[-3:]] == ["0.40 to 1.00", "0.20 to 0.20", "353 to 11,515"] or not values
    assert all(len(row.without) == len(view.folds) for row in view.rows)
    assert "<svg" in view.plot
    assert view.rows[0].everywhere == f"{kept.rule.gate:.2f}"


def test_values_are_those_of_the_rules(decision: Decision) -> None:
    found = searched_values(decision, "tuned", plain_of(decision), CLASSES)
    candidate = decision.candidate("tuned")
    upper = [one for one in found if one.parameter == "upper threshold"]
    assert [one.everywhere * 255 for one in upper] == pytest.approx(candidate.rule.upper)
    assert [one.without[1] * 255 for one in upper] == pytest.approx(candidate.nested.folds[1].rule.upper)
    assert [one.name for one in upper] == list(CLASSES)


def test_a_decision_without_intervals_shows_the_folds_alone(decision: Decision) -> None:
    view = thresholds_view(decision.model_copy(update={"stability": None}), plain_of(decision), CLASSES)
    assert {row.drawn for row in view.rows} == {"–"}
    assert view.kind == "tuned"


def test_a_kept_soft_gate_is_told(decision: Decision) -> None:
    view = rules_view(with_kept(decision, "soft-shared"), plain_of(decision), CLASSES)
    assert (view.softness, view.plain) == (5, False)
    assert [row.kind for row in view.kinds if row.kept] == ["soft-shared"]
    assert [row.searched for row in view.kinds] == [KINDS[row.kind].says for row in view.kinds]
