"""The plain rule: what is used before anything is tuned, and what a tuned rule has to beat.

One set of values for all classes, near the reference's. It is not the rule that was published, which `paper.yaml` states.
"""

from collections.abc import Iterable
from statistics import median

from steelsight.rule.rule import Rule

GATE = 0.55
"""P(defect) that an image must exceed, as in the demonstration of the reference solution on its first fold; the score that it
published was reached with .8."""

UPPER = 178
"""The reference's .7 on the 8-bit grid: a probability above .7 is a value above 178.5, thus above 178."""

LOWER = 102
""".4 on the 8-bit grid, which the reference has for its classes 1 and 3 (.5 for the others)."""

AREA_SHARE = 800 / (256 * 1600)
"""The minimum area that the reference has for its commonest class, 3, as a share of the image: 200 pixels of 128 x 800, 0.2 %
(180, 260 and 500 for the others)."""


def plain_area(sizes: Iterable[tuple[int, int]]) -> int:
    """Minimum area in pixels for images of these (height, width): 0.2 % of the median image, at least 1.

    >>> plain_area([(256, 1600)])
    800
    """
    return max(1, round(AREA_SHARE * median(height * width for height, width in sizes)))


def plain_rule(classes: int, area: int) -> Rule:
    """The same plain values for every class.

    >>> plain_rule(2, 800)
    Rule(gate=0.55, softness=1.0, upper=(178, 178), lower=(102, 102), min_area=(800, 800))
    """
    return Rule(gate=GATE, upper=(UPPER,) * classes, lower=(LOWER,) * classes, min_area=(area,) * classes)
