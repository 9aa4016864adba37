"""Run-length encoding of masks: column-major runs, as the Severstal competition and COCO write them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of set pixels in column-major order (top to bottom, then left to right).

    Attributes:
        starts: int64 (n,), 0-based, ascending, non-overlapping.
        lengths: int64 (n,), each at least 1.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @cached_property
    def area(self) -> int:
        """Number of set pixels."""
        return int(self.lengths.sum())

    @classmethod
    def empty(cls) -> "Runs":
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))
