"""The verdict policy of a run, from its stored evidence."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from steelsight.core.errors import UserError
from steelsight.core.files import replacing
from steelsight.run.cache import evidence_key, key
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import Decision, deciding_alone, read_decision, write_decision
from steelsight.selection.ensembles import EnsembleOutputs, Progress
from steelsight.selection.out_of_fold import NestedOutputs
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import read_evaluation_set, write_evaluation_set
from steelsight.verdicts.policy import Limits, Policy, Unchanged
from steelsight.verdicts.severity import Severity


def decide_verdicts(
    run: Run, wish: Limits | None, severity: Severity | Unchanged | None, *, progress: Progress | None = None
) -> Decision:
    """Find the verdict policy of a run again, for the members and the rule that it has, and write RUN/decision.json.

    Args:
        wish: None for the one that the run has.
        severity: `keep` for the rules that the run has, None for none.
        progress: called with (what is being done, done, of).

    Raises:
        UserError: nothing is decided in the run yet, its evidence or data have changed since, or it has no classifier.
    """
    read_decision(run)  # a folder that is no decided run has no lock to hold
    with deciding_alone(run, progress):
        decision = read_decision(run)
        evidence = OutOfFoldPredictions.of(run)
        check_current(evidence, decision)
        judged = NestedOutputs.of(evidence, decision, EnsembleOutputs(evidence, progress))
        policy = policy_of(
            judged,
            decision,
            wish or former_wish(decision),
            former_severity(decision) if severity == "keep" else severity,
            progress,
        )
        if policy is None:
            raise UserError(
                f"{run.decision_file}: the run has no classifier, and verdicts need its P(defect); train a recipe that "
                "has one"
            )
        decision = decision.model_copy(update={"policy": policy})
        write_decision(run, decision)
        return decision


def policy_of(
    judged: NestedOutputs, decision: Decision, wish: Limits, severity: Severity | None, progress: Progress | None
) -> Policy | None:
    """The policy for what a run's images say; None without classifiers, since every P(defect) is then 1."""
    if not any(decision.classifiers.values()):
        return None
    return choose_policy(gather_tested(judged, _tick(progress)), wish, severity)


def former_wish(decision: Decision | None) -> Limits:
    """What was wished for when the run was last decided; else the default."""
    return Limits() if decision is None or decision.policy is None else decision.policy.wish


def former_severity(decision: Decision | None) -> Severity | None:
    """The severity rules that the run was last decided with."""
    return None if decision is None or decision.policy is None else decision.policy.severity


def of_folds(
    evidence: OutOfFoldPredictions,
    decision: Decision,
    folds: Sequence[int],
    *,
    fp32: bool = True,
    progress: Progress | None = None,
) -> tuple[EvaluationSet, Policy] | None:
    """What the networks of some folds were tested on, and the policy that goes with them; None where the run has none.

    One fold's networks, with the members and the rule that were chosen without it, are tested on exactly that fold; the
    policy is then what that fold alone supports. Several folds' networks together were not tested: they use the run's policy.

    Args:
        fp32: whether the networks are deployed as they were tested, in fp32.
    """
    if decision.policy is None:
        return None
    judged = NestedOutputs.of(evidence, decision, EnsembleOutputs(evidence, progress))
    tested = gather_tested(judged, _tick(progress))
    alone = len(folds) == 1
    kind = tested.kind
    if kind != "epoch-selected":
        kind = "other-precision" if not fp32 else "own" if alone else "cross-validated"
    tested = tested.as_kind(kind)
    if not alone:
        return tested, decision.policy.model_copy(update={"evidence": kind})
    tested = tested.only(np.flatnonzero(tested.folds == folds[0]))
    return tested, choose_policy(tested, decision.policy.wish, decision.policy.severity)


def gather_tested(judged: NestedOutputs, progress: Callable[[int, int], None] | None) -> EvaluationSet:
    """All images of a run as evidence for verdicts, kept under RUN/evidence/tested so that deciding again takes seconds.

    Args:
        progress: called with (images done, images with a mask), where they are made.
    """
    folder = judged.evidence.run.evaluation_folder(_key(judged))
    try:
        tested = read_evaluation_set(folder)
        if tested.defects is not None:  # as in what was kept before it was known
            return replace(tested, grouped_by=judged.evidence.record.grouped_by)
    except UserError:
        pass  # made below, outside of the handler: what goes wrong there has nothing to do with this
    tested = judged.tested(progress)
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        write_evaluation_set(temporary, tested)
    return tested


def _tick(progress: Progress | None) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, of: progress("defects of images with a mask", done, of)


def _key(judged: NestedOutputs) -> str:
    """16 hexadecimal digits that change with the evidence and with the rules."""
    said = [
        (fold, key(judged.evidence, [*judged.team.classifiers[fold], *judged.team.segmenters[fold]], fold), rule)
        for fold, rule in judged.rules.items()
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def has_evidence(evidence: OutOfFoldPredictions, decision: Decision) -> bool:
    """Whether the evidence of every member that took part in a decision is there."""
    took_part = (member for member in evidence.recipe.members if member.name not in decision.incomplete)
    return all(evidence.has(member, fold) for member in took_part for fold in range(evidence.recipe.folds))


def check_current(evidence: OutOfFoldPredictions, decision: Decision) -> None:
    """See that a decision was made on what the networks of the members that took part in it say now.

    Raises:
        UserError: it was not, as where a job was trained again since.
    """
    if not has_evidence(evidence, decision) or decision.evidence != evidence_key(evidence, decision.incomplete):
        raise UserError(
            f"{evidence.run.decision_file}: rests on other evidence than the run has now; run `steelsight decide "
            f"{evidence.run}` without options first"
        )
