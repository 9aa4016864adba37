"""Section Verdicts of an inspector's README: how an image gets its verdict, and what is known of it."""

from steelsight.decision.digits import percent
from steelsight.decision.policy import Policy
from steelsight.decision.wording import outcome_text, statement_text, thresholds_text
from steelsight.inspector.artifact import InspectorCard


def verdict_paragraphs(card: InspectorCard) -> list[str]:
    """Paragraphs, and list items, which begin with `- `."""
    policy = card.policy
    if policy is None:
        return ["It gives no verdicts: none were decided for it."]
    return [
        thresholds_text(policy),
        *_severity(policy),
        _standing(card, policy),
        *(
            f"- {statement_text(statement, policy.wish, guaranteed=card.bears_bound)}"
            for statement in policy.statements
        ),
        outcome_text(policy),
    ]


def _severity(policy: Policy) -> list[str]:
    if policy.severity is None:
        return []
    scale = policy.severity.mm_per_pixel
    size = (
        "" if scale is None else f" (a pixel is {scale.across:g} mm across the strip and {scale.along:g} mm along it)"
    )
    rules = [f"- rule {number}: {rule.text}" for number, rule in enumerate(policy.severity.rules, start=1)]
    return [f"Whatever P(defect) says, what is found is judged by severity rules{size}; reject comes first:", *rules]


def _standing(card: InspectorCard, policy: Policy) -> str:
    """Whether the bounds are guaranteed."""
    holds = (
        f"Each bound holds with {percent(policy.wish.confidence)} confidence, for images like those that it "
        "rests on; with another steel, line, camera or light it no longer does."
    )
    own = "`steelsight decide INSPECTOR --calibrate DATA` gives it bounds of its own, from images that no network saw."
    if card.bears_bound:
        source = "fresh images" if policy.evidence == "calibrated" else f"the images of fold {card.provenance.folds[0]}"
        if not any(statement.kept for statement in policy.statements):
            return f"It carries no bound: {source}, which none of its networks saw, bear none that was asked for."
        return f"What is kept is guaranteed: it rests on what was said of {source}, which none of its networks saw. {holds}"
    match policy.evidence:
        case "cross-validated":
            why = (
                "cross-validated, not guaranteed: each image was judged by the networks of one fold, and what is deployed "
                "here was not tested as such"
            )
        case "epoch-selected":
            why = "not guaranteed, and flattering: the epoch of its networks was chosen by the same images"
        case _:
            why = f"not guaranteed: they are those of its networks in fp32, and in {card.precision} P(defect) differs"
    return f"Its bounds are {why}. {own}"
