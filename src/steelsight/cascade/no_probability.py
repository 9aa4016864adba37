"""Answers of networks that are no probability: nan, infinity, or a number outside of 0 to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import EngineNetwork

_ROUNDING = 1e-4  # a sigmoid in few bits may end so far beyond 0 and 1


@dataclass(frozen=True)
class NoProbability:
    """What a network answered in place of a probability.

    Attributes:
        step: 1 for a classifier, 2 for a segmenter.
        network: its name.
        answer: nan, infinite, or outside of [0, 1].
    """

    step: int
    network: str
    answer: float

    @property
    def sentence(self) -> str:
        """Why the image is not judged, without its final stop.

        >>> NoProbability(2, "unet:0", float("nan")).sentence.partition(": ")[2]
        'in step 2, segmenter unet:0 answered nan'
        """
        return f"the networks gave no probability for this image, so a person must look: {self.where}"

    @property
    def where(self) -> str:
        """Which network answered what."""
        kind = "classifier" if self.step == 1 else "segmenter"
        return f"in step {self.step}, {kind} {self.network} answered {self.answer:g}"


def odd_answers(said: NDArray[np.floating]) -> list[float | None]:
    """For each image, an answer that is no probability; None where all of them are.

    Args:
        said: of a network, (n,) or (n, classes, height, width).

    >>> odd_answers(np.array([[0.5, 1.0], [0.5, 1.5], [np.nan, 0.0]]))
    [None, 1.5, nan]
    """
    rows = said.reshape(len(said), -1)
    # nan is the least and the greatest of any numbers that it is among, and no comparison with it holds
    fine = (rows.min(axis=1) >= -_ROUNDING) & (rows.max(axis=1) <= 1 + _ROUNDING)
    return [None if ok else _first(row) for row, ok in zip(rows, fine.tolist(), strict=True)]


def find_odd(
    before: Sequence[NoProbability | None], said: NDArray[np.floating], network: EngineNetwork, step: int
) -> list[NoProbability | None]:
    """For each image, what was found before, else what this network answered in place of a probability."""
    return [
        known if known is not None or odd is None else NoProbability(step, network.name, odd)
        for known, odd in zip(before, odd_answers(said), strict=True)
    ]


def _first(row: NDArray[np.floating]) -> float:
    return float(row[~((row >= -_ROUNDING) & (row <= 1 + _ROUNDING))][0])
