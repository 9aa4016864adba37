"""What each member adds, and what the gate takes away, at the kept rule."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from steelsight.metrics.dice import pair_dice
from steelsight.recipe import Member
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.pixel_counts import count_ungated
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.decision import Contribution, GateLoss, MaskFigures
from steelsight.selection.ensembles import Ensemble, EnsembleOutputs, Members, Progress


def gate_loss(evidence: OutOfFoldPredictions, view: CombinedOutputs, rule: Rule) -> GateLoss:
    """Hold the rule against the same rule without its gate."""
    with_gate = view.count(rule)
    without = count_ungated(view.cut_at(rule.at), rule)
    defective = with_gate.truth > 0
    lost = (view.p_defect <= rule.gate) & defective.any(axis=1)
    gated, ungated = (pair_dice(of.intersection, of.predicted, of.truth) for of in (with_gate, without))
    return GateLoss(
        defective_images=int(lost.sum()),
        image_ids=tuple(evidence.record.samples[index].image_id for index in np.flatnonzero(lost)),
        pairs=int(defective[lost].sum()),
        dice_lost=float((ungated - gated)[defective].sum() / defective.size),
        false_alarms_stopped=int((~defective & (without.predicted > 0) & (with_gate.predicted == 0)).sum()),
        dice_without=float(ungated.mean()),
    )


def contributions(
    views: EnsembleOutputs, team: Ensemble, rule: Rule, progress: Progress | None = None
) -> tuple[Contribution, ...]:
    """Judge the ensemble without each member, and each member alone, at one rule; a fold that would be left without a
    member of the step keeps those it has."""
    tasks = _tasks(views.evidence, team)
    found = []
    for done, (step, chosen, member) in enumerate(tasks):
        if progress:
            progress("what each member adds", done, len(tasks))
        found.append(_contribution(views, team, rule, step, chosen, member))
    return tuple(found)


def compared_teams(evidence: OutOfFoldPredictions, team: Ensemble) -> list[Ensemble]:
    """The teams that `contributions` asks for."""
    return [
        _with(team, step, members)
        for step, chosen, one in _tasks(evidence, team)
        if not _is_alone(chosen, one)
        for members in _less_and_only(chosen, one)
    ]


Task = tuple[Literal["classify", "segment"], Mapping[int, Members], Member]
"""A step, its members by fold, and the one of them that is looked at."""


def _tasks(evidence: OutOfFoldPredictions, team: Ensemble) -> list[Task]:
    steps: tuple[tuple[Literal["classify", "segment"], Mapping[int, Members]], ...] = (
        ("classify", team.classifiers),
        ("segment", team.segmenters),
    )
    return [
        (step, chosen, member)
        for step, chosen in steps
        for member in evidence.members(step)
        if any(member in members for members in chosen.values())
    ]


def _is_alone(chosen: Mapping[int, Members], one: Member) -> bool:
    return all(set(members) == {one} for members in chosen.values())


def _less_and_only(chosen: Mapping[int, Members], one: Member) -> tuple[dict[int, Members], dict[int, Members]]:
    """The members by fold without one, where any are left, and that one alone."""
    less = {fold: tuple(m for m in members if m != one) or members for fold, members in chosen.items()}
    return less, dict.fromkeys(chosen, (one,))


def _contribution(
    views: EnsembleOutputs,
    team: Ensemble,
    rule: Rule,
    step: Literal["classify", "segment"],
    chosen: Mapping[int, Members],
    one: Member,
) -> Contribution:
    if _is_alone(chosen, one):
        return Contribution(
            member=one.name,
            step=step,
            without_dice=None,
            without_defective_dice=None,
            alone_dice=None,
            alone_defective_dice=None,
        )
    without, alone = (_figures(views, _with(team, step, members), rule) for members in _less_and_only(chosen, one))
    return Contribution(
        member=one.name,
        step=step,
        without_dice=without.dice,
        without_defective_dice=without.defective_dice,
        alone_dice=alone.dice,
        alone_defective_dice=alone.defective_dice,
    )


def _with(team: Ensemble, step: Literal["classify", "segment"], members: Mapping[int, Members]) -> Ensemble:
    return replace(team, classifiers=members) if step == "classify" else replace(team, segmenters=members)


def _figures(views: EnsembleOutputs, team: Ensemble, rule: Rule) -> MaskFigures:
    view = views.of(team)
    return MaskFigures.of(view.count(rule))
