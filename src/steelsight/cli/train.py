"""`steelsight train`: folds, all jobs of a recipe, then decide and report."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from steelsight.cli.groups import Groups, known_groups, say_groups
from steelsight.cli.labelled import BoxesOption, read_labelled, say_notes
from steelsight.cli.output import console, counting, finish, results, shown_progress, with_options
from steelsight.core.errors import UserError
from steelsight.core.files import sweep
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Layout

if TYPE_CHECKING:
    from steelsight.recipe import Recipe
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.training.device_config import DeviceConfig


def train(
    data: Annotated[Path, typer.Argument(help="Folder of labelled images.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; it must not hold another run.")],
    recipe: Annotated[str, typer.Option("--recipe", help="paper, lite, demo, or a YAML file.")] = "lite",
    layout: Annotated[Layout | None, typer.Option("--layout", help="Layout of DATA; detected if left out.")] = None,
    boxes: BoxesOption = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field: key.sub=value; members by name, * for all.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print jobs, time and disk; train nothing.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Run only this job: member:fold, or member.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")] = False,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Leave faulty images out, and list them.")] = False,
    groups: Groups = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    devices: Annotated[int | None, typer.Option(min=1, help="How many devices; all GPUs if left out.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Loader processes for each device.")] = None,
    parallel: Annotated[
        str, typer.Option("--parallel", help="Jobs side by side: a number, or auto: one for each core; on a GPU one.")
    ] = "auto",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard logs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a recipe in cross-validation on DATA, then decide members and rule, and write the report.

    Exit status 3 if images of DATA were left out, unless --skip-faulty allows for it.
    """
    from steelsight.recipe import choose_jobs, load_recipe

    wanted = load_recipe(recipe, overrides or [])
    choose_jobs(wanted, only or [])
    from steelsight.run.run import Run
    from steelsight.training.device_config import DeviceConfig
    from steelsight.training.experiment import run_jobs
    from steelsight.training.job import is_done
    from steelsight.training.same_images import check_data

    machine = DeviceConfig(device, devices or "auto", workers, _at_once(parallel, devices))
    if plan:
        with _planned(data, layout, boxes, wanted, skip_faulty, groups) as evidence:
            _show_plan(evidence, only or [], machine, as_json)
        return
    run = Run(out)
    goes_on = run.is_started and not _is_further_device()
    evidence, left_out = _open_or_start(data, layout, boxes, wanted, run, resume, skip_faulty, groups, named=recipe)
    jobs = choose_jobs(evidence.recipe, only or [])
    if goes_on and not all(is_done(evidence, member, fold) for member, fold in jobs):
        with console.status("checking that the images are still the same"):
            check_data(evidence)
    run_jobs(evidence, jobs, machine, tensorboard=tensorboard, worded=with_options)
    if not _is_further_device():
        _end(evidence, data, recipe, as_json)
        if left_out and not skip_faulty:
            raise typer.Exit(3)


def _at_once(parallel: str, devices: int | None) -> "int | Literal['auto']":
    """What --parallel says."""
    if parallel == "auto":
        return "auto"
    if not (parallel.isdecimal() and int(parallel) > 0):
        raise UserError(f"--parallel {parallel}: how many jobs train side by side, from 1 on; give a number, or auto")
    if int(parallel) > 1 and (devices or 1) > 1:
        raise UserError(
            f"--parallel {parallel} with --devices {devices}: several devices train one job; leave out one of the two"
        )
    return int(parallel)


