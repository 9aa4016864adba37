"""How much an inspection needs a person: the review queue begins with the greatest doubt."""

from steelsight.verdicts.policy import VerdictAnswer

UNJUDGED = 1.0
"""Nothing is known of the image: it could not be read, or a network gave no probability for it."""


def doubt_of(verdict: VerdictAnswer | None, p: float) -> float:
    """Doubt of an image that was judged, in [0, 1]: how near P(defect) is to a half, and all that the policy left to a
    person before all that it decided.

    Args:
        verdict: None without a policy.
        p: P(defect) in [0, 1], calibrated where there is a policy.

    >>> doubt_of("review", 0.75), doubt_of("pass", 0.02), doubt_of(None, 0.5)
    (0.75, 0.02, 0.5)
    """
    near = 0.5 * (1 - abs(2 * p - 1))
    return round(0.5 + near if verdict == "review" else near, 6)
