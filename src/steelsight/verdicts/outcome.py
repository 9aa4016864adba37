"""What a policy makes of the images that it was tested on."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Outcome, Policy, VerdictAnswer
from steelsight.verdicts.verdict import Verdict, give_verdict

NOTHING = Outcome(
    images=0,
    groups=0,
    defective_groups=0,
    good_groups=0,
    groups_per_class=(),
    passed=(0, 0),
    review=(0, 0),
    rejected=(0, 0),
    escaped_groups=0,
    overkilled_groups=0,
    escapes=(),
    overkills=(),
)
"""Outcome of an empty test set."""


def give_verdicts(policy: Policy, tested: EvaluationSet) -> tuple[Verdict, ...]:
    """The verdict of every tested image."""
    counted = [None] * len(tested.image_ids) if tested.counted is None else tested.counted.tolist()
    unusual = ((),) * len(tested.image_ids) if tested.flags is None else tested.flags
    judged = zip(tested.p_defect.tolist(), tested.regions, tested.sizes.tolist(), unusual, counted, strict=True)
    return tuple(
        give_verdict(policy, tested.classes, p_defect, regions, (size[0], size[1]), flags, counted=area)
        for p_defect, regions, size, flags, area in judged
    )


def judge_outcome(policy: Policy, tested: EvaluationSet) -> Outcome:
    """Give every tested image its verdict, and count."""
    answers = np.array([verdict.answer for verdict in give_verdicts(policy, tested)], dtype="<U6")
    defective = tested.defective
    escapes, overkills = (answers == "pass") & defective, (answers == "reject") & ~defective

    def groups(chosen: NDArray[np.bool_]) -> int:
        return int(np.unique(tested.groups[chosen]).size)

    def images(answer: VerdictAnswer) -> tuple[int, int]:
        chosen = answers == answer
        return int((chosen & defective).sum()), int((chosen & ~defective).sum())

    def names(chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(tested.image_ids[index] for index in np.flatnonzero(chosen))

    return Outcome(
        images=answers.size,
        groups=groups(np.ones(answers.size, np.bool_)),
        defective_groups=groups(defective),
        good_groups=groups(~defective),
        groups_per_class=tuple(groups(column) for column in tested.shows.T),
        passed=images("pass"),
        review=images("review"),
        rejected=images("reject"),
        escaped_groups=groups(escapes),
        overkilled_groups=groups(overkills),
        escapes=names(escapes),
        overkills=names(overkills),
        label_alone=int(tested.label_alone.sum()),
        class_unknown=int((tested.class_unknown & ~tested.shows.any(axis=1)).sum()),
        flagged=int(tested.flagged.sum()),
        flags=dict(sorted(Counter(flag for one in tested.flags or () for flag in one).items())),
    )
