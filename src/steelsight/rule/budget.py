"""False alarms as a budget: how many each class may spend, so that together the classes gain most."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def share_out(
    fronts: Sequence[NDArray[np.float64]], least: float = 1e-9, budgets: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give each class its part of one budget. Exact: every way to share the budget out is covered.

    Args:
        fronts: per class, float64 (n, B + 1): the largest gain with at most 0..B spent, not falling along the second axis;
            the n rows are problems of their own.
        least: gains that differ by less are the same; of equal ones, the cheapest is taken.
        budgets: int64 (n,), of each problem, at most B; None where all have B.

    Returns:
        The largest total gain, float64 (n,), and what each class spends, int64 (classes, n).

    >>> total, spent = share_out([np.array([[0.0, 1.0, 1.0]]), np.array([[0.0, 0.5, 3.0]])])
    >>> total.tolist(), spent.tolist()
    ([3.0], [[0], [2]])
    """
    total = fronts[0]
    taken: list[NDArray[np.int64]] = []
    for front in fronts[1:]:
        best, own = total + front[:, :1], np.zeros(total.shape, np.int64)
        for spent in range(1, total.shape[1]):
            if np.array_equal(front[:, spent], front[:, spent - 1]):
                continue
            candidate = total[:, : total.shape[1] - spent] + front[:, spent : spent + 1]
            better = candidate > best[:, spent:] + least
            best[:, spent:][better] = candidate[better]
            own[:, spent:][better] = spent
        total = best
        taken.append(own)
    last = np.full(len(total), total.shape[1] - 1) if budgets is None else budgets
    left = _cheapest(total, np.take_along_axis(total, last[:, None], axis=1)[:, 0], least)
    most = np.take_along_axis(total, left[:, None], axis=1)[:, 0]
    shares = []
    for own in reversed(taken):
        spent_here = np.take_along_axis(own, left[:, None], axis=1)[:, 0]
        shares.append(spent_here)
        left = left - spent_here
    # what is left for the first class may be more than it needs
    worth = np.take_along_axis(fronts[0], left[:, None], axis=1)[:, 0]
    shares.append(_cheapest(fronts[0], worth, least))
    return most, np.stack(shares[::-1])


def _cheapest(front: NDArray[np.float64], worth: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """The least that has to be spent for a gain: int64 (n,)."""
    return np.asarray((front >= worth[:, None] - least).argmax(axis=1), np.int64)
