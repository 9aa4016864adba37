"""A recipe made quick: all of its way in minutes, to see that everything works before hours are spent."""

from collections.abc import Iterable

from steelsight.recipe.model import Input, Member, Phase, Recipe, Sampling, Schedule, Search
from steelsight.recipe.resolve import working_size

QUICK = " (quick)"
"""What the name of a quick recipe ends with."""
QUICK_IMAGES = 120
"""How many images a quick run takes, unless it is told."""

_FOLDS, _EPOCHS, _STEPS, _BATCH, _PIXELS, _WINDOW = 2, 6, 24, 8, 32_768, 16_384
_FALSE_ALARMS = 0.1
"""Share of the empty pairs in which the rule of a quick run may mark something, where defects are its objective: networks of
minutes that keep to less mark nothing at all, and a user who wants to see that everything works sees nothing."""
_BY_SIZE = ("lite0", "lite1", "lite2", "b0", "b1", "b2", "b3", "b4", "b5")


def quick_recipe(recipe: Recipe) -> Recipe:
    """The recipe with two folds, the smallest network of each step, at most six epochs of each (one of each phase where
    there are more than six), whose schedule shrinks alike, no more than 24 steps of an epoch on small data, images of about
    32,768 pixels and batches of at most eight.

    >>> from steelsight.recipe import load_recipe
    >>> quick = quick_recipe(load_recipe("paper"))
    >>> quick.name, quick.folds, [member.name for member in quick.members]
    ('paper (quick)', 2, ['classify-b0', 'segment-b0-strategy-1'])
    >>> [(member.epochs, member.input.height, member.input.width) for member in quick.members]
    [(6, 64, 448), (6, 64, 448)]
    """
    if is_quick(recipe):
        return recipe
    members = tuple(_quick_member(member) for member in _smallest(recipe))
    counts = {step: max(1, sum(member.step == step for member in members)) for step in ("classify", "segment")}
    chosen = recipe.selection
    wanted = {"classify": chosen.classifiers, "segment": chosen.segmenters}
    few = {
        step: min(number, counts[step]) if isinstance(number, int) else counts[step] for step, number in wanted.items()
    }
    changes = {
        "name": recipe.name + QUICK,
        "folds": min(recipe.folds, _FOLDS),
        "devices_per_job": 1,  # its batches are too small to be shared out
        "compile": False,  # it would take longer than it saves
        "members": members,
        "selection": chosen.model_copy(
            update={
                "classifiers": few["classify"],
                "segmenters": few["segment"],
                "combine": "logits" if chosen.combine == "votes" else chosen.combine,  # two can only vote as one
            }
        ),
        "search": _quick_search(recipe.search),
        "rule": None,  # stated for networks and sizes that are not these
    }
    return Recipe.model_validate(recipe.model_copy(update=changes).model_dump(by_alias=True))


def is_quick(recipe: Recipe) -> bool:
    """Whether `quick_recipe` has made it."""
    return recipe.name.endswith(QUICK)


def _smallest(recipe: Recipe) -> Iterable[Member]:
    """The smallest network of each step, and what it starts from, in the recipe's order."""
    chosen = {
        min(of_step, key=lambda member: _BY_SIZE.index(member.encoder)).name
        for step in ("classify", "segment")
        if (of_step := [member for member in recipe.members if member.step == step])
    }
    chosen |= {start for name in chosen if (start := recipe.member(name).starts_from)}
    return [member for member in recipe.members if member.name in chosen]


def _quick_member(member: Member) -> Member:
    phases = tuple(_quick_phase(phase, member.epochs) for phase in member.phases)
    epochs = sum(phase.epochs for phase in phases)
    augment = member.augment
    if augment.crop is not None:
        window = augment.crop.model_copy(update={"pixels": min(augment.crop.pixels, _WINDOW)})
        augment = augment.model_copy(update={"crop": window})
    changes = {
        "input": _quick_input(member.input),
        "augment": augment,
        "sampling": _quick_sampling(member.sampling),
        "phases": phases,
        "keep": member.keep.model_copy(update={"last": min(member.keep.last, epochs)}),
        "validate_every": min(member.validate_every, epochs),
    }
    return member.model_copy(update=changes)


def _quick_input(given: Input) -> Input:
    if given.height is None or given.width is None:
        return given.model_copy(update={"pixels": min(given.pixels or _PIXELS, _PIXELS)})
    height, width = working_size(_PIXELS, (given.height, given.width))
    return given.model_copy(update={"height": height, "width": width})


def _quick_search(given: Search) -> Search:
    if given.objective != "defects":
        return given
    return given.model_copy(update={"max_false_alarms": max(given.max_false_alarms, _FALSE_ALARMS)})


def _quick_sampling(given: Sampling) -> Sampling:
    few = {"least_steps": min(given.least_steps, _STEPS)}
    if given.batch > _BATCH:
        few |= {"batch": _BATCH, "device_batch": _BATCH}
    return given.model_copy(update=few)


def _quick_phase(phase: Phase, of_all: int) -> Phase:
    share = min(1.0, _EPOCHS / of_all)
    epochs = max(1, round(phase.epochs * share))
    return phase.model_copy(
        update={"epochs": epochs, "schedule": _quick_schedule(phase.schedule, epochs / phase.epochs)}
    )


def _quick_schedule(given: Schedule, share: float) -> Schedule:
    """The same learning rates in fewer epochs."""
    changes = {
        "ramp": min(given.ramp, max(1, round(given.ramp * share))),
        "hold": round(given.hold * share),
        "first_epoch": round(given.first_epoch * share),
        "decay": max(1e-6, given.decay ** (1 / share)),
    }
    return given.model_copy(update=changes)


def smallness(recipe: Recipe, images: int, of_images: int | None) -> tuple[str, ...]:
    """What a run, its report and the command line say of a training that was made small.

    Args:
        images: that it takes.
        of_images: that the data has, if it takes only some; else None.

    >>> smallness(Recipe.model_construct(name="lite"), 120, 1200)
    ('Trained on 120 of the 1,200 images: whole groups, each combination of classes in its share.',)
    """
    said = []
    if is_quick(recipe):
        said.append(
            "A quick training: two folds, the smallest network of each step, few epochs, small images. It shows that "
            "everything works; a full training finds more, and only its figures count."
        )
    if of_images is not None:
        said.append(
            f"Trained on {images:,} of the {of_images:,} images: whole groups, each combination of classes in its share."
        )
    return tuple(said)
