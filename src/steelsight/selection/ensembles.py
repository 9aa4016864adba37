"""A choice of members, and what they say together of every image."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.imaging.combine import CutAt, combine_probabilities
from steelsight.recipe import GroupChoice, Member
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.decision import ALL
from steelsight.selection.histograms import Choice, MakeHistograms, image_histograms, prepare_histograms
from steelsight.selection.member_scores import Scores, names

Members = tuple[Member, ...]
Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, of)."""


@dataclass(frozen=True)
class Ensemble:
    """Who speaks for each fold: members of each step by fold."""

    classifiers: Mapping[int, Members]
    segmenters: Mapping[int, Members]

    def named(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        """Names of classifiers and segmenters by fold, or by "all" where the folds agree."""
        return _named(self.classifiers), _named(self.segmenters)


def _named(members: Mapping[int, Members]) -> dict[str, tuple[str, ...]]:
    by_fold = {str(fold): names(chosen) for fold, chosen in members.items()}
    distinct = set(by_fold.values())
    return {ALL: distinct.pop()} if len(distinct) == 1 else by_fold


@dataclass(frozen=True)
class EnsembleSelector:
    """Chooses teams from the members' scores.

    Attributes:
        evidence: of the run; its recipe says how many of each step, and whether once for all folds or per fold.
        classifiers, segmenters: scores of each step.
    """

    evidence: OutOfFoldPredictions
    classifiers: Scores
    segmenters: Scores

    def team(self) -> Ensemble:
        """As the recipe wants it: the best on all images, or for each fold the best on it."""
        folds = range(self.evidence.recipe.folds)
        if self.evidence.recipe.selection.scope == "fold":
            return self._team({fold: self.evidence.record.folds == fold for fold in folds})
        everything = np.ones(len(self.evidence.record.samples), np.bool_)
        return self._team(dict.fromkeys(folds, everything))

    def team_without(self, fold: int) -> Ensemble:
        """The best on the images outside a fold: one choice for every fold, whatever the recipe's scope, since nothing
        else can be known without it."""
        outside = self.evidence.record.folds != fold
        return self._team(dict.fromkeys(range(self.evidence.recipe.folds), outside))

    def _team(self, images: Mapping[int, NDArray[np.bool_]]) -> Ensemble:
        selection = self.evidence.recipe.selection
        return Ensemble(
            {fold: choose_members(self.classifiers, selection.classifiers, mask) for fold, mask in images.items()},
            {fold: choose_members(self.segmenters, selection.segmenters, mask) for fold, mask in images.items()},
        )


def choose_members(scores: Scores, chosen: int | GroupChoice, images: NDArray[np.bool_]) -> Members:
    """The members of a step, in the recipe's order: the best so many over some images, or all of a group and the best one of
    another; none where the step has none.

    Raises:
        UserError: no member of either group has evidence of every fold.
    """
    if isinstance(chosen, int):
        return scores.best(chosen, images)
    groups = {
        name: tuple(member for member in scores.members if member.group == name) for name in (chosen.all, chosen.best)
    }
    best = scores.best(1, images, groups[chosen.best]) if chosen.best is not None else ()
    members = {*names(groups[chosen.all]), *names(best)}
    if scores.members and not members:
        wanted = " or ".join(name for name in (chosen.all, chosen.best) if name)
        raise UserError(
            f"no member of the group {wanted} is trained on every fold; finish its jobs with `resume=`, or change the "
            "recipe's selection"
        )
    return tuple(member for member in scores.members if member.name in members)


@dataclass
class EnsembleOutputs:
    """What teams say; the last one asked for is kept, since the folds mostly choose alike.

    Attributes:
        evidence: of the run.
        progress: told of the images whose histograms are made.
        make: where those that are prepared are made; on this machine if left out.
    """

    evidence: OutOfFoldPredictions
    progress: Progress | None = None
    make: MakeHistograms | None = None
    _last: tuple[Ensemble, CombinedOutputs] | None = field(default=None, repr=False)

    def of(self, team: Ensemble) -> CombinedOutputs:
        """Histograms and P(defect) of every image, by the members of its fold; 1 where there is no classifier."""
        if self._last is None or self._last[0] != team:
            self._last = None  # so that two of them never stand in memory at once
            self._last = team, self._make(team)
        return self._last[1]

    def prepare(self, teams: Iterable[Ensemble]) -> None:
        """Make the histograms of all teams that will be asked for in one go: each map is read once for all of them."""
        choices: dict[int, list[Choice]] = {}
        for team in teams:
            for fold, members in team.segmenters.items():
                choices.setdefault(fold, []).extend(Choice(members, at) for at in self._cut_at())
        prepare_histograms(self.evidence, choices, self._tick(), self.make)

    def _make(self, team: Ensemble) -> CombinedOutputs:
        tick, in_blocks = self._tick(), None
        if "working" in self._cut_at():
            in_blocks = partial(image_histograms, self.evidence, team.segmenters, tick, "working")
        return CombinedOutputs(
            image_histograms(self.evidence, team.segmenters, tick), self._p_defect(team.classifiers), in_blocks
        )

    def _cut_at(self) -> tuple[CutAt, ...]:
        stated = self.evidence.recipe.rule
        return ("image", "working") if stated is not None and stated.at == "working" else ("image",)

    def _tick(self) -> Callable[[int, int], None] | None:
        progress = self.progress
        return None if progress is None else lambda done, of: progress("histograms of the combined maps", done, of)

    def _p_defect(self, classifiers: Mapping[int, Members]) -> NDArray[np.float64]:
        said = {
            member.name: self.evidence.probabilities(member) for chosen in classifiers.values() for member in chosen
        }
        p_defect = np.ones(len(self.evidence.record.samples))
        for fold, chosen in classifiers.items():
            for index in self.evidence.indices(fold) if chosen else ():
                p_defect[index] = combine_probabilities(
                    [float(said[name][index]) for name in names(chosen)], self.evidence.combine
                )
        return p_defect
