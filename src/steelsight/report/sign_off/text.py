"""The verdict policy in plain sentences: what a bound lacks, what it means and when it no longer holds."""

from dataclasses import dataclass

import numpy as np

from steelsight.core.formatting import about, apart, at_most, percent
from steelsight.verdicts.policy import Bound, Limits, Policy
from steelsight.verdicts.text import another_text, group_text, groups_text, what_text


@dataclass(frozen=True)
class StatementRow:
    """One bound as a row of the table.

    Attributes:
        asked: the wish, such as `at most 5 % of the defective images pass`.
        needs: what P(defect) must be for this bound alone; a dash where no threshold keeps it.
        bound: what the test images promise, rounded up.
    """

    asked: str
    needs: str
    kept: bool
    groups: int
    lost: int
    bound: str


def statement_row(one: Bound, wish: Limits) -> StatementRow:
    """A row of the table of bounds."""
    sign = "≤" if one.kind == "escape" else ">"
    return StatementRow(
        asked=f"{_asked(one)}{_on_strip(one, wish)}",
        needs="–" if one.threshold is None else f"{sign} {apart(one.threshold, least=4)[0]}",
        kept=one.kept,
        groups=one.groups,
        lost=one.lost,
        bound=at_most(one.bound, one.limit),
    )


def shortfall(one: Bound, policy: Policy) -> str:
    """Why a limit is not kept: what the test images promise, how many more are needed, and what happens until then."""
    asked = f"“{_asked(one)[0].upper()}{_asked(one)[1:]}” cannot be kept"
    if one.kind == "escape" and not policy.outcome.good_groups:
        return (
            f"{asked}: no image without a defect was tested. No image passes; all go to a person. Test images without a "
            "defect as well."
        )
    lost = "missed" if one.kind == "escape" else "rejected"
    if one.missing is not None:
        needed = (
            f"For {percent(one.limit)} you need {one.missing:,} more, each of {another_text(policy.grouped_by)}, with none "
            f"{lost}."
        )
    elif one.kind == "escape":
        needed = "More of them would not help: hardly any good image passes."
    else:
        needed = "More of them would not help: hardly any defective image is rejected."
    if one.kind == "escape":
        until = "Until then no image passes: all that are not rejected go to a person."
    else:
        until = "Until then no image is rejected for its P(defect) alone: these images go to a person."
    return f"{asked}. {_promised(one, lost)} {needed} {until}"


def _promised(one: Bound, lost: str) -> str:
    kind = "good" if one.kind == "overkill" else "defective"
    of_class = "" if one.defect_class is None else f" with class {one.defect_class}"
    groups = f"{groups_text(one.groups, kind=f'{kind} ')}{of_class}"
    if not one.groups:
        return f"No {kind} group{of_class} was tested."
    if not one.lost:
        return f"{groups}, none {lost}, can only promise {at_most(one.bound)}."
    are = "is" if one.lost == 1 else "are"
    return f"{one.lost:,} of {groups} {are} {lost} at the strictest threshold, which can only promise {at_most(one.bound)}."


def what_bounds_mean(policy: Policy) -> tuple[str, ...]:
    """What a bound says and what it does not."""
    wrong = 100 * (1 - policy.wish.confidence)
    fair = (
        f"If the tested images are a fair sample of the strip to come, each kept bound holds with "
        f"{percent(policy.wish.confidence)} confidence: at most about {wrong:.3g} of a hundred such tests, each on new "
        "images, would promise too much."
    )
    return (
        fair if policy.is_guaranteed else f"Here each bound is an estimate. A guaranteed bound says: {fair}",
        "Each bound holds by itself. It is less certain that several hold together.",
        f"The unit is the group: {group_text(policy.grouped_by)}. It counts once, and is lost if any of its images is. A "
        "group with both good and defective images counts once on each side.",
        "The rates in the boxes are those of the tested images, and the thresholds were chosen on these images. The "
        "intervals do not allow for that; the bounds do. If they differ, rely on the bounds.",
        "A bound is about many images, never a single one. Defects that nobody marked in the test are not counted.",
        *_what_labels_mean(policy),
    )


def _what_labels_mean(policy: Policy) -> tuple[str, ...]:
    """What is different where labels of whole images count."""
    if not policy.outcome.label_alone:
        return ()
    said = [
        "A label without a mask is believed as it stands: the bounds are about what people called defective, or good."
    ]
    if policy.outcome.class_unknown and any(one.defect_class is not None for one in policy.statements):
        said.append(
            "A bound on a class is about groups in which somebody named that class. Defective images of unknown class add "
            "no group to it; where one belongs to such a group, it counts as if it showed the class."
        )
    return tuple(said)


def when_bounds_end(policy: Policy) -> tuple[str, ...]:
    """What makes every bound invalid."""
    ends = [
        "Other steel: another grade, finish or product, or defects of a kind or in a mix that was not tested.",
        "Another camera, lens, resolution, speed or light, or dirt on any of them.",
        "Changed networks, thresholds, severity rules or precision: decide again.",
        "Tested images that were picked by hand: a bound holds only for strip that they are a random sample of.",
    ]
    if policy.wish.defect_share is not None:
        stated = percent(policy.wish.defect_share)
        ends.append(
            f"A share of defective strip other than the stated {stated}, for every figure that rests on that share."
        )
    return tuple(ends)


def calibration_line(policy: Policy) -> str:
    """How P(defect) relates to the share of such images that are defective."""
    calibration = policy.calibration
    match calibration.kind:
        case "none":
            return "none; P(defect) is taken as it is"
        case "temperature":
            how = f"the logit of P(defect) divided by {calibration.temperature:.2f}"
        case "isotonic":
            how = "a rising curve that was fitted to the test images"
    named = {"pass": policy.pass_at, "reject": policy.reject_at}
    shares = ", ".join(
        f"{about(float(calibration.apply(np.array(end))))} at the {name} threshold"
        for name, end in named.items()
        if end is not None
    )
    said = (
        f"{calibration.kind}: {how} turns P(defect) into the share of such images that are defective, if defects are as "
        "common as in the test"
    )
    return f"{said}; this is {shares}" if shares else said


def costs_line(policy: Policy) -> str | None:
    """The costs that the user gave for mistakes and second looks, and the expected cost of an image; None without costs."""
    wish, costs = policy.wish, policy.wish.costs
    if costs is None or wish.defect_share is None:
        return None
    of_class = "".join(f" (with class {name} {cost:g})" for name, cost in costs.escape_of.items())
    given = (
        f"a defective image that passes {costs.escape:g}{of_class}, a second look {costs.review:g}, a good image that is "
        f"rejected {costs.overkill:g}; {percent(wish.defect_share)} of the strip is defective"
    )
    cost = policy.expected_cost
    if cost is None:
        return given
    return f"{given}. At the chosen thresholds an image is expected to cost {cost:.3g}"


def _asked(one: Bound) -> str:
    return f"at most {percent(one.limit)} of {what_text(one)}"


def _on_strip(one: Bound, wish: Limits) -> str:
    if one.among in ("defective", "good") or wish.defect_share is None:
        return ""
    return f", if {percent(wish.defect_share)} of the strip is defective"
