"""The jobs of a recipe: every member on every fold, and the choice among them."""

from collections.abc import Sequence

from steelsight.core.errors import UserError, nearest
from steelsight.recipe.model import Member, Recipe


def choose_jobs(recipe: Recipe, only: Sequence[str]) -> list[tuple[Member, int]]:
    """All jobs fold by fold, or those named `member:fold` (`member` alone means all its folds)."""
    jobs = [(member, fold) for member in recipe.members for fold in range(recipe.folds)]
    if not only:
        return jobs
    names = {f"{member.name}:{fold}" for member, fold in jobs} | {member.name for member, _ in jobs}
    for name in only:
        if name not in names:
            raise UserError(f"`only={name}`: there is no such job; {nearest(name, names)}")
    return [(member, fold) for member, fold in jobs if member.name in only or f"{member.name}:{fold}" in only]


def waits_for(member: Member, fold: int) -> tuple[str, int] | None:
    """The job, as member and fold, that has to be done before one starts; None where it may start at once."""
    return (member.starts_from, fold) if member.starts_from else None


def choose_folds(text: str, folds: int) -> tuple[int, ...]:
    """The folds that a text names: `all`, or one by its number.

    >>> choose_folds("all", 3), choose_folds("1", 3)
    ((0, 1, 2), (1,))

    Raises:
        UserError: it is neither.
    """
    if text == "all":
        return tuple(range(folds))
    named = [fold for fold in range(folds) if str(fold) == text]
    if named:
        return tuple(named)
    raise UserError(f"`folds={text}`: the run has the folds 0 to {folds - 1}; give one of them, or all")
