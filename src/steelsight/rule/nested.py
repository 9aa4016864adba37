"""The nested figure: everything that is chosen is chosen without the fold that it is judged on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.coarse_grid import coarse
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import PLAIN, KindName, choose_kind, find_rule, judged_kinds, kinds_of
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.rule.rule import Rule


@dataclass(frozen=True, eq=False)
class NestedResult:
    """Each kind of rule, and the choice among kinds, judged on folds that had no say in it.

    Attributes:
        folds: the folds, ascending.
        kinds: per fold, the kind chosen without it.
        rules: per kind, one rule per fold, found without it.
        counts: per kind, pixel counts of every image, each judged by its fold's rule.
        chosen: as `counts`, by the rule of the kind that was chosen without the fold: the whole procedure.
    """

    folds: tuple[int, ...]
    kinds: tuple[KindName, ...]
    rules: dict[KindName, tuple[Rule, ...]]
    counts: dict[KindName, PixelCounts]
    chosen: PixelCounts


def nested(
    view_without: Callable[[int], CombinedOutputs],
    folds: NDArray[np.int64],
    groups: NDArray[np.int64],
    grids: Grids,
    progress: Callable[[int, int], None] | None = None,
    taken: KindName | None = None,
) -> NestedResult:
    """Search without each fold, judge on it; the kind of rule is chosen by the same means among the other folds alone.

    That choice, most of the work, is made on the coarser grid of `rule/coarse_grid.py`; every rule that judges a fold is
    searched on the full one.

    Args:
        view_without: fold -> what the members say that were chosen without that fold.
        folds: int64 (N,), at least two distinct.
        groups: int64 (N,), twin groups; they split the rest in two where only one other fold is left to choose the kind
            on.
        grids: where to search.
        progress: called with (folds done, folds).
        taken: the kind that is used, whatever the others are worth; None: it is chosen.
    """
    numbers = [int(fold) for fold in np.unique(folds)]
    rules: dict[KindName, list[Rule]] = {kind: [] for kind in judged_kinds(grids)}
    parts: dict[KindName, list[PixelCounts]] = {kind: [] for kind in rules}
    kinds: list[KindName] = []
    for done, fold in enumerate(numbers):
        view, rest, judged = view_without(fold), np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for kind in rules:
            rule = find_rule(kind, view, grids, rest).rule
            rules[kind].append(rule)
            parts[kind].append(view.count(rule, judged))
        kinds.append(taken or _choose_on(view, rest, _split(folds[rest], groups[rest]), grids))
        if progress:
            progress(done + 1, len(numbers))
    place = [np.flatnonzero(folds == fold) for fold in numbers]
    return NestedResult(
        folds=tuple(numbers),
        kinds=tuple(kinds),
        rules={kind: tuple(found) for kind, found in rules.items()},
        counts={kind: _in_order(counts, place) for kind, counts in parts.items()},
        chosen=_in_order([parts[kind][number] for number, kind in enumerate(kinds)], place),
    )


def _choose_on(view: CombinedOutputs, images: NDArray[np.intp], parts: NDArray[np.int64], grids: Grids) -> KindName:
    """The kind to keep, each part of `images` being judged by the rule of the others; plain where there is one part."""
    if len(np.unique(parts)) < 2:
        return PLAIN
    few, place = coarse(view, grids), [np.flatnonzero(parts == part) for part in np.unique(parts)]
    score = {}
    for kind in kinds_of(grids):
        counts = []
        for judged in place:
            rule = find_rule(kind, few.view, few.grids, np.delete(images, judged)).rule
            counts.append(few.view.count(rule, images[judged]))
        score[kind] = grids.objective.score(_in_order(counts, place))
    return choose_kind(score, grids.objective.noise)


def _split(folds: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The folds where there are several, else every other twin group."""
    if len(np.unique(folds)) > 1:
        return folds
    _, rank = np.unique(groups, return_inverse=True)
    return np.asarray(rank, np.int64) % 2


def _in_order(parts: Iterable[PixelCounts], place: Iterable[NDArray[np.intp]]) -> PixelCounts:
    """Counts of folds, put back into the order of the images."""
    joined = list(parts)
    order = np.argsort(np.concatenate(list(place)), kind="stable")
    return PixelCounts(
        np.concatenate([part.intersection for part in joined])[order],
        np.concatenate([part.predicted for part in joined])[order],
        np.concatenate([part.truth for part in joined])[order],
    )
