"""Folds: which images are held out together. Twins never part; every fold has its share of every combination of classes.

What is stratified is the twin group, by one combination of classes:

1. A group whose images differ (a defect visible at one exposure and not at another) counts as its rarest combination,
   rarity being the number of groups that contain it: chance would soonest leave the rare ones out of a fold.
2. A combination of several classes found in fewer groups than there are folds counts as its rarest class alone.
3. Whatever is then still found in fewer groups than folds forms one stratum together. It may remain smaller than the
   number of folds; its groups then go to different folds.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample

_Combination = tuple[int, ...]
_RARE: _Combination = (-1,)


def assign_folds(samples: Sequence[Sample], groups: ArrayLike, folds: int, seed: int) -> NDArray[np.int64]:
    """Give every sample the number of the fold that holds it out.

    Args:
        samples: the labelled images.
        groups: integers (N,), the twin group of each sample as `twins.find_twins` numbers them.
        folds: how many folds, at least 2.
        seed: chooses between equally good assignments; the same seed gives the same folds.

    Returns:
        int64 (N,), 0 to folds - 1; every fold holds at least one group, and no group is split.

    Raises:
        UserError: fewer than two folds are asked for, or there are fewer groups than folds.
        ValueError: `groups` does not have one number per sample.
    """
    numbers = np.asarray(groups, np.int64)
    if numbers.shape != (len(samples),):
        raise ValueError(f"{len(samples)} samples need as many group numbers, not an array of shape {numbers.shape}")
    count = len(np.unique(numbers))
    if folds < 2:
        raise UserError(f"folds: {folds} is too few; cross-validation needs at least 2")
    if count < folds:
        raise UserError(
            f"folds: {folds} folds need at least {folds} groups of images that share no surface, and the {len(samples)} "
            f"images are of {count}; add images of other surfaces or coils, or ask for at most {count} folds"
            if count > 1
            else f"folds: all {len(samples)} images are of one group, and no network could be judged on images of a surface "
            "that it did not see; add images of other surfaces, or groups that tell the surfaces apart"
        )
    from sklearn.model_selection import StratifiedGroupKFold  # takes a second, and there may be too few images

    of_stratum = strata([sample.classes for sample in samples], numbers.tolist(), folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    assigned = np.empty(len(samples), np.int64)
    with warnings.catch_warnings():
        # The stratum of rule 3 may be small, and the user can do nothing about it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, held_out) in enumerate(splitter.split(of_stratum, of_stratum, numbers)):
            assigned[held_out] = fold
    return assigned


def strata(combinations: Sequence[_Combination], groups: Sequence[int], folds: int) -> NDArray[np.int64]:
    """The stratum number (N,) of every image: one per group, by the three rules above.

    >>> strata([(), (), (), (0,), (0,), (0, 1), (1,)], [0, 1, 2, 3, 4, 5, 5], 2).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    held: dict[int, set[_Combination]] = {}
    for combination, group in zip(combinations, groups, strict=True):
        held.setdefault(group, set()).add(combination)
    spread = Counter(combination for of_group in held.values() for combination in of_group)
    classes = Counter(index for of_group in held.values() for index in set().union(*of_group))
    chosen = {group: min(of_group, key=lambda c: (spread[c], c)) for group, of_group in held.items()}
    chosen = _reduced(
        chosen, folds, lambda c: (min(c, key=lambda index: (classes[index], index)),) if len(c) > 1 else c
    )
    chosen = _reduced(chosen, folds, lambda _: _RARE)
    order = {combination: number for number, combination in enumerate(sorted(set(chosen.values()) - {_RARE}))}
    return np.array([order.get(chosen[group], len(order)) for group in groups], np.int64)


def _reduced(
    chosen: dict[int, _Combination], folds: int, reduce: Callable[[_Combination], _Combination]
) -> dict[int, _Combination]:
    """Replace every combination that fewer groups than folds have chosen."""
    count = Counter(chosen.values())
    return {group: c if count[c] >= folds else reduce(c) for group, c in chosen.items()}
