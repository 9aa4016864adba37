"""What an exported inspector carries of its evidence: the tested images, and the verdict policy that they bear."""

import numpy as np

from steelsight.decision.choose import choose_policy
from steelsight.decision.policy import Policy
from steelsight.decision.tested import EvidenceKind, Tested
from steelsight.evidence.out_of_fold import OutOfFold
from steelsight.evidence.store import Evidence
from steelsight.evidence.team import Views
from steelsight.evidence.verdicts import gather_tested
from steelsight.export.plan import Plan


def tested_by(plan: Plan) -> Tested | None:
    """The images that the exported networks were tested on; None without classifiers, which verdicts rest on.

    One fold's networks, with the members and the rule that were chosen without it, are tested on exactly that fold.
    """
    if plan.decision.policy is None:
        return None
    evidence = Evidence(plan.run, plan.record, plan.recipe)
    judged = OutOfFold.of(evidence, plan.decision, Views(evidence, plan.progress))
    tested = gather_tested(judged, lambda done, of: plan.progress("defects of images with a mask", done, of))
    if len(plan.folds) == 1:
        tested = tested.only(np.flatnonzero(np.isin(tested.folds, plan.folds)))
    return tested.as_kind(_kind(plan, tested.kind))


def policy_for(plan: Plan, tested: Tested | None) -> Policy | None:
    """The run's policy where all folds are averaged; for one fold's networks what their own evidence bears."""
    former = plan.decision.policy
    if tested is None or former is None:
        return None
    if not len(plan.folds) == 1:
        return former.model_copy(update={"evidence": tested.kind})
    return choose_policy(tested, former.wish, former.severity)


def _kind(plan: Plan, kind: EvidenceKind) -> EvidenceKind:
    """Of the networks as they are deployed: the run's evidence is of fp32, and of each fold's networks alone."""
    if kind == "epoch-selected":
        return kind
    if plan.precision != "fp32":
        return "other-precision"
    return "own" if len(plan.folds) == 1 else kind
