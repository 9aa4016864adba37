"""Things that are joined pair by pair, and the groups that come of it."""

import numpy as np
from numpy.typing import NDArray


class DisjointGroups:
    """Disjoint groups of the numbers 0 to n - 1."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._size = [1] * count

    def find(self, index: int) -> int:
        """The first member of the group of `index`."""
        while self._parent[index] != index:
            self._parent[index] = index = self._parent[self._parent[index]]
        return index

    def size(self, index: int) -> int:
        """Members of the group of `index`."""
        return self._size[self.find(index)]

    def join(self, a: int, b: int) -> None:
        """Make one group of the two that hold `a` and `b`."""
        low, high = sorted((self.find(a), self.find(b)))
        if low != high:
            self._parent[high] = low
            self._size[low] += self._size[high]

    def numbers(self) -> NDArray[np.int64]:
        """Group numbers (n,), counting from 0 in the order of the first members."""
        roots = [self.find(index) for index in range(len(self._parent))]
        order = {root: number for number, root in enumerate(dict.fromkeys(roots))}
        return np.array([order[root] for root in roots], np.int64)
