"""Fixing what a recipe leaves to the data: working sizes from a pixel budget, grey or colour."""

from collections.abc import Sequence
from statistics import median

from steelsight.core.errors import UserError, nearest
from steelsight.recipe.check_stated_rule import check_stated_rule
from steelsight.recipe.model import Input, Member, Recipe

_STRIDE = 32


def resolve(
    recipe: Recipe,
    classes: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    grey: bool,
    bits: int | None = None,
) -> Recipe:
    """The recipe with every member's input fixed.

    Args:
        classes: defect class names of the data.
        sizes: (height, width) of the images.
        grey: whether the images are grey.
        bits: of the camera, where images are of 16 bit; see `Input`.

    Raises:
        UserError: an oversampling rule names a class that the data does not have, a member starts from one that sees the
            images in another colour, a batch is too small to be normalised, or the rule that the recipe states does not fit
            the data (`check_stated_rule`).
    """
    shape = (median(size[0] for size in sizes), median(size[1] for size in sizes))
    for member in recipe.members:
        _check_repeat(member, classes)
    members = tuple(
        member.model_copy(update={"input": _resolve_input(member.input, shape, grey, bits)})
        for member in recipe.members
    )
    for member in members:
        _check_start(member, members)
        _check_batch(member)
    resolved = recipe.model_copy(update={"members": members})
    if resolved.rule is not None:
        check_stated_rule(resolved, len(classes), sizes)
    return resolved


def is_resolved(recipe: Recipe, resolved: Recipe, classes: Sequence[str], sizes: Sequence[tuple[int, int]]) -> bool:
    """Whether a resolved recipe is this one, whatever the colour and the bits of the images."""
    bits = resolved.members[0].input.bits
    try:
        return resolved in (resolve(recipe, classes, sizes, grey, bits) for grey in (True, False))
    except UserError:
        return False


def working_size(pixels: int, shape: tuple[float, float]) -> tuple[int, int]:
    """Height and width, in the shape of the image: those within the image's and the budget's pixels, each rounded to the
    nearest multiple of 32, which may lie above.

    >>> working_size(102400, (256, 1600))
    (128, 800)
    >>> working_size(102400, (200, 200))
    (192, 192)
    """
    scale = min(1.0, (pixels / (shape[0] * shape[1])) ** 0.5)
    height, width = (max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in shape)
    return height, width


def _resolve_input(given: Input, shape: tuple[float, float], grey: bool, bits: int | None) -> Input:
    height, width = given.height, given.width
    if (height is None or width is None) and given.pixels is not None:
        height, width = working_size(given.pixels, shape)
    colour = ("grey" if grey else "rgb") if given.colour == "auto" else given.colour
    changes = {"height": height, "width": width, "pixels": None, "colour": colour, "bits": given.bits or bits}
    return given.model_copy(update=changes)


def _check_repeat(member: Member, classes: Sequence[str]) -> None:
    rules = member.sampling.repeat
    if rules == "balanced":
        return
    for rule in rules:
        if rule.class_ not in classes:
            raise UserError(
                f"recipe: members.{member.name}.sampling.repeat: the data has no class {rule.class_!r} "
                f"({nearest(rule.class_, classes)}); use `overrides='members.*.sampling.repeat=balanced'` for other data"
            )


def _check_start(member: Member, members: Sequence[Member]) -> None:
    for start in members:
        if start.name == member.starts_from and start.input.colour != member.input.colour:
            raise UserError(
                f"recipe: members.{member.name}.weights: {start.name} sees {start.input.colour} images and this member "
                f"{member.input.colour} ones; give both the same input.colour"
            )


def _check_batch(member: Member) -> None:
    """Batch normalisation needs two values of a channel at least, in the deepest layer, which has one for each 32 x 32
    pixels; torch refuses one."""
    seen, batch = member.training_preprocess, member.sampling.pass_batch
    if batch * (seen.height // _STRIDE) * (seen.width // _STRIDE) < 2:
        raise UserError(
            f"recipe: members.{member.name}.sampling: a batch of {batch} image of {seen.height} x {seen.width} pixels is too "
            "small for batch normalisation; give batch and device_batch of 2 or more, or a larger input"
        )
