"""How much of the rule is tuned: from nothing to everything, with a hard or a soft gate, and what the evidence supports.

One table, `KINDS`, says all that there is to say of each kind. To add a kind, add a line to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from steelsight.rule.coarse_grid import stepped
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.search import GateScore, SearchResult, search, search_gate, search_shared

Searched = Literal["nothing", "gate", "gate and shared thresholds", "gate and thresholds of each class"]
"""What a kind searches; thresholds are upper, lower and minimum area, and stay plain where they are not searched."""


@dataclass(frozen=True)
class RuleKind:
    """One kind of rule.

    Attributes:
        name: in decision.json, in reports and in what the verbs print.
        searched: what its search changes; `rule.search` has a search for each on the full grid, and
            `rule.bootstrap_search` one on many draws at once.
        soft: whether the gate is soft, and its softness is searched too.
        says: what is searched, for the table of a report.
        phrase: a rule of this kind in words, for the sentence that says what was chosen.
    """

    name: str
    searched: Searched
    soft: bool
    says: str
    phrase: str


KINDS: dict[str, RuleKind] = {
    kind.name: kind
    for kind in (
        RuleKind("defaults", "nothing", False, "nothing: the plain rule", "the plain rule"),
        RuleKind("gate", "gate", False, "the gate", "the plain rule with a tuned gate"),
        RuleKind(
            "shared",
            "gate and shared thresholds",
            False,
            "the gate, and one upper, lower and area for all classes",
            "one set of thresholds for all classes",
        ),
        RuleKind(
            "tuned",
            "gate and thresholds of each class",
            False,
            "the gate, and upper, lower and area of each class",
            "a set of thresholds for each class",
        ),
        RuleKind(
            "soft-gate",
            "gate",
            True,
            "as gate, but soft: areas grow as P(defect) falls",
            "the plain rule with a tuned soft gate",
        ),
        RuleKind(
            "soft-shared",
            "gate and shared thresholds",
            True,
            "as shared, with a soft gate",
            "one set of thresholds for all classes, and a soft gate",
        ),
        RuleKind(
            "soft-tuned",
            "gate and thresholds of each class",
            True,
            "as tuned, with a soft gate",
            "a set of thresholds for each class, and a soft gate",
        ),
    )
}
"""By name, from the simplest. Those with a soft gate come last: they save an inspector less of the segmenting, and have to
earn it."""


PUBLISHED = "published"
"""The rule that the recipe states: judged and shown like the kinds, and taken only where a person asks for it."""

_STATED = RuleKind(
    PUBLISHED, "nothing", False, "nothing: the rule that the recipe states", "the rule that the recipe states"
)


def _known(name: str) -> str:
    if name not in (*KINDS, PUBLISHED):
        raise ValueError(f"no kind of rule; one of {', '.join((*KINDS, PUBLISHED))}")
    return name


def kind_named(name: str) -> RuleKind:
    """A kind, or the one that stands for the recipe's own rule."""
    return _STATED if name == PUBLISHED else KINDS[name]


KindName = Annotated[str, AfterValidator(_known)]
"""The name of a kind, as JSON holds it."""

PLAIN: KindName = "defaults"
"""The kind that searches nothing."""

SHARED: KindName = "shared"
"""Replaces the plain rule if a search is wanted and there are few images."""

RICHEST: KindName = "tuned"
"""Of those with a hard gate: shows why it was not kept where the plain rule is."""


def kinds_of(grids: Grids) -> tuple[KindName, ...]:
    """The kinds that are searched on these grids, from the simplest."""
    if not grids.searched:
        return (PLAIN,)
    return tuple(name for name, kind in KINDS.items() if grids.softness or not kind.soft)


def judged_kinds(grids: Grids) -> tuple[KindName, ...]:
    """The kinds that are judged: those that are searched, and the recipe's own rule where it states one."""
    return kinds_of(grids) if grids.stated is None else (*kinds_of(grids), PUBLISHED)


def find_rule(
    name: KindName, view: CombinedOutputs, grids: Grids, images: NDArray[np.intp] | None = None
) -> SearchResult:
    """The best rule of a kind on some images (None for all), with thresholds in the steps of the grids; the plain rule comes
    with a curve over gates."""
    if name == PUBLISHED:
        if grids.stated is None:
            raise ValueError("the recipe states no rule")
        return _as_it_is(view, replace(grids, plain=grids.stated), images)
    kind = KINDS[name]
    if grids.step > 1 and grids.places is None and "thresholds" in kind.searched:
        few = stepped(view, grids)
        found = find_rule(name, few.view, few.grids, images)
        points = tuple(GateScore(point.gate, point.score, few.fine(point.rule)) for point in found.gates)
        return SearchResult(few.fine(found.rule), found.score, points)
    match kind.searched:
        case "gate and thresholds of each class":
            return search(view.histograms, view.p_defect, grids, images, soft=kind.soft)
        case "gate and shared thresholds":
            return search_shared(view.histograms, view.p_defect, grids, images, soft=kind.soft)
        case "gate":
            return search_gate(view.histograms, view.p_defect, grids, images, soft=kind.soft)
        case "nothing":
            return _as_it_is(view, grids, images)


def _as_it_is(view: CombinedOutputs, grids: Grids, images: NDArray[np.intp] | None) -> SearchResult:
    """The plain rule of the grids, and what other gates would do to it."""
    rule = grids.plain
    gates = search_gate(view.cut_at(rule.at), view.p_defect, grids, images).gates
    return SearchResult(rule, grids.objective.score(view.count(rule, images)), gates)


def choose_kind(score: Mapping[KindName, float], noise: float = 0.001) -> KindName:
    """The simplest kind whose nested score is within the noise of the best: a richer one has to earn its numbers.

    >>> choose_kind({"defaults": 0.91, "gate": 0.92, "shared": 0.9205, "tuned": 0.90})
    'gate'
    """
    best = max(score.values())
    return next(name for name in KINDS if name in score and score[name] >= best - noise)
