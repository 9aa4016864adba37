"""What is to be exported: read and checked before anything heavy is loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steelsight.cascade.sources import Source
from steelsight.export.images import images_for_parity, require
from steelsight.inspector.artifact import Precision
from steelsight.recipe import Recipe, choose_folds
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record
from steelsight.run.run import Run
from steelsight.selection.decision import Decision, MemberFold, read_decision
from steelsight.selection.run_policy import check_current, has_evidence, of_folds
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Policy

PARITY_IMAGES = 100
"""Of the run's own images, on which torch and the export are compared."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, of)."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A RUN, and what of it is wanted.

    Attributes:
        run, recipe, decision, record: the RUN.
        folds: whose networks.
        sources: images for parity.
        precision, max_dice_loss: as the user wants them.
        progress: is told what is being done.
        tested, policy: what the exported networks were tested on, and how they give verdicts; None: they give none.
    """

    run: Run
    recipe: Recipe
    decision: Decision
    record: Record
    folds: tuple[int, ...]
    sources: tuple[Source, ...]
    precision: Precision
    max_dice_loss: float
    progress: Progress
    tested: EvaluationSet | None
    policy: Policy | None

    @property
    def rule(self) -> Rule:
        """See `Decision.rule_of`."""
        return self.decision.rule_of(self.folds)

    @property
    def jobs(self) -> tuple[tuple[MemberFold, ...], tuple[MemberFold, ...]]:
        """Of the classifiers and of the segmenters."""
        return self.decision.jobs_of(self.folds)


def make_plan(
    run: Run, folds: str, precision: Precision, max_dice_loss: float, images: Sequence[str], progress: Progress
) -> Plan:
    """Read a RUN and find its images; see `steelsight.export.export.export_run`.

    Raises:
        UserError: a file of the run is missing or damaged, the run has no such fold, its decision rests on other evidence
            than it has now, or images are gone.
    """
    recipe, decision, record = run.recipe, read_decision(run), run.record
    evidence, chosen = OutOfFoldPredictions.of(run), choose_folds(folds, recipe.folds)
    # decisions of before do not say; and what is not there any more is no other evidence
    if decision.evidence and has_evidence(evidence, decision):
        check_current(evidence, decision)
    if precision != "fp32":
        require(run, record, f"`precision={precision}` is judged on them")
    sources = images_for_parity(run, record, images, PARITY_IMAGES)
    tested, policy = of_folds(evidence, decision, chosen, fp32=precision == "fp32", progress=progress) or (None, None)
    return Plan(
        run=run,
        recipe=recipe,
        decision=decision,
        record=record,
        folds=chosen,
        sources=sources,
        precision=precision,
        max_dice_loss=max_dice_loss,
        progress=progress,
        tested=tested,
        policy=policy,
    )
