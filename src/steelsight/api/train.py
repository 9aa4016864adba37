"""`steelsight.train`: from labelled images to a RUN that is decided and reported."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from steelsight.api.datasets import read_dataset
from steelsight.api.trained_run import TrainedRun
from steelsight.core.arguments import check_names
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.groups import read_groups
from steelsight.dataset.model import Dataset
from steelsight.dataset.split_by_time import LATER_SHARE
from steelsight.recipe import Recipe, choose_jobs, load_recipe
from steelsight.recipe.quick import QUICK_IMAGES, quick_recipe
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.thresholds import check_wish


def train(
    data: str | Path | Dataset,
    *,
    out: str | Path,
    recipe: str | Path | Recipe = "lite",
    overrides: Sequence[str] = (),
    limits: Limits | None = None,
    quick: bool = False,
    limit: int | None = None,
    groups: str | None = None,
    split_by_time: str | None = None,
    later: float = LATER_SHARE,
    resume: bool = False,
    skip_faulty: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    workers: int | None = None,
    parallel: int | Literal["auto"] = "auto",
) -> TrainedRun:
    """Train a recipe in cross-validation, then decide members, rule and verdicts, and write the report.

    If the training stops, finished work is kept, and `resume` goes on from it. Progress goes to standard error.

    Args:
        data: folder of labelled images, or what `read_dataset` made of it, which takes layout, boxes, bits and
            ignored classes.
        out: folder of the run; it must not hold another one.
        recipe: `paper`, `lite`, `demo`, a YAML file, or what `load_recipe` made of one.
        overrides: changes to a recipe that is given by name or file, such as `roi=strip`; see `load_recipe`.
        limits: for the verdicts; None for the default.
        quick: minutes instead of hours, to see that everything works: two folds, the smallest network of each step, few
            epochs, small images, 120 of them unless `limit` says otherwise.
        limit: how many images to take at most: whole groups, each combination of classes in its share; None for all.
        groups: which images belong together, beside twins: a CSV file with the columns image and, say, coil, or a regular
            expression with named groups that is searched for in their names.
        split_by_time: the kind of group that says when an image was taken: train on the earlier images, and hold back the
            later ones, which `TrainedRun.export` judges.
        later: share of the images that is held back then at least, in (0, 1).
        resume: go on with the run in `out`, with the recipe, images and labels that it began with, whatever `limit` and
            `later` say; begin a new one if there is none.
        skip_faulty: leave faulty images out.
        device, workers: where to train, and loader processes of each job.
        parallel: jobs side by side; `auto`: one on every core of a processor, or on every GPU.

    Raises:
        UserError: an argument is out of its range, images are faulty, `out` holds something else, a run that goes on began
            with other images or labels, or ImageNet weights that the recipe names are missing: nothing is begun then. Or a
            job failed; finished work is kept.

    >>> import steelsight                                                           # doctest: +SKIP
    >>> run = steelsight.train("demo/strips", recipe="demo", out="runs/demo") # doctest: +SKIP
    >>> run.report()                                                                # doctest: +SKIP
    """
    check_names("overrides", overrides)
    if not isinstance(recipe, Recipe):
        wanted = load_recipe(str(recipe), overrides, quick=quick)
    elif overrides:
        raise UserError(
            f"`overrides={overrides[0]}`: the recipe is made already; give the changes to load_recipe, which makes it"
        )
    else:
        wanted = quick_recipe(recipe) if quick else recipe
    run = TrainedRun(Path(out))
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.training.device_config import DeviceConfig, require_device
    from steelsight.training.start import check_groups, check_start, check_unchanged, go_on, start_run

    machine = DeviceConfig(device, "auto", workers, parallel)
    require_device(machine)
    check_start(run, wanted, resume=resume)
    if run.is_started:
        predictions = go_on(run, wanted, data if isinstance(data, Dataset) else Path(data), note=_say)
        check_groups(predictions, groups, split_by_time)
        if limits is not None:
            check_wish(limits, predictions.record.classes)
        check_unchanged(predictions, choose_jobs(predictions.recipe, []))
    else:
        dataset = data if isinstance(data, Dataset) else read_dataset(data)
        _refuse_faults(dataset, skip_faulty)
        if limits is not None:
            check_wish(limits, dataset.classes)
        limit = QUICK_IMAGES if quick and limit is None else limit
        every = [sample.image_id for sample in (*dataset.samples, *dataset.without_masks)]
        known = {} if groups is None else read_groups(groups, every)
        predictions = OutOfFoldPredictions.of(
            start_run(run, dataset, wanted, known=known, limit=limit, time=split_by_time, later_share=later)
        )
    from steelsight.training.experiment import run_jobs

    run_jobs(predictions, choose_jobs(predictions.recipe, []), machine)
    run = TrainedRun(run.path)
    run.decide(limits)
    run.report()
    return run


def _say(sentence: str) -> None:
    sys.stderr.write(f"note: {shown(sentence)}\n")


def _refuse_faults(dataset: Dataset, skip_faulty: bool) -> None:
    if dataset.faults and not skip_faulty:
        raise UserError(
            f"{dataset.root}: {len(dataset.faults)} faults (the first: {dataset.faults[0].message}); mend them, which "
            "read_dataset lists, or leave those images out by skip_faulty=True"
        )
