"""How far two engines may lie apart and still say the same: the one place where that is defined; docs/inspector.md says why.

Sums of fp32 come out otherwise on each kind of processor, by about 1e-5 of a probability, and a pixel at a threshold flips.
"""

from steelsight.inspector.parity import Tolerance
from steelsight.verdicts.error_rates import MARGIN

PROBABILITY = MARGIN
"""By which a probability may differ: what a policy keeps between its bounds and the scores that they rest on. A decision may
differ where P(defect) lies as near to its threshold."""
LEVEL = 1 / 255
"""By which a network's map may differ: it is rounded to 8 bit, so that the smallest difference may show as one level."""
PIXELS = 3
"""By which two masks may differ, however small they are."""
DICE = 0.999
"""From which on two masks may differ by more pixels."""


def are_alike(pixels: int, dice: float) -> bool:
    """Whether two masks that differ in so many pixels count as the same.

    >>> are_alike(3, 0.5), are_alike(4, 0.998), are_alike(40, 0.999)
    (True, False, True)
    """
    return pixels <= PIXELS or dice >= DICE


TOLERANCE = Tolerance(p_defect=PROBABILITY, map=LEVEL, pixels=PIXELS, dice=DICE)
"""What an inspector in fp32 is held to."""
