"""A verdict policy in plain words, for people who have to sign it or who find it in a folder."""

from collections.abc import Sequence

from steelsight.core.formatting import apart, at_most, percent
from steelsight.verdicts.policy import Bound, Limits, Outcome, Policy


def group_text(grouped_by: Sequence[str] = ()) -> str:
    """What a group is. Where no kind is named, none was given, or a run of before does not tell.

    >>> group_text(["coil"])
    'images of one coil, or twins (photographs of the same surface)'
    >>> group_text()
    'twins (photographs of the same surface), and images of one coil or heat where these were given'
    """
    if not grouped_by:
        return "twins (photographs of the same surface), and images of one coil or heat where these were given"
    kinds = " or ".join(f"one {kind}" for kind in grouped_by)
    return f"images of {kinds}, or twins (photographs of the same surface)"


def groups_text(count: int, grouped_by: Sequence[str] = (), kind: str = "") -> str:
    """So many groups, and what makes them, if it is known.

    >>> groups_text(238, ["coil"]), groups_text(1, kind="tested ")
    ('238 groups (by coil and twins)', '1 tested group')
    """
    by = f" (by {', '.join(grouped_by)} and twins)" if grouped_by else ""
    return f"{count:,} {kind}group{'' if count == 1 else 's'}{by}"


def another_text(grouped_by: Sequence[str] = ()) -> str:
    """Of what an image must be, so that it adds a group.

    >>> another_text(["coil"]), another_text()
    ('another coil and surface', 'another surface (and coil or heat, where these were given)')
    """
    if not grouped_by:
        return "another surface (and coil or heat, where these were given)"
    return f"another {', '.join(grouped_by)} and surface"


def both_text(outcome: Outcome) -> str | None:
    """Of the groups that count as defective and as good ones; None where there are none."""
    both = outcome.defective_groups + outcome.good_groups - outcome.groups
    if both <= 0:
        return None
    has, counts = ("has", "counts") if both == 1 else ("have", "count")
    return f"{both:,} {has} both kinds of image and {counts} on both sides"


def thresholds_text(policy: Policy) -> str:
    """Which images pass, go to review and are rejected, severity rules aside."""
    bounds = [bound for bound in (policy.pass_at, policy.reject_at) if bound is not None]
    named = dict(zip(bounds, apart(*bounds, least=4), strict=True))
    review = "Every other image goes to review, and so does a file that cannot be read."
    passes = "No image passes."
    if policy.pass_at is not None:
        passes = (
            f"An image passes if P(defect) is at most {named[policy.pass_at]}, nothing is found in it and nothing about "
            "it is unusual."
        )
    if policy.reject_at is not None:
        who = "It" if policy.pass_at is not None else "An image"
        rejects = f"{who} is rejected if P(defect) exceeds {named[policy.reject_at]} and nothing about it is unusual"
        return f"{passes} {rejects}. {review}"
    if policy.pass_at is not None:
        return f"{passes} No image is rejected for its P(defect) alone. {review}"
    if policy.severity is not None:
        return f"{passes} What no severity rule rejects goes to review."
    return "Every image goes to review: none passes, and none is rejected for its P(defect) alone."


def statement_text(statement: Bound, wish: Limits, *, guaranteed: bool) -> str:
    """One bound: what it promises if the test images support it, at the wish's confidence; else how many more are needed.

    Args:
        guaranteed: whether the deployed networks themselves were tested, so that the bound holds for them.
    """
    what = f"of {what_text(statement)}"
    if statement.among in ("passed", "rejected") and wish.defect_share is not None:
        what += f", if {percent(wish.defect_share)} of all images are defective"
    rests = f"{f'{statement.lost:,}' if statement.lost else 'none'} of {groups_text(statement.groups, kind='tested ')}"
    if statement.kept:
        word, bound = "Kept" if guaranteed else "Not guaranteed", at_most(statement.bound, statement.limit)
        return f"{word}: at most {bound} {what} (asked for {percent(statement.limit)}; {rests})."
    if statement.kind == "escape" and statement.bound <= statement.limit:
        why = "no image without a defect was tested, so no image passes"
        return f"NOT KEPT: at most {percent(statement.limit)} {what}: {why}."
    more = "" if statement.missing is None else f"; {statement.missing:,} more are needed, all judged right"
    return (
        f"NOT KEPT: at most {percent(statement.limit)} {what}. The test images can promise {at_most(statement.bound)} at "
        f"best ({rests}){more}."
    )