def _open_or_start(
    data: Path,
    layout: Layout | None,
    boxes: Boxes | None,
    wanted: "Recipe",
    run: "Run",
    resume: bool,
    skip_faulty: bool,
    groups: str | None,
    *,
    named: str,
) -> "tuple[OutOfFoldPredictions, bool]":
    """The run: a new one, or with --resume the one there; and whether images of DATA were left out."""
    from steelsight.networks.encoders import require_weights
    from steelsight.run.predictions import OutOfFoldPredictions

    if run.is_started:
        if not resume and not _is_further_device():
            raise UserError(f"{run}: there is a run already; go on with it by --resume, or choose another --out")
        evidence = _go_on(data, wanted, run, named)
        _check_groups(evidence, groups)
        return evidence, False
    if run.path.exists() and not run.is_torn_start:
        raise UserError(f"{run}: exists and is not a run; choose another --out")
    sweep(run.path, below=False)
    for member in wanted.members:  # before hours are spent, and before torch is loaded
        if member.weights == "imagenet":
            require_weights(member.encoder, member.name)
    dataset = read_labelled(data, layout, boxes, skip_faulty=skip_faulty)
    known = known_groups(groups, dataset)
    from steelsight.training.experiment import start_run

    with counting("looking for twins") as advance:
        evidence = OutOfFoldPredictions.of(start_run(run, dataset, wanted, known=known, progress=advance))
    say_groups(known, evidence.record.groups)
    _say_who_learns_from_classes(evidence)
    _say_of_folds(evidence)
    return evidence, bool(dataset.left_out)


def _check_groups(evidence: "OutOfFoldPredictions", groups: str | None) -> None:
    """See that the folds of a run that goes on keep together what --groups says."""
    from steelsight.dataset.groups import join_groups, read_groups

    if groups is None:
        return
    record = evidence.record
    known = read_groups(groups, [sample.image_id for sample in record.samples])
    if (join_groups(record.groups, known) != record.groups).any():
        raise UserError(
            f"--groups {groups}: the run in {evidence.run} began without these groups, and its folds part some of them; "
            "choose another --out"
        )


def _say_of_folds(evidence: "OutOfFoldPredictions") -> None:
    from steelsight.dataset.limitations import lacks_in_folds

    record = evidence.record
    say_notes(lacks_in_folds(record.classes, record.samples, record.folds, record.groups))


def _say_who_learns_from_classes(evidence: "OutOfFoldPredictions") -> None:
    from steelsight.training.job import learns_from_classes

    count = len(evidence.record.without_masks)
    if not count:
        return
    learners = [member.name for member in evidence.recipe.members if learns_from_classes(member)]
    who = f"{', '.join(learners)} learn from them" if learners else "no member of this recipe can learn from them"
    say_notes(
        [
            f"{count} images of which only the classes are known: {who}; classifiers that see windows or cells of an "
            f"image, and "
            "segmenters, need masks, and no figure or bound rests on such images"
        ]
    )


def _go_on(data: Path, wanted: "Recipe", run: "Run", named: str) -> "OutOfFoldPredictions":
    """The run that is there, with its images where DATA is."""
    from steelsight.recipe import is_resolved
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.training.same_images import with_images_at

    evidence = OutOfFoldPredictions.of(run)
    if evidence.recipe.name != wanted.name:
        raise UserError(
            f"{run}: holds a run of recipe {evidence.recipe.name!r}, not {wanted.name!r} (--recipe {named}); "
            "resume it with its own recipe, or choose another --out"
        )
    root = (data.parent if data.is_file() else data).resolve()
    if root != evidence.record.root.resolve():
        evidence = with_images_at(evidence, root)
    if not _is_further_device() and not is_resolved(
        wanted, evidence.recipe, evidence.record.classes, [sample.size for sample in evidence.record.samples]
    ):
        console.print(
            f"{run.recipe_file} is kept as the run began; other values of --recipe and --set are ignored",
            highlight=False,
            soft_wrap=True,
        )
    return evidence


def _is_further_device() -> bool:
    """Whether this process was started by Lightning for the second or a later device: the first has made the run."""
    return int(os.environ.get("LOCAL_RANK", "0")) > 0


@contextmanager
def _planned(
    data: Path, layout: Layout | None, boxes: Boxes | None, wanted: "Recipe", skip_faulty: bool, groups: str | None
) -> "Iterator[OutOfFoldPredictions]":
    """A run as it would be, in a folder that is thrown away."""
    import tempfile

    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.training.experiment import start_run

    with tempfile.TemporaryDirectory(prefix="steelsight-plan-") as folder:
        dataset = read_labelled(data, layout, boxes, skip_faulty=skip_faulty)
        known = known_groups(groups, dataset)
        evidence = OutOfFoldPredictions.of(start_run(Run(Path(folder) / "run"), dataset, wanted, known=known))
        say_groups(known, evidence.record.groups)
        _say_who_learns_from_classes(evidence)
        _say_of_folds(evidence)
        yield evidence


