"""Policies for tests, made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.policy import Bound, Limits, Outcome, Policy
from steelsight.verdicts.severity import Severity

OUTCOME = Outcome(
    images=30,
    groups=20,
    defective_groups=8,
    good_groups=12,
    groups_per_class=(5, 3),
    passed=(1, 14),
    review=(2, 3),
    rejected=(9, 1),
    escaped_groups=1,
    overkilled_groups=1,
    escapes=("a.jpg",),
    overkills=("b.jpg",),
)


def make_statement(**changes: object) -> Bound:
    """A kept bound on escapes, or another one."""
    given = {
        "kind": "escape",
        "among": "defective",
        "defect_class": None,
        "limit": 0.05,
        "kept": True,
        "threshold": 0.04,
    }
    return Bound.model_validate({**given, "groups": 61, "lost": 0, "bound": 0.0479, "missing": None, **changes})


def make_policy(
    pass_at: float | None = 0.04,
    reject_at: float | None = 0.72,
    rules: Sequence[Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Policy:
    """A policy; `rules` are those of severity, at 0.5 mm per pixel."""
    severity = None if rules is None else Severity.model_validate({"mm_per_pixel": 0.5, "rules": rules})
    given = {
        "pass_at": pass_at,
        "reject_at": reject_at,
        "evidence": "own",
        "calibration": Calibration(),
        "severity": severity,
        "wish": Limits(),
        "statements": (),
        "outcome": OUTCOME,
    }
    return Policy.model_validate({**given, **changes})
