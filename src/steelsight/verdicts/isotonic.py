"""The nearest rising function, and its value between the levels that it is given by."""

import numpy as np
from numpy.typing import NDArray


def pool_adjacent_violators(
    levels: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rising function nearest to `values` in weighted squares, as the first and the last level of each flat block.

    Source: pooling adjacent violators, Barlow et al., "Statistical inference under order restrictions" (1972).

    Args:
        levels: (n,), ascending.
        values, weights: (n,), weights above 0.

    Returns:
        Levels, strictly ascending, and the value at each.

    >>> levels, values = pool_adjacent_violators(np.arange(4.0), np.array([0, 3, 1, 5.0]), np.ones(4))
    >>> levels.tolist(), values.tolist()
    ([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 2.0, 5.0])
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, last place
    for place, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        while blocks and blocks[-1][0] >= value:
            mean, before, _ = blocks.pop()
            value = (mean * before + value * weight) / (before + weight)
            weight += before
        blocks.append((value, weight, place))
    last = np.array([end for _, _, end in blocks])
    first = np.concatenate([[0], last[:-1] + 1])
    ends, at = np.unique(np.stack([first, last], axis=1), return_index=True)
    return levels[ends], np.array([mean for mean, _, _ in blocks])[at // 2]


def straight_lines(
    p: NDArray[np.float64], levels: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The value at each p: straight lines between the levels, flat beyond them.

    It never falls by a rounding, which numpy.interp may do just below a level.

    Args:
        p: any shape.
        levels: (n,), strictly ascending, n at least 1.
        values: (n,), never falling.
    """
    right = np.clip(np.searchsorted(levels, p, side="right"), 1, max(1, levels.size - 1))
    left, right = right - 1, np.minimum(right, levels.size - 1)
    width = np.where(levels[right] > levels[left], levels[right] - levels[left], 1)
    part = np.clip((p - levels[left]) / width, 0, 1)
    between = np.minimum(values[left] + part * (values[right] - values[left]), values[right])
    return np.asarray(np.where(part >= 1, values[right], between), np.float64)  # at a level, its value to the last bit