def _show_plan(evidence: "OutOfFoldPredictions", only: list[str], machine: "DeviceConfig", as_json: bool) -> None:
    from dataclasses import asdict

    from steelsight.recipe import choose_jobs
    from steelsight.training.experiment import plan_jobs

    jobs = choose_jobs(evidence.recipe, only)
    with console.status("timing each network on this machine"):
        cost, arrangement = plan_jobs(evidence, jobs, machine)
    device = f"{arrangement.device}, {cost.at_once} at once" if cost.at_once > 1 else arrangement.device
    table = Table(title=f"Plan of recipe {evidence.recipe.name} on {device} ({len(jobs)} jobs)")
    for column in ("member", "jobs", "epochs", "steps/epoch", "images/s", "time", "memory", "on disk"):
        table.add_column(column, justify="left" if column == "member" else "right")
    for member in cost.members:
        table.add_row(
            member.member,
            str(member.jobs),
            str(member.epochs),
            str(member.steps),
            f"{member.training_rate:.1f}",
            _duration(member.seconds),
            _size(member.memory) if member.memory else "",
            _size(member.disk),
        )
    disk = sum(member.disk for member in cost.members)
    table.add_row("total", str(len(jobs)), "", "", "", _duration(cost.seconds), "", _size(disk), style="bold")
    if not as_json:
        results.print(table)
        if cost.members[0].memory:
            results.print("memory: what the process of one job takes at most", highlight=False)
        if cost.at_once > 1:
            results.print(
                f"the total is the time until all are done, {cost.at_once} at once with {arrangement.threads} thread each; "
                "images/s are those of one job beside the others",
                highlight=False,
            )
    for note in arrangement.notes:
        console.print(note, highlight=False, markup=False)
    working = cost.at_once * max(member.working for member in cost.members)
    console.print(f"while jobs run, their checkpoints take up to {_size(working)} more", highlight=False)
    figures = {
        "jobs": len(jobs),
        "parallel": cost.at_once,
        "seconds": cost.seconds,
        "bytes": disk,
        "members": [asdict(member) for member in cost.members],
    }
    finish([], None, as_json=as_json, figures=figures)


def _end(evidence: "OutOfFoldPredictions", data: Path, named: str, as_json: bool) -> None:
    """Decide and report when every job is done; otherwise say which are not."""
    from steelsight.training.job import is_done

    run = evidence.run
    open_jobs = [
        f"{member.name}:{fold}"
        for member in evidence.recipe.members
        for fold in range(evidence.recipe.folds)
        if not is_done(evidence, member, fold)
    ]
    if open_jobs:
        following = (
            f"steelsight train {_quoted(data)} --recipe {_quoted(named)} --out {_quoted(run)} --resume --only "
            f"{_quoted(open_jobs[0])}"
        )
        finish([run.path], following, as_json=as_json, figures={"open_jobs": open_jobs})
        return
    from steelsight.cli.decision import show, show_policy
    from steelsight.report.build import build_report
    from steelsight.selection.decide import decide

    with shown_progress() as tell:
        decision = decide(run, progress=tell)
    if not as_json:
        show(decision)
        show_policy(decision.policy, decision.classes)
    with console.status("writing the report"):
        page = build_report(run)
    figures = {"decision": decision.model_dump(mode="json")}
    finish(
        [run.decision_file, page],
        f"steelsight predict {_quoted(run)} IMAGES --out DIR",
        as_json=as_json,
        figures=figures,
    )


def _quoted(value: object) -> str:
    return shlex.quote(str(value))


def _duration(seconds: float) -> str:
    """
    >>> _duration(90), _duration(7200)
    ('1.5 min', '2.0 h')
    """
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    """
    >>> _size(2_500_000)
    '2.5 MB'
    """
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
