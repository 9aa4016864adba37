"""From the rule that a recipe states, in probabilities, to the rule that is cut by, on the 8-bit grid."""

from math import floor, nextafter

from steelsight.recipe.stated_rule import StatedRule, of_classes
from steelsight.rule.rule import Rule


def stated_rule(stated: StatedRule, classes: int, enlargement: int) -> Rule:
    """The rule of a recipe for `classes` classes.

    Args:
        enlargement: pixels of an image per pixel of the size that areas are stated at; see `check_stated_rule`.

    >>> published = StatedRule(gate=0.8, upper=0.7, lower=(0.4, 0.5), min_area=(180, 260), at="working")
    >>> stated_rule(published, 2, 4)
    Rule(gate=0.7999999999999999, softness=1.0, upper=(178, 178), lower=(102, 127), min_area=(720, 1040), at='working')
    """
    return Rule(
        gate=max(0.0, nextafter(stated.gate, 0)),  # stated as "at least", while a rule's gate must be exceeded
        upper=tuple(level_of(value) for value in of_classes(stated.upper, classes)),
        lower=tuple(level_of(value) for value in of_classes(stated.lower, classes)),
        min_area=tuple(area * enlargement for area in of_classes(stated.min_area, classes)),
        at=stated.at,
    )


def level_of(probability: float) -> int:
    """The 8-bit value that a pixel must exceed where its probability must: .7 is 178.5, which 179 is the first to exceed."""
    return floor(round(probability * 255, 9))
