"""A new RUN, whether to train it or to plan its cost: what becomes of the images is said."""

from dataclasses import replace
from typing import TYPE_CHECKING

from steelsight.cli.groups import known_groups, say_groups, say_later
from steelsight.cli.labelled import say_folds, say_notes, say_roi, say_who_learns_from_classes
from steelsight.cli.output import counting
from steelsight.dataset.model import Dataset

if TYPE_CHECKING:
    from steelsight.recipe import Recipe
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run


def begin_run(
    dataset: Dataset,
    wanted: "Recipe",
    run: "Run",
    groups: str | None,
    limit: int | None,
    time: str | None,
    later: float,
) -> "OutOfFoldPredictions":
    """Start it, and tell what belongs together, what is held back, what lies outside, and what single folds lack.

    Args:
        groups, time, later: as --groups, --split-by-time and --later say.
    """
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.training.start import start_run

    known = known_groups(groups, dataset)
    with counting("looking for twins") as advance:
        started = start_run(
            run, dataset, wanted, known=known, limit=limit, time=time, later_share=later, progress=advance
        )
    evidence = OutOfFoldPredictions.of(started)
    trained_on = replace(dataset, samples=evidence.record.samples, without_masks=())
    joining = {kind: names for kind, names in known_groups(groups, trained_on).items() if kind != time}
    say_groups(joining, evidence.record.groups)
    say_later(evidence.record)
    say_roi(dataset, evidence.record)
    say_who_learns_from_classes(evidence)
    if passed_over := len(dataset.without_masks) - len(evidence.record.without_masks):
        why = "--split-by-time holds them back" if limit is None else "--limit and --quick take images with masks alone"
        say_notes([f"{passed_over} images without masks (only their classes are known) are not trained on: {why}"])
    say_folds(evidence.record)
    return evidence
