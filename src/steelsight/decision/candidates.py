"""How much of the rule is tuned: four kinds, from nothing to everything, and which of them the evidence bears."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from steelsight.decision.counts import Histograms, count
from steelsight.decision.grid import Grids
from steelsight.decision.search import SearchResult, search, search_gate, search_shared
from steelsight.metrics.dice import pair_dice

Kind = Literal["defaults", "gate", "shared", "tuned"]
"""What is searched: nothing; the gate; the gate and one upper, lower and area for all classes; all of it per class."""

KINDS: tuple[Kind, ...] = get_args(Kind)

NOISE = 0.001
"""A change of the competition's Dice below this is noise, by the experience of its strongest solutions."""


@dataclass(frozen=True, eq=False)
class View:
    """What one choice of members says of every image.

    Attributes:
        histograms: uint32 (N, K, 2, 256), of the combined maps at the image's own size.
        p_defect: float64 (N,).
    """

    histograms: Histograms
    p_defect: NDArray[np.float64]


def find_rule(kind: Kind, view: View, grids: Grids, images: NDArray[np.intp] | None = None) -> SearchResult:
    """The best rule of a kind on some images (None for all); `defaults` is the plain rule, with its curve over gates."""
    match kind:
        case "tuned":
            return search(view.histograms, view.p_defect, grids, images)
        case "shared":
            return search_shared(view.histograms, view.p_defect, grids, images)
        case "gate":
            return search_gate(view.histograms, view.p_defect, grids, images)
        case "defaults":
            counts = count(view.histograms, view.p_defect, grids.plain, images)
            dice = float(pair_dice(counts.intersection, counts.predicted, counts.truth).mean())
            return SearchResult(grids.plain, dice, search_gate(view.histograms, view.p_defect, grids, images).gates)


def choose_kind(dice: Mapping[Kind, NDArray[np.float64]], groups: NDArray[np.int64]) -> Kind:
    """The simplest kind that is not clearly below the best: a richer one has to earn its numbers.

    Clearly: by more than .001, and by more than one standard error of the difference between the two, over twin groups.
    On few images that error is wide, and little is tuned; on thousands it is below .001. Source: the one-standard-error
    rule of Breiman et al., "Classification and Regression Trees" (1984), section 3.4.3, with a paired difference.

    Args:
        dice: per kind, float64 (N,), the mean Dice of each image by a rule that was found without it.
        groups: int64 (N,).
    """
    best = dice[max(KINDS, key=lambda kind: float(dice[kind].mean()))]
    return next(kind for kind in KINDS if _gap(best - dice[kind], groups) <= NOISE)


def _gap(difference: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Mean of a difference per image; 0 where it is within its own standard error, over groups."""
    mean = float(difference.mean())
    _, place = np.unique(groups, return_inverse=True)
    spread = np.bincount(place, weights=difference - mean)
    return mean if mean > float(np.sqrt((spread**2).sum())) / len(difference) else 0.0
