"""Kinds of rule stand in one table: one more line, and every floor knows the new kind."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.judged_run import make_run
from pydantic import TypeAdapter, ValidationError

from steelsight.report.build import build_report
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, PLAIN, RICHEST, SHARED, KindName, RuleKind, choose_kind, kinds_of
from steelsight.rule.objective import Objective
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision

SOURCE = Path(__file__).parents[2] / "src" / "steelsight"
NEW = RuleKind("eighth", "gate and shared thresholds", False, "the new sentence", "the new phrase")


def grids(*softness: float, searched: bool = True) -> Grids:
    made = Grids.of((0.1, 0.5), 2.0, [(64, 256)], 1, softness, Objective(), (0.0, 1.0))
    return replace(made, searched=searched)


def test_names_are_those_that_decisions_hold_from_the_simplest() -> None:
    assert list(KINDS) == ["defaults", "gate", "shared", "tuned", "soft-gate", "soft-shared", "soft-tuned"]
    assert [kind.name for kind in KINDS.values()] == list(KINDS)
    assert {PLAIN, SHARED, RICHEST} <= set(KINDS)


def test_a_soft_gate_is_tried_where_the_grid_has_softness_and_nothing_where_nothing_is_searched() -> None:
    assert kinds_of(grids(5.0)) == tuple(KINDS)
    assert kinds_of(grids()) == tuple(name for name in KINDS if not KINDS[name].soft)
    assert kinds_of(grids(5.0, searched=False)) == (PLAIN,)


def test_the_simplest_within_the_noise_is_chosen() -> None:
    assert choose_kind({"defaults": 0.5, "soft-gate": 0.6, "shared": 0.5995}) == "shared"
    assert choose_kind({"defaults": 0.5, "soft-gate": 0.6, "shared": 0.5985}) == "soft-gate"


def test_a_name_that_is_no_kind_is_refused_where_json_is_read() -> None:
    names: TypeAdapter[str] = TypeAdapter(KindName)
    assert names.validate_python("soft-tuned") == "soft-tuned"
    with pytest.raises(ValidationError, match="no kind of rule; one of defaults, gate"):
        names.validate_python("softest")


def test_one_more_line_in_the_table_is_all_that_another_kind_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", {"c-a": 0.2, "s-a": 0.2}, every=5).run
    monkeypatch.setitem(KINDS, NEW.name, NEW)
    decision = decide(run)
    assert read_decision(run) == decision
    new, old = decision.candidate("eighth"), decision.candidate("shared")
    assert (new.rule, new.nested.figures) == (old.rule, old.nested.figures)
    assert "eighth" in decision.reason
    assert "the new sentence" in build_report(run).read_text("utf-8")


def test_no_other_file_lists_the_kinds() -> None:
    """`gate`, `tuned` and `defaults` are other things too: a field of a rule, keys of intervals. Three kinds in one
    expression are a list of kinds, and a soft kind's name is nothing else."""
    listed = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path == SOURCE / "rule" / "kinds.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            texts = {part.value for part in ast.iter_child_nodes(node) if isinstance(part, ast.Constant)} & set(KINDS)
            soft = {name for name in texts if KINDS[name].soft}
            if soft or len(texts) > 2:
                listed.append(f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}: {sorted(texts)}")
    assert listed == []