def stability_text(policy: Policy) -> str | None:
    """How far the thresholds move if other images are drawn; None if no draws were asked for."""
    if policy.stability is None:
        return None
    parts = []
    for name, moves in (("pass", policy.stability.pass_at), ("reject", policy.stability.reject_at)):
        if moves.low is None or moves.high is None:
            parts.append(f"no draw has a {name} threshold")
            continue
        low, high = apart(moves.low, moves.high, least=3) if moves.low < moves.high else apart(moves.low, least=3) * 2
        none = f" ({percent(moves.absent)} of the draws have none)" if moves.absent else ""
        parts.append(f"the {name} threshold lies from {low} to {high}{none}")
    draws = policy.stability.draws
    return f"In 95 % of {draws} new draws of the groups: {'; '.join(parts)}."


def outcome_text(policy: Policy) -> str:
    """How many tested images pass, go to review and are rejected."""
    tested = policy.outcome
    said = (
        f"{tested.images:,} images of {groups_text(tested.groups, policy.grouped_by)} were tested: "
        f"{sum(tested.passed)} passed, "
        f"{tested.passed[0]} of them defective; {sum(tested.review)} to review; {sum(tested.rejected)} rejected, "
        f"{tested.rejected[1]} of them good."
    )
    both = both_text(tested)
    counts = None if both is None else f"Of the groups, {both}."
    return " ".join(filter(None, (said, counts, truth_text(policy), unusual_text(policy))))


def truth_text(policy: Policy) -> str | None:
    """How many defective images have masks and how many a label alone, and what the latter count for; None where all have
    masks."""
    tested = policy.outcome
    if not tested.label_alone:
        return None
    masks = tested.defective - tested.label_alone
    said = (
        f"Of {_images(tested.defective, 'defective')}, {masks:,} {_have(masks)} masks and {tested.label_alone:,} "
        f"{_have(tested.label_alone)} a label alone: these count for the bounds, and for no figure of masks."
    )
    if not tested.class_unknown:
        return said
    return f"{said} The class of {tested.class_unknown:,} is not known: these count for the bound on no class."


def unusual_text(policy: Policy) -> str | None:
    """How many tested images are unusual, and what the bounds make of them; None where none is."""
    tested = policy.outcome
    if not tested.flagged:
        return None
    named = ", ".join(f"{name} {count:,}" for name, count in tested.flags.items())
    them = "it" if tested.flagged == 1 else "them"
    counted = f"The bounds count {them} by P(defect), as if nothing were unusual."
    if tested.flagged == tested.images:
        return (
            f"Each of these images is unusual ({named}), so that a person sees all that are like them. {counted} Calibrate "
            "with images of the line that the networks learned from, or train and export with images like these."
        )
    goes = "is unusual ({}) and goes" if tested.flagged == 1 else "are unusual ({}) and go"
    said = f"{tested.flagged:,} of the images {goes.format(named)} to a person whatever P(defect) is. {counted}"
    if 2 * tested.flagged < tested.images:
        return said
    return f"{said} With so many, ask whether these are images of the line that the networks learned from."


def _images(count: int, kind: str) -> str:
    return f"{count:,} {kind} image{'' if count == 1 else 's'}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def what_text(statement: Bound) -> str:
    """The event that a bound limits, as in `the defective images pass`."""
    with_class = None if statement.defect_class is None else f"images with a defect of class {statement.defect_class}"
    match statement.among:
        case "defective":
            return f"the {with_class or 'defective images'} pass"
        case "passed":
            return f"the images that pass are {with_class or 'defective'}"
        case "good":
            return "the good images are rejected"
        case "rejected":
            return "the images that are rejected are good"
