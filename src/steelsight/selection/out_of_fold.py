"""Every image as the nested procedure judges it: by members and a rule that were chosen without its fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import counted_pixels
from steelsight.imaging.combine import combine_maps
from steelsight.imaging.regions import Region, find_regions
from steelsight.imaging.rle import Runs
from steelsight.metrics.defects import Defects, Matched, match_planes, match_runs
from steelsight.recipe import Recipe
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.rule.rule import Rule, masks
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.decision import Decision
from steelsight.selection.ensembles import Ensemble, EnsembleOutputs, Members
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind


@dataclass(frozen=True, eq=False)
class NestedOutputs:
    """What was said of every image of a run without its fold.

    Attributes:
        evidence: of the run.
        team: the members, by fold.
        rules: the rule, by fold.
        view: histograms and P(defect).
    """

    evidence: OutOfFoldPredictions
    team: Ensemble
    rules: Mapping[int, Rule]
    view: CombinedOutputs

    @classmethod
    def of(cls, evidence: OutOfFoldPredictions, decision: Decision, views: EnsembleOutputs) -> Self:
        """By the nested choices of a decision."""
        team = nested_team(evidence.recipe, decision)
        return cls(evidence, team, {of.fold: of.rule for of in decision.nested.folds}, views.of(team))

    def counts(self) -> PixelCounts:
        """Pixel counts of every image by the rule of its fold."""
        return counts_by_fold(self.view, self.rules, self.evidence.record.folds)

    def maps(self, index: int) -> NDArray[np.uint8]:
        """The combined map of an image at its own size, 0 where the image is ignored: uint8 (K, H, W)."""
        members = self.team.segmenters[int(self.evidence.record.folds[index])]
        sample = self.evidence.record.samples[index]
        maps = combine_maps(
            [self.evidence.map(member, index) for member in members],
            [member.preprocess for member in members],
            sample.size,
            self.evidence.combine,
            self.rules[int(self.evidence.record.folds[index])].at,
        )
        return sample.judged(maps)

    def masks(self, index: int) -> NDArray[np.bool_]:
        """The masks of an image: bool (K, H, W)."""
        return self._cut(index, self.maps(index))

    def regions(
        self, progress: Callable[[int, int], None] | None = None
    ) -> tuple[tuple[tuple[Region, ...], ...], Defects]:
        """The connected defects of every image, alone and held against the annotated ones; only maps of images with a mask
        are read.

        Args:
            progress: called with (images done, images with a mask).
        """
        marked = set(np.flatnonzero(self.counts().predicted.any(axis=1)).tolist())
        found: list[tuple[Region, ...]] = []
        matched: list[list[Matched]] = []
        done = 0
        for index, sample in enumerate(self.evidence.record.samples):
            if index not in marked:
                found.append(())
                matched.append([match_runs(runs, Runs.empty(), sample.size[0]) for runs in sample.runs])
                continue
            maps = self.maps(index)
            cut = self._cut(index, maps)
            found.append(
                tuple(
                    region for number, plane in enumerate(cut) for region in find_regions(number, plane, maps[number])
                )
            )
            matched.append([match_planes(*planes) for planes in zip(sample.mask(), cut, strict=True)])
            done += 1
            if progress:
                progress(done, len(marked))
        return tuple(found), Defects.gather(matched)

    def tested(self, progress: Callable[[int, int], None] | None = None) -> EvaluationSet:
        """All images of the run, as evidence for verdicts."""
        record = self.evidence.record
        regions, defects = self.regions(progress)
        return EvaluationSet(
            kind=evidence_kind(self.evidence.recipe),
            classes=record.classes,
            image_ids=tuple(sample.image_id for sample in record.samples),
            folds=record.folds,
            groups=record.groups,
            sizes=np.array([sample.size for sample in record.samples], np.int64).reshape(-1, 2),
            p_defect=self.view.p_defect,
            truth=self.view.histograms[:, :, 1].sum(axis=-1, dtype=np.int64),
            regions=regions,
            defects=defects,
            counted=counted_pixels(record.samples),
            grouped_by=record.grouped_by,
        )

    def _cut(self, index: int, maps: NDArray[np.uint8]) -> NDArray[np.bool_]:
        rule = self.rules[int(self.evidence.record.folds[index])]
        return masks(rule, float(self.view.p_defect[index]), maps)


def evidence_kind(recipe: Recipe) -> EvidenceKind:
    """What a run's evidence is worth: a member that kept the epoch that was best on the fold has seen it."""
    selected = any(member.keep.weights == "best" for member in recipe.members)
    return "epoch-selected" if selected else "cross-validated"


def nested_team(recipe: Recipe, decision: Decision) -> Ensemble:
    """The members that were chosen without each fold."""
    return Ensemble(
        {of.fold: named_members(recipe, of.classifiers) for of in decision.nested.folds},
        {of.fold: named_members(recipe, of.segmenters) for of in decision.nested.folds},
    )


def named_members(recipe: Recipe, names: Sequence[str]) -> Members:
    """The members of these names."""
    return tuple(recipe.member(name) for name in names)


def counts_by_fold(view: CombinedOutputs, rules: Mapping[int, Rule], folds: NDArray[np.int64]) -> PixelCounts:
    """Pixel counts of every image by the rule of its fold."""
    intersection, predicted, truth = (np.zeros(view.histograms.shape[:2], np.int64) for _ in range(3))
    for fold, rule in rules.items():
        inside = np.flatnonzero(folds == fold)
        counts = view.count(rule, inside)
        intersection[inside], predicted[inside], truth[inside] = counts.intersection, counts.predicted, counts.truth
    return PixelCounts(intersection, predicted, truth)
