"""From stored evidence to RUN/decision.json: members, rule, and the figures that speak for or against them."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.metrics.dice import pair_dice
from steelsight.metrics.intervals import bootstrap_interval, without_spread
from steelsight.recipe import Step
from steelsight.recipe.check_stated_rule import check_stated_rule
from steelsight.rule.bootstrap import find_stability
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import (
    KINDS,
    PLAIN,
    PUBLISHED,
    RICHEST,
    KindName,
    choose_kind,
    find_rule,
    judged_kinds,
    kind_named,
    kinds_of,
)
from steelsight.rule.nested import NestedResult, nested
from steelsight.rule.objective import Objective, ObjectiveName
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.rule.rule import Rule
from steelsight.rule.search import SearchResult
from steelsight.rule.stated_rule_on_grid import stated_rule
from steelsight.run.cache import evidence_key
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.contribution import compared_teams, contributions, gate_loss
from steelsight.selection.decision import (
    Candidate,
    Decision,
    FigureInterval,
    FoldRule,
    GatePoint,
    Intervals,
    MaskFigures,
    MemberScore,
    Nested,
    deciding_alone,
    read_decision,
    write_decision,
)
from steelsight.selection.ensembles import EnsembleOutputs, EnsembleSelector, Progress
from steelsight.selection.false_alarm_curve import found_against_alarms
from steelsight.selection.histograms import MakeHistograms
from steelsight.selection.member_scores import Scores, score_members
from steelsight.selection.out_of_fold import NestedOutputs
from steelsight.selection.run_policy import former_severity, former_wish, policy_of
from steelsight.selection.unfound import find_unfound
from steelsight.verdicts.policy import Limits, Unchanged
from steelsight.verdicts.severity import Severity

RuleSource = Literal["searched", "each-class", "plain", "published"]
"""Where the rule that is used comes from: the search among all kinds or of thresholds for each class, `rule/plain_rule.py`,
or the recipe."""

_TAKEN: dict[RuleSource, KindName | None] = {
    "searched": None,
    "each-class": RICHEST,
    "plain": PLAIN,
    "published": PUBLISHED,
}


def decide(
    run: Run,
    *,
    gate: float | None = None,
    objective: Objective | None = None,
    rule: RuleSource = "searched",
    wish: Limits | None = None,
    severity: Severity | Unchanged | None = "keep",
    progress: Progress | None = None,
    make: MakeHistograms | None = None,
) -> Decision:
    """Choose members and rule from the evidence of a run, judge the choice nested, find the verdict policy, and write
    RUN/decision.json.

    Args:
        run: a training whose jobs are done.
        gate: search at this gate alone; None for the gates of the recipe.
        objective: what the rule is searched for; None for the recipe's.
        rule: search it among all kinds, or with thresholds for each class, whatever the other kinds are worth; or take the
            plain one or the one that the recipe states, without any search.
        wish: what verdicts are to keep to; None for what the run has, or else the default.
        severity: rules on what was found; `keep` for those that the run has.
        progress: called with (what is being done, done, of).
        make: where histograms of the combined maps are made; on this machine if left out.

    Raises:
        UserError: no run, evidence missing, no segmenter, a gate outside [0, 1], or a recipe that states no rule.
    """
    if gate is not None and not 0 <= gate <= 1:
        raise UserError(f"`gate={gate}`: a gate is a probability; give a number from 0 to 1")
    if gate is not None and rule == "published":
        raise UserError(f"`gate={gate}`: the published rule has a gate of its own; leave one of the two out")
    evidence = OutOfFoldPredictions.of(run)
    if rule == "published" and evidence.recipe.rule is None:
        raise UserError(
            f"`rule=published`: {run.recipe_file} states no rule; take another, or train with a recipe that has the key rule "
            "(docs/recipes.md)"
        )
    _check_complete(evidence)
    with deciding_alone(run, progress):
        record, recipe = evidence.record, evidence.recipe
        search, has_classifier = recipe.search, any(member.step == "classify" for member in recipe.members)
        grids = Grids.of(
            search.gates,
            search.area_ratio,
            (sample.size for sample in record.samples),
            len(record.classes),
            search.softness if has_classifier else (),  # where P(defect) is 1 everywhere, a soft gate is a hard one
            objective or Objective(aim=search.objective, max_false_alarms=search.max_false_alarms),
            search.upper,
            max(1, round(255 * search.threshold_step)),
        )
        grids = replace(grids, searched=rule in ("searched", "each-class"), stated=_stated(evidence))
        taken = _TAKEN[rule]
        if gate is not None:
            grids = grids.at_gate(gate)
        selector = EnsembleSelector(evidence, *(_scores(evidence, step, progress) for step in ("classify", "segment")))
        views, team = EnsembleOutputs(evidence, progress, make), selector.team()
        without = [selector.team_without(fold) for fold in range(recipe.folds)]
        views.prepare([team, *without, *compared_teams(evidence, team)])
        judged = nested(
            lambda fold: views.of(without[fold]),
            record.folds,
            record.groups,
            grids,
            None if progress is None else lambda done, of: progress("rule, nested: folds judged", done, of),
            taken,
        )
        decision = _decide(selector, views, grids, judged, taken, progress)
        former = _former(run)
        rules = former_severity(former) if severity == "keep" else severity
        said = NestedOutputs.of(evidence, decision, views)
        policy = policy_of(said, decision, wish or former_wish(former), rules, progress)
        unfound = find_unfound(decision, record.groups, judged.chosen, said.view.histograms)
        decision = decision.model_copy(update={"policy": policy, "unfound": unfound})
        write_decision(run, decision)
        return decision


def _stated(evidence: OutOfFoldPredictions) -> Rule | None:
    """The rule that the recipe states, on the 8-bit grid and in pixels of the images."""
    recipe, record = evidence.recipe, evidence.record
    if recipe.rule is None:
        return None
    enlargement = check_stated_rule(recipe, len(record.classes), [sample.size for sample in record.samples])
    return stated_rule(recipe.rule, len(record.classes), enlargement)


def _former(run: Run) -> Decision | None:
    """What was decided before; None where that is nothing that this version reads."""
    try:
        return read_decision(run)
    except UserError:
        return None


def _decide(
    selector: EnsembleSelector,
    views: EnsembleOutputs,
    grids: Grids,
    judged: NestedResult,
    taken: KindName | None,
    progress: Progress | None,
) -> Decision:
    record, team = selector.evidence.record, selector.team()
    incomplete = _incomplete(selector.evidence)
    view = views.of(team)
    found: dict[KindName, SearchResult] = {}
    kinds = judged_kinds(grids)
    for done, kind in enumerate(kinds, 1):
        found[kind] = find_rule(kind, view, grids)
        if progress:
            progress("rule, on all images: kinds searched", done, len(kinds))
    counts = {kind: view.count(result.rule) for kind, result in found.items()}
    scores = {kind: grids.objective.score(judged.counts[kind]) for kind in kinds}
    kept = taken or choose_kind({kind: scores[kind] for kind in kinds_of(grids)}, grids.objective.noise)
    moving = RICHEST if kept == PLAIN else kept  # why it was not kept
    stability = None
    if grids.searched:
        stability = find_stability(
            moving,
            found[moving].rule,
            view,
            record.groups,
            grids,
            None if progress is None else lambda done, of: progress("stability of the thresholds: draws", done, of),
        )
    rule = found[kept].rule
    figures = MaskFigures.of(counts[kept])
    lost = gate_loss(selector.evidence, view, rule)
    del view  # the contributions make their own; two at once would double the peak
    classifiers, segmenters = team.named()
    return Decision(
        fingerprint=record.fingerprint,
        evidence=evidence_key(selector.evidence, incomplete),
        classes=record.classes,
        classifiers=classifiers,
        segmenters=segmenters,
        incomplete=incomplete,
        member_scores=(*_member_scores(selector, "classify"), *_member_scores(selector, "segment")),
        kept=kept,
        reason=_reason(kept, scores, judged.counts[kept], grids, asked=taken is not None),
        rule=rule,
        figures=figures,
        nested=_nested(selector, judged.chosen, judged.kinds, judged),
        defaults=MaskFigures.of(counts[PLAIN]),
        candidates=tuple(_candidate(selector, kind, found[kind].rule, counts[kind], judged) for kind in kinds),
        floor=figures.floor,
        floor_per_class=figures.floor_per_class,
        intervals={
            "tuned": _intervals(counts[kept], record.groups),
            "nested": _intervals(judged.chosen, record.groups),
            "defaults": _intervals(judged.counts[PLAIN], record.groups),
            **({"published": _intervals(judged.counts[PUBLISHED], record.groups)} if PUBLISHED in kinds else {}),
        },
        gate_curve=tuple(GatePoint(gate=point.gate, score=point.score) for point in found[kept].gates),
        gate_loss=lost,
        contributions=contributions(views, team, rule, progress),
        stability=stability,
        objective=grids.objective,
        combine=selector.evidence.combine,
        scores={
            aim: Objective(aim=aim, max_false_alarms=grids.objective.max_false_alarms).score(judged.chosen)
            for aim in get_args(ObjectiveName)
        },
        curve=found_against_alarms(kept, lambda fold: views.of(selector.team_without(fold)), record.folds, grids),
    )


def _check_complete(evidence: OutOfFoldPredictions) -> None:
    record, recipe = evidence.record, evidence.recipe
    words: dict[Step, str] = {"classify": "classifier", "segment": "segmenter"}
    for step, word in words.items():
        planned = [member.name for member in evidence.recipe.members if member.step == step]
        if not planned and step == "segment":
            raise UserError(
                f"{evidence.run.recipe_file}: no member has step segment, and a rule cuts masks; "
                "train a recipe that has a segmenter"
            )
        if planned and not evidence.members(step):
            raise UserError(
                f"{evidence.run}: no {word} is trained on every fold; finish the jobs with "
                f"`{command('train', record.root, recipe=recipe.name, out=evidence.run.path, resume=True)}`"
            )


def _incomplete(evidence: OutOfFoldPredictions) -> tuple[str, ...]:
    complete = {member.name for step in ("classify", "segment") for member in evidence.members(step)}
    return tuple(member.name for member in evidence.recipe.members if member.name not in complete)


def _scores(evidence: OutOfFoldPredictions, step: Step, progress: Progress | None) -> Scores:
    return score_members(
        evidence, step, None if progress is None else lambda done, of: progress("scores of the members", done, of)
    )


def _member_scores(selector: EnsembleSelector, step: Step) -> list[MemberScore]:
    scores = selector.classifiers if step == "classify" else selector.segmenters
    folds = selector.evidence.record.folds
    overall = scores.mean(np.ones(len(folds), np.bool_))
    per_fold = np.array([scores.mean(folds == fold) for fold in range(selector.evidence.recipe.folds)])
    return [
        MemberScore(
            member=member.name,
            step=step,
            score=_number(overall[row]),
            per_fold=tuple(_number(value) for value in per_fold[:, row]),
        )
        for row, member in enumerate(scores.members)
    ]


def _candidate(
    selector: EnsembleSelector, kind: KindName, rule: Rule, counts: PixelCounts, judged: NestedResult
) -> Candidate:
    return Candidate(
        kind=kind,
        rule=rule,
        figures=MaskFigures.of(counts),
        nested=_nested(selector, judged.counts[kind], (kind,) * len(judged.folds), judged),
    )


def _nested(
    selector: EnsembleSelector, counts: PixelCounts, kinds: tuple[KindName, ...], judged: NestedResult
) -> Nested:
    folds = []
    for place, (fold, kind) in enumerate(zip(judged.folds, kinds, strict=True)):
        team = selector.team_without(fold)
        inside = selector.evidence.record.folds == fold
        figures = MaskFigures.of(
            PixelCounts(counts.intersection[inside], counts.predicted[inside], counts.truth[inside])
        )
        folds.append(
            FoldRule(
                fold=fold,
                images=figures.images,
                kind=kind,
                classifiers=tuple(member.name for member in team.classifiers[fold]),
                segmenters=tuple(member.name for member in team.segmenters[fold]),
                rule=judged.rules[kind][place],
                dice=figures.dice,
                defective_dice=figures.defective_dice,
            )
        )
    return Nested(figures=MaskFigures.of(counts), folds=tuple(folds))


def _intervals(counts: PixelCounts, groups: NDArray[np.int64]) -> Intervals:
    dice = pair_dice(counts.intersection, counts.predicted, counts.truth)
    defective = counts.truth > 0
    parts = np.stack([np.where(defective, dice, 0.0).sum(axis=1), defective.sum(axis=1)], axis=1)
    of_image = dice.mean(axis=1)
    low, high = without_spread(of_image, np.ones(len(dice)), groups) or bootstrap_interval(of_image, groups)
    least, most = without_spread(parts[:, 0], parts[:, 1], groups) or bootstrap_interval(
        parts, groups, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum()
    )
    return Intervals(
        dice=FigureInterval(low=_number(low), high=_number(high)),
        defective_dice=FigureInterval(low=_number(least), high=_number(most)),
    )


def _reason(kept: KindName, scores: dict[KindName, float], nested: PixelCounts, grids: Grids, *, asked: bool) -> str:
    """Which kind is chosen, with its nested figures, and why, without the final stop."""
    objective = grids.objective
    pairs = nested.truth > 0
    found = f"finds {int((pairs & (nested.intersection > 0)).sum())} of {int(pairs.sum())} pairs with a defect"
    score = "Dice" if objective.aim == "competition" else f"{objective.aim} score"
    chosen = f"Chosen: {kind_named(kept).phrase} ({score} {scores[kept]:.4f}; {found})"
    if not grids.searched:
        return f"{chosen}. You asked for it, without a search. The score is nested: {objective.name}"
    figures, noise = ", ".join(f"{kind} {value:.4f}" for kind, value in scores.items()), f"{objective.noise:g}"[1:]
    if asked:
        why = "You asked for this kind of rule"
    elif kept == PLAIN:
        why = f"No tuned rule gains more than {noise} on folds that it was not tuned on"
    elif KINDS[kept].soft:
        why = f"It is the simplest within {noise} of the best, and no rule with a hard gate is"
    else:
        why = f"It is the simplest within {noise} of the best"
    return f"{chosen}. {why}. The scores are nested: {objective.name}: {figures}"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
