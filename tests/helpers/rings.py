"""Rings that are filled."""

from typing import Any

import numpy as np


def filled(rings: Any, size: Any) -> Any:
    """A pixel is inside where a line to its right crosses the rings an odd number of times."""
    crossed = np.zeros((size[0], size[1] + 1), np.bool_)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring, ring[1:] + ring[:1], strict=True):
            assert (x == next_x) != (y == next_y)
            if x == next_x:
                crossed[min(y, next_y) : max(y, next_y), x] ^= True
    return np.logical_xor.accumulate(crossed[:, ::-1], axis=1)[:, -2::-1]
