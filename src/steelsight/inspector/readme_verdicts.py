"""Section Verdicts of an inspector's README: how an image gets its verdict, and what is known of it."""

from steelsight.inspector.artifact import InspectorCard
from steelsight.inspector.distilled import evidence_sentence
from steelsight.verdicts.guarantee import guarantee_of
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.text import outcome_text, stability_text, statement_text, thresholds_text

_ENDS = " A bound holds for images like the tested ones. It no longer holds with another steel, line, camera or light."


def verdict_paragraphs(card: InspectorCard) -> list[str]:
    """Paragraphs, and list items, which begin with `- `."""
    policy = card.policy
    if policy is None:
        no_verdicts = "It gives no verdicts: none were decided for it."
        return [no_verdicts if card.provenance.distilled is None else f"{no_verdicts} {evidence_sentence()}"]
    worth = guarantee_of(policy)
    return [
        thresholds_text(policy),
        *_severity(policy),
        f"{worth.title}. {worth.text}{_ENDS if card.bears_bound else ''}",
        *(
            f"- {statement_text(statement, policy.wish, guaranteed=card.bears_bound)}"
            for statement in policy.statements
        ),
        *filter(None, (outcome_text(policy), stability_text(policy))),
    ]


def _severity(policy: Policy) -> list[str]:
    if policy.severity is None:
        return []
    scale = policy.severity.mm_per_pixel
    size = (
        "" if scale is None else f" (a pixel is {scale.across:g} mm across the strip and {scale.along:g} mm along it)"
    )
    rules = [f"- rule {number}: {rule.text}" for number, rule in enumerate(policy.severity.rules, start=1)]
    what = f"Severity rules judge what is found, whatever P(defect) is{size}, unless the image is unusual"
    return [f"{what}; reject comes first:", *rules]
