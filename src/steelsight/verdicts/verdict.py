"""The verdict of an image: pass, review or reject, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

from steelsight.core.formatting import apart
from steelsight.imaging.regions import Region
from steelsight.verdicts.policy import Policy, VerdictAnswer
from steelsight.verdicts.severity import judge_severity
from steelsight.verdicts.what_was_seen import SeenKind, seen_text


@dataclass(frozen=True)
class Verdict:
    """The verdict of an image and its reason, a sentence without its final stop."""

    answer: VerdictAnswer
    reason: str


UNREADABLE = Verdict("review", "the image could not be read, so nothing is known about it")
"""The verdict of a file that is no image, or a damaged one."""


def give_verdict(
    policy: Policy,
    classes: Sequence[str],
    p_defect: float,
    regions: Sequence[Region],
    size: tuple[int, int],
    flags: Sequence[str] = (),
    *,
    counted: int | None = None,
) -> Verdict:
    """The verdict of one image: the first of these that holds.

    1. There is a flag: no test image was like this one, so nothing supports a verdict: review.
    2. A severity rule says reject, or P(defect) exceeds `reject_at`: reject.
    3. A severity rule says review: review.
    4. P(defect) exceeds `pass_at`, or no image passes at all: review.
    5. There is a region, although the classifiers would let the image pass: review.
    6. Else: pass. An image that passes has no mask.

    Args:
        classes: defect class names.
        p_defect: what the classifiers say together.
        regions: what the rule found.
        size: height and width of the image in pixels.
        flags: what about the image is unusual.
        counted: pixels of the image that count, of which a severity rule's % are; None: all.
    """
    if isnan(p_defect):
        return Verdict("review", "the classifiers gave no number for P(defect)")
    if flags:
        are = "is" if len(flags) == 1 else "are"
        return Verdict(
            "review",
            f"{_listed(flags)} {are} far outside the range of the training images, so no bound covers this image",
        )
    severe = judge_severity(policy.severity, classes, regions, size, counted) if policy.severity is not None else None
    if severe is not None and severe.answer == "reject":
        return Verdict(*severe)
    if policy.reject_at is not None and p_defect > policy.reject_at:
        p, bound = apart(p_defect, policy.reject_at)
        return Verdict("reject", f"P(defect) {p} exceeds {bound}{_what_shows_why(regions, classes)}")
    if severe is not None:
        return Verdict(*severe)
    if policy.pass_at is None:
        said = f"{_not_rejected(p_defect, policy.reject_at)} no image passes{_why_none(policy)}"
        return _with_seen(Verdict("review", said), "found", policy, classes, regions, size)
    if p_defect > policy.pass_at:
        verdict = Verdict("review", _between(p_defect, policy.pass_at, policy.reject_at))
        return _with_seen(verdict, "found", policy, classes, regions, size)
    p, bound = apart(p_defect, policy.pass_at)
    if regions:
        were = "was" if len(regions) == 1 else "were"
        return Verdict("review", f"P(defect) {p} is low enough to pass, yet {_found(regions, classes)} {were} found")
    return Verdict("pass", f"P(defect) {p} is at most {bound}, and nothing was found")


def say_suspected(
    verdict: Verdict,
    policy: Policy,
    classes: Sequence[str],
    suspected: Sequence[Region],
    size: tuple[int, int],
    *,
    is_faint: bool = False,
) -> Verdict:
    """The same verdict with what is suspected added to its reason; the reason of a pass stays as it is.

    Args:
        classes: defect class names.
        suspected, is_faint: see `steelsight.cascade.suspect`.
        size: height and width of the image in pixels.
    """
    if verdict.answer == "pass":
        return verdict
    kind: SeenKind = "strongest place" if is_faint else "suspected"
    return _with_seen(verdict, kind, policy, classes, suspected, size)


def say_nothing_seen(verdict: Verdict) -> Verdict:
    """The same verdict of an image in which no place is stronger than any other; that of a pass stays as it is."""
    if verdict.answer == "pass":
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; where to look is not known: the segmenters see nothing in it")


def _with_seen(
    verdict: Verdict,
    kind: SeenKind,
    policy: Policy,
    classes: Sequence[str],
    regions: Sequence[Region],
    size: tuple[int, int],
) -> Verdict:
    if not regions:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; {seen_text(kind, policy, classes, regions, size)}")


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _what_shows_why(regions: Sequence[Region], classes: Sequence[str]) -> str:
    if not regions:
        return ", by the classifiers alone: no region is large and likely enough for a mask"
    largest = max(regions, key=lambda region: region.area)
    of_class = len({region.class_index for region in regions}) > 1
    which = f" (class {classes[largest.class_index]})" if of_class else ""
    size = f"the largest{which} of {largest.area:,} px" if len(regions) > 1 else f"{largest.area:,} px"
    return f": {_found(regions, classes)}, {size}"


def _found(regions: Sequence[Region], classes: Sequence[str]) -> str:
    """`1 defect of class 3`, `4 defects of classes 1 and 3`."""
    *others, last = (classes[index] for index in sorted({region.class_index for region in regions}))
    count = f"{len(regions)} defect{'s' if len(regions) > 1 else ''}"
    return f"{count} of classes {', '.join(others)} and {last}" if others else f"{count} of class {last}"


def _not_rejected(p_defect: float, reject_at: float | None) -> str:
    if reject_at is None:
        return f"P(defect) {apart(p_defect)[0]}:"
    p, bound = apart(p_defect, reject_at)
    return f"P(defect) {p} does not exceed {bound}, and"


def _why_none(policy: Policy) -> str:
    """If there is no limit on escapes, the costs may be why no image passes."""
    unkept = any(statement.kind == "escape" and not statement.kept for statement in policy.statements)
    return ", since the test images do not support the limit on escapes" if unkept else " under this policy"


def _between(p_defect: float, pass_at: float, reject_at: float | None) -> str:
    if reject_at is None:
        p, low = apart(p_defect, pass_at)
        return f"P(defect) {p} lies above {low}, and no image is rejected for its P(defect) alone"
    p, low, high = apart(p_defect, pass_at, reject_at)
    return f"P(defect) {p} lies between {low} and {high}"
