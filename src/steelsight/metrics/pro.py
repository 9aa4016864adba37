"""Per-region overlap (PRO): the share of each annotated defect that is covered, small ones counting as much as large ones."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LIMIT = 0.3
"""Greatest false positive rate of the area under the curve, as in MVTec AD."""


class Pro(NamedTuple):
    """From the strictest threshold to the loosest, float64 (n,) each, beginning with nothing marked.

    Attributes:
        false_positive_rate: share of the pixels outside of every defect that are marked.
        overlap: mean over the annotated defects of the share of their pixels that is marked; nan where there are none.
    """

    false_positive_rate: NDArray[np.float64]
    overlap: NDArray[np.float64]

    def area(self, limit: float = LIMIT) -> float:
        """Area under the curve up to a false positive rate, over that rate: in [0, 1], nan where there is no defect.

        Between thresholds the curve is straight.

        >>> Pro(np.array([0, 0.25, 1]), np.array([0, 1, 1.0])).area(0.5)
        0.75
        """
        rate, overlap = self
        if rate[-1] != rate[-1]:  # no pixel lies outside
            return float("nan")
        past = int(np.searchsorted(rate, limit))  # of several points at the limit, the first is where the area ends
        part = (limit - rate[past - 1]) / (rate[past] - rate[past - 1])
        end = overlap[past - 1] + part * (overlap[past] - overlap[past - 1])
        x, y = np.append(rate[:past], limit), np.append(overlap[:past], end)
        return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / limit)


def pro_curve(levels: NDArray[np.integer], background: NDArray[np.integer]) -> Pro:
    """The curve at every value of the 8-bit grid: a pixel is marked where its value is at least that.

    Source: Bergmann, Fauser, Sattlegger and Steger, "MVTec AD - A comprehensive real-world dataset for unsupervised anomaly
    detection" (2019) and, with Batzner, "The MVTec anomaly detection dataset" (2021).

    Args:
        levels: (n, 256), pixels of each annotated defect at each value of its class's map, each at least 1 in all.
        background: (256,), pixels outside of the defects of the class.
    """
    outside = np.concatenate([[0], np.cumsum(np.asarray(background, np.int64)[::-1])])
    covered = np.asarray(levels, np.int64)[:, ::-1].cumsum(axis=1)
    shares = covered / covered[:, -1:]
    overlap = np.full(levels.shape[1], np.nan) if not len(levels) else shares.mean(axis=0)
    whole = outside[-1] or np.nan
    return Pro(outside / whole, np.concatenate([[0.0], overlap]))
