"""Votes of so few segmenters a fold that all folds together take another share of them: a threshold then means another."""

from steelsight.imaging.combine import needed
from steelsight.selection.decision import Decision


def share_of_all(networks: int) -> int:
    """How many networks would have to reach a value, were theirs the share that it is among many.

    >>> [share_of_all(networks) for networks in (1, 2, 3, 4, 10)]
    [1, 1, 1, 2, 4]
    """
    return max(1, round(0.4 * networks))


def uneven_votes(decision: Decision) -> str | None:
    """One sentence where a fold's segmenters vote by another share than those of all folds; None where they do not.

    One segmenter a fold is as it is meant: what one says of images that it did not see stands for the vote of all.
    """
    folds = [fold.fold for fold in decision.nested.folds]
    each = [len(decision.members_of(fold)[1]) for fold in folds]
    uneven = [networks for networks in each if needed(networks) != share_of_all(networks)]
    if decision.combine != "votes" or not uneven:
        return None
    few, every = min(uneven), sum(each)
    return (
        f"The rule was found on the value that {needed(few)} of a fold's {few} segmenters reach, and the inspector marks by "
        f"what {needed(every)} of all {every} reach: it marks more than the figures say. Train with a recipe whose "
        "`selection.segmenters` is 1, or 4 and more, or whose `selection.combine` is `logits`."
    )
