"""Each distillation has a folder of its own, and another one's answers are never taken for its own."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.data import SAMPLE
from helpers.small_run import small_run

from steelsight.export.distil.request import DistilRequest, open_workplace
from steelsight.export.plan import Plan, make_plan
from steelsight.rule.rule import Rule
from steelsight.run.run import Run


@pytest.fixture
def plan(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Plan:
    shutil.copytree(small_run(tmp_path_factory), tmp_path / "run")
    few = str(SAMPLE / "test_images/fresh1*.jpg")
    return make_plan(Run(tmp_path / "run"), "all", "fp32", 0.002, [few], lambda what, done, of: None)


def with_rule(plan: Plan, change: Callable[[Rule], Rule]) -> Plan:
    return replace(plan, decision=plan.decision.model_copy(update={"rule": change(plan.decision.rule)}))


def test_a_rule_that_was_decided_anew_begins_anew(plan: Plan) -> None:
    """Answers are cut where the rule says, and windows are drawn around what exceeds its upper thresholds."""

    def place(of: Plan) -> Path:
        return open_workplace(of, DistilRequest(resume=True), [], ()).path

    first = place(plan)
    assert place(plan) == first
    other_place = with_rule(plan, lambda rule: rule.model_copy(update={"at": "working"}))
    other_upper = with_rule(plan, lambda rule: rule.model_copy(update={"upper": tuple(255 for _ in rule.upper)}))
    assert len({first, place(other_place), place(other_upper)}) == 3
