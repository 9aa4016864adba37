"""The verdict of an image: pass, review or reject, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from steelsight.decision.policy import Answer, Policy
from steelsight.regions import Region


@dataclass(frozen=True)
class Verdict:
    """What becomes of an image, and why, in one sentence without its final stop."""

    answer: Answer
    reason: str


def give_verdict(
    policy: Policy,
    classes: Sequence[str],
    p_defect: float,
    regions: Sequence[Region],
    size: tuple[int, int],
    flags: Sequence[str] = (),
) -> Verdict:
    """The verdict of one image.

    Args:
        classes: defect class names.
        p_defect: mean of the classifiers.
        regions: what the rule found.
        size: height and width of the image in pixels.
        flags: what about the image is unusual.
    """
    if policy.pass_at is not None and p_defect <= policy.pass_at and not regions and not flags:
        return Verdict("pass", f"P(defect) {p_defect:.4f} is at most {policy.pass_at:.4f}")
    return Verdict("review", "not judged further")
