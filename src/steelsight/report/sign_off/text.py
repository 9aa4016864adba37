"""The verdict policy in plain sentences: what is missing to a bound, what it means and when it ends."""

from dataclasses import dataclass

import numpy as np

from steelsight.core.formatting import about, apart, at_most, percent
from steelsight.verdicts.policy import Bound, Limits, Policy
from steelsight.verdicts.text import what_text


@dataclass(frozen=True)
class StatementRow:
    """One bound as a row of the table.

    Attributes:
        asked: the wish, such as `at most 5 % of the defective images pass`.
        needs: what P(defect) must be for this bound alone; a dash where no threshold keeps it.
        bound: what the evidence bears, rounded up.
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
    """Of a bound that is not kept: what the evidence bears, what it would take, and what happens until then."""
    unit = (
        "good" if one.kind == "overkill" else "defective" if one.defect_class is None else f"class {one.defect_class}"
    )
    took = (
        f"It would take {one.missing:,} more such group{'' if one.missing == 1 else 's'}, none of them lost."
        if one.missing is not None
        else "More such groups would not help: hardly any image is answered so that should be."
    )
    if one.kind == "escape" and not policy.outcome.good_groups:
        return (
            f"“{_asked(one)[0].upper()}{_asked(one)[1:]}” cannot be kept: no image without a defect was tested, so that "
            "nobody knows what may pass. No image passes; all go to a person. It takes images without a defect."
        )
    if one.kind == "escape":
        until = "Until then no image passes: all that are not rejected go to a person."
    else:
        until = "Until then none is rejected for its P(defect) alone: these images go to a person."
    return (
        f"“{_asked(one)[0].upper()}{_asked(one)[1:]}” cannot be kept. At the strictest threshold {one.lost:,} of "
        f"{one.groups:,} {unit} groups would be lost, which bears {at_most(one.bound)} at the least. {took} {until}"
    )


def what_bounds_mean(policy: Policy) -> tuple[str, ...]:
    """What a bound says and what it does not."""
    wrong = 100 * (1 - policy.wish.confidence)
    fair = (
        f"If the tested images are a fair sample of the strip to come, each kept bound holds with "
        f"{percent(policy.wish.confidence)} confidence: of a hundred such tests, each on new images, some {wrong:.3g} at "
        "most would promise too much."
    )
    return (
        fair if policy.is_guaranteed else f"Here it is an estimate. Where it is guaranteed, it says: {fair}",
        "Each bound holds by itself; that several hold together is less sure.",
        "The unit is the twin group: photographs of one surface count once, and the group is lost if any of its images is.",
        "The rates in the boxes are of the tested images, on which the thresholds were chosen, and their intervals make no "
        "allowance for that. The bounds do: where they differ, rely on the bounds.",
        "A bound is about many images, never a single one, and knows nothing of defects that nobody marked in the test.",
    )


def when_bounds_end(policy: Policy) -> tuple[str, ...]:
    """What ends the validity of every bound."""
    ends = [
        "Other steel: another grade, finish or product, or defects of a kind or in a mix that was not tested.",
        "Another camera, lens, resolution, speed or light, or dirt on any of them.",
        "Changed networks, thresholds, severity rules or precision: decide again.",
        "Tested images that were picked by hand: a bound is for the process that they are a sample of.",
    ]
    if policy.wish.defect_share is not None:
        stated = percent(policy.wish.defect_share)
        ends.append(f"Strip of which more or less than the stated {stated} is defective, for what rests on that share.")
    return tuple(ends)


def calibration_line(policy: Policy) -> str:
    """How P(defect) relates to the share of such images that are defective."""
    calibration = policy.calibration
    match calibration.kind:
        case "none":
            return "none; P(defect) is taken as it is"
        case "temperature":
            how = f"with its logit divided by {calibration.temperature:.2f}"
        case "isotonic":
            how = "along the rising curve that was fitted to the evidence"
    named = {"pass": policy.pass_at, "reject": policy.reject_at}
    shares = ", ".join(
        f"{about(float(calibration.apply(np.array(end))))} at the {name} threshold"
        for name, end in named.items()
        if end is not None
    )
    said = (
        f"{calibration.kind}; {how}, P(defect) is the share of such images that are defective, where defects are as common "
        "as in the test"
    )
    return f"{said}: {shares}" if shares else said


def costs_line(policy: Policy) -> str | None:
    """What mistakes and second looks cost, as the user said, and what an image then costs; None where nothing was said."""
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
    return f", on strip of which {percent(wish.defect_share)} is defective"
