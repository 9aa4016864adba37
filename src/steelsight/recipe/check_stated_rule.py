"""Whether a rule that a recipe states fits its networks and the data."""

from collections.abc import Sequence

from steelsight.core.errors import UserError
from steelsight.recipe.model import Recipe
from steelsight.recipe.stated_rule import of_classes

_WITHOUT = "leave the rule out with `overrides=rule=null`"


def check_stated_rule(recipe: Recipe, classes: int, sizes: Sequence[tuple[int, int]]) -> int:
    """How many pixels of an image are one pixel of the size that the recipe's rule is cut at: 1 at the image's own size.

    Args:
        recipe: resolved, and it states a rule.
        classes: how many the data has.
        sizes: (height, width) of the images.

    Raises:
        UserError: a value for each class is asked for and there are not as many; a lower threshold exceeds its upper one; or
            masks cannot be cut at the working size, since segmenters differ in it, or it does not divide the images evenly.
    """
    rule = recipe.rule
    if rule is None:
        raise ValueError("the recipe states no rule")
    for name in ("upper", "lower", "min_area"):
        value = getattr(rule, name)
        if isinstance(value, tuple) and len(value) != classes:
            raise UserError(
                f"recipe: rule.{name}: {len(value)} values for {classes} classes; give one for each class or one for all, or "
                f"{_WITHOUT}"
            )
    for low, high in zip(of_classes(rule.lower, classes), of_classes(rule.upper, classes), strict=True):
        if low > high:
            raise UserError(
                f"recipe: rule.lower: {low:g} exceeds the upper threshold {high:g}; lower it, or {_WITHOUT}"
            )
    return 1 if rule.at == "image" else _enlargement(recipe, sizes)


def _enlargement(recipe: Recipe, sizes: Sequence[tuple[int, int]]) -> int:
    segmenters = {
        (member.preprocess.height, member.preprocess.width, member.preprocess.fit): member
        for member in recipe.members
        if member.step == "segment"
    }
    if len(segmenters) != 1:
        raise UserError(
            f"recipe: rule.at working: masks are cut at the working size, and the segmenters have {len(segmenters)}; give "
            f"all of them one size and fit, or {_WITHOUT}"
        )
    (member,) = segmenters.values()
    factors = set()
    for size in set(sizes):
        *_, height, width = member.preprocess.frame(size)
        factors.add((size[0] / height, size[1] / width))
    if len(factors) != 1 or any(factor % 1 for factor in next(iter(factors))):
        shown = ", ".join(f"{width} x {height}" for height, width in sorted(set(sizes))[:3])
        raise UserError(
            f"recipe: rule.at working: areas are counted at {member.preprocess.width} x {member.preprocess.height}, and the "
            f"images ({shown}) are not all the same whole number of times as large; {_WITHOUT}"
        )
    down, across = factors.pop()
    return int(down) * int(across)
