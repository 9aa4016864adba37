"""The tested images by verdict: counts, the shares that are lost or seen by a person, and why a person sees them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.metrics.intervals import Interval, bootstrap_interval, exact_interval
from steelsight.plots.style import class_names
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Policy, VerdictAnswer
from steelsight.verdicts.severity import judge_severity

_ANSWERS: tuple[VerdictAnswer, ...] = ("pass", "review", "reject")


@dataclass(frozen=True)
class Share:
    """A share of the tested images or groups, with its 95 % interval.

    Attributes:
        of: the counts that it is made of.
    """

    name: str
    value: float
    interval: Interval
    of: str


@dataclass(frozen=True)
class TestedRow:
    """Images of one kind, and what becomes of them.

    Attributes:
        counts: images that pass, go to review and are rejected.
        marks: how each count is to be seen: `hit`, `miss` or `open`; empty where it is neither right nor wrong.
    """

    name: str
    images: int
    groups: int
    counts: tuple[int, int, int]
    marks: tuple[str, str, str]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the images of this kind; nan where there are none."""
        return tuple(count / self.images if self.images else float("nan") for count in self.counts)


def count_rows(tested: EvaluationSet, answers: NDArray[np.str_]) -> tuple[TestedRow, ...]:
    """Good images, defective ones, and where there are several classes those of each; where some are known by a label alone,
    also these."""
    defective, names = tested.defective, class_names(tested.classes)
    kinds = [("no defect", ~defective, ("hit", "open", "miss")), ("with a defect", defective, ("miss", "open", "hit"))]
    if len(names) > 1:
        kinds += [(name, tested.shows[:, at], ("", "", "")) for at, name in enumerate(names)]
    if tested.shown is not None:
        unnamed = tested.class_unknown & ~tested.shows.any(axis=1)
        kinds += [("class not known", unnamed, ("", "", ""))] if unnamed.any() else []
        kinds.append(("by a label alone", tested.label_alone, ("", "", "")))
    return tuple(
        TestedRow(
            name=name,
            images=int(chosen.sum()),
            groups=np.unique(tested.groups[chosen]).size,
            counts=_three(int((answers[chosen] == answer).sum()) for answer in _ANSWERS),
            marks=marks,
        )
        for name, chosen, marks in kinds
    )


def expected_shares(good: TestedRow, defective: TestedRow, share: float) -> tuple[float, ...] | None:
    """What becomes of strip with another share of defective images than the tested ones."""
    if not good.images or not defective.images:
        return None
    return tuple(share * bad + (1 - share) * fine for fine, bad in zip(good.shares, defective.shares, strict=True))


def shares_of(policy: Policy, tested: EvaluationSet, answers: NDArray[np.str_]) -> tuple[Share, Share, Share]:
    """Escapes and overkill, by twin groups, since their exact interval does not vanish where nothing is lost; and review, by
    images, since a person looks at each."""
    of = policy.outcome
    return (
        _share("Escapes", of.escaped_groups, of.defective_groups, len(of.escapes), "defective"),
        _share("Overkill", of.overkilled_groups, of.good_groups, len(of.overkills), "good"),
        _review_share(tested, answers),
    )


def _share(name: str, lost: int, groups: int, images: int, kind: str) -> Share:
    counted = f"{lost:,} of {groups:,} {kind} groups" + (f", {images:,} images" if images != lost else "")
    return Share(name, lost / groups if groups else float("nan"), exact_interval(lost, groups), counted)


def _review_share(tested: EvaluationSet, answers: NDArray[np.str_]) -> Share:
    """Images that a person sees; where it is all or none of them, groups say how far that may be off."""
    seen = answers == "review"
    interval = bootstrap_interval(seen.astype(np.float64), tested.groups)
    if seen.all() or not seen.any():
        groups = np.unique(tested.groups).size
        interval = exact_interval(groups if seen.any() else 0, groups)
    return Share("To a person", float(seen.mean()), interval, f"{int(seen.sum()):,} of {seen.size:,} images")


def why_review(policy: Policy, tested: EvaluationSet, answers: NDArray[np.str_]) -> tuple[tuple[str, int], ...]:
    """Why images go to review, the commonest first, in the order in which `give_verdict` asks."""
    counts: Counter[str] = Counter()
    for at in np.flatnonzero(answers == "review").tolist():
        height, width = tested.sizes[at].tolist()
        counted = None if tested.counted is None else int(tested.counted[at])
        severe = policy.severity and judge_severity(
            policy.severity, tested.classes, tested.regions[at], (height, width), counted
        )
        if tested.flagged[at]:
            counts["something about it is unusual"] += 1
        elif severe:
            counts["a severity rule asks for it"] += 1
        elif policy.pass_at is None:
            counts["no image passes"] += 1
        elif tested.p_defect[at] > policy.pass_at:
            counts["P(defect) is above the limit to pass"] += 1
        else:
            counts["P(defect) is low enough to pass, but a defect is marked"] += 1
    return tuple(counts.most_common())


def _three(counts: Iterable[int]) -> tuple[int, int, int]:
    passed, review, rejected = counts
    return passed, review, rejected
