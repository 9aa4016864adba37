"""`steelsight.Run`: decided anew, reported, asked and exported."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from steelsight import Inspector, Limits, Run, UserError


@pytest.mark.slow
def test_a_run_is_decided_anew_reported_and_asked(run: Run, tmp_path: Path) -> None:
    copied = Run.open(shutil.copytree(run.path, tmp_path / "run"))
    assert copied.decide(objective="defects", max_false_alarms=0.2).objective.max_false_alarms == 0.2
    assert copied.decide(rule="plain").kept == "defaults"
    tight = Limits(max_escape=0.5, max_overkill=0.5, confidence=0.6)
    rule = copied.decision.rule
    assert copied.decide_verdicts(tight).policy.wish == tight
    assert copied.decision.rule == rule
    refused: tuple[dict[str, Any], ...] = ({"rule": "best"}, {"objective": "dice"})
    for wrong in refused:
        with pytest.raises(UserError, match=f"`{next(iter(wrong))}=.*it must be one of"):
            copied.decide(**wrong)
    with pytest.raises(UserError, match="belongs to `objective=defects`"):
        copied.decide(objective="pooled", max_false_alarms=0.2)
    with pytest.raises(UserError, match="`max_false_alarms=2`: a share"):
        copied.decide(objective="defects", max_false_alarms=2)
    copied.report_page.unlink()
    assert copied.report() == copied.report_page
    assert copied.report_page.is_file()
    first, second = [sample.path for sample in copied.record.samples[:2]]
    judged = list(copied.predict([first, second.with_name("none.jpg")], folds=0))
    assert judged[0].verdict is not None
    assert judged[1].error is not None
    with pytest.raises(UserError):
        copied.predict([first], folds=7)


@pytest.mark.slow
def test_an_export_is_an_open_inspector(run: Run, tmp_path: Path) -> None:
    images = [sample.path for sample in run.record.samples[:3]]
    inspector = run.export(tmp_path / "inspector", folds=0, images=images)
    assert isinstance(inspector, Inspector)
    assert inspector.card.rule == run.decision.rule_of((0,))
    judged = inspector(images[0])
    (predicted,) = run.predict(images[:1], folds=0)
    assert judged.p_defect == pytest.approx(predicted.p_defect, abs=1e-3)
