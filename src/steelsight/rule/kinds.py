"""How much of the rule is tuned: from nothing to everything, with a hard or a soft gate, and what the evidence bears."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.grid import Grids
from steelsight.rule.pixel_counts import Histograms, count
from steelsight.rule.search import SearchResult, search, search_gate, search_shared

RuleKind = Literal["defaults", "gate", "shared", "tuned", "soft-gate", "soft-shared", "soft-tuned"]
"""What is searched: nothing; the gate; the gate and one upper, lower and area for all classes; all of it per class. The
same with a soft gate, of which the softness is searched too."""

KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
"""From the simplest. Those with a soft gate come last: they save an inspector less of the segmenting, and have to earn it."""

SOFT: tuple[RuleKind, ...] = tuple(kind for kind in KINDS if kind.startswith("soft-"))


@dataclass(frozen=True, eq=False)
class CombinedOutputs:
    """What one choice of members says of every image.

    Attributes:
        histograms: uint32 (N, K, 2, 256), of the combined maps at the image's own size.
        p_defect: float64 (N,).
    """

    histograms: Histograms
    p_defect: NDArray[np.float64]


def kinds_of(grids: Grids) -> tuple[RuleKind, ...]:
    """The kinds that are searched on these grids, from the simplest."""
    if not grids.searched:
        return KINDS[:1]
    return KINDS if grids.softness else tuple(kind for kind in KINDS if kind not in SOFT)


def find_rule(
    kind: RuleKind, view: CombinedOutputs, grids: Grids, images: NDArray[np.intp] | None = None
) -> SearchResult:
    """The best rule of a kind on some images (None for all); `defaults` is the plain rule, with a curve over gates."""
    soft = kind in SOFT
    match kind:
        case "tuned" | "soft-tuned":
            return search(view.histograms, view.p_defect, grids, images, soft=soft)
        case "shared" | "soft-shared":
            return search_shared(view.histograms, view.p_defect, grids, images, soft=soft)
        case "gate" | "soft-gate":
            return search_gate(view.histograms, view.p_defect, grids, images, soft=soft)
        case "defaults":
            counts = count(view.histograms, view.p_defect, grids.plain, images)
            score = grids.objective.score(counts)
            return SearchResult(grids.plain, score, search_gate(view.histograms, view.p_defect, grids, images).gates)


def choose_kind(score: Mapping[RuleKind, float], noise: float = 0.001) -> RuleKind:
    """The simplest kind whose nested score is within the noise of the best: a richer one has to earn its numbers.

    >>> choose_kind({"defaults": 0.91, "gate": 0.92, "shared": 0.9205, "tuned": 0.90})
    'gate'
    """
    best = max(score.values())
    return next(kind for kind in KINDS if kind in score and score[kind] >= best - noise)
