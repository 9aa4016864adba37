"""Small masks and maps of any kind, and their regions by flooding."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

SHAPE = (5, 9)
MASKS = arrays.arrays(np.bool_, SHAPE)
MAPS = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 60, 61, 120, 200, 254, 255]))
TWINS = st.lists(st.tuples(MASKS, MAPS), min_size=1, max_size=3)


def regions_of(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Pixels that hang together by a side or a corner, by flooding."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    while left:
        region, edge = set(), [next(iter(left))]
        while edge:
            y, x = edge.pop()
            if (y, x) in left:
                left.remove((y, x))
                region.add((y, x))
                edge += [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        found.append(region)
    return found
