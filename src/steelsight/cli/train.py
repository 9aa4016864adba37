"""`steelsight train`: folds, all jobs of a recipe, then decide and report."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steelsight.cli.begin_run import begin_run
from steelsight.cli.cluster import Cluster, Retries, ShipData, count_on, require_with_cluster
from steelsight.cli.groups import Groups, Later, SplitByTime, check_split
from steelsight.cli.labelled import Bits, BoxesOption, IgnoreClass, RoiOption, read_labelled, say_notes
from steelsight.cli.limits import (
    Confidence,
    CostEscape,
    CostEscapeOf,
    CostOverkill,
    CostReview,
    DefectShare,
    EscapeAmong,
    MaxEscape,
    MaxOverkill,
    NeverMiss,
    OverkillAmong,
    former_limits,
    make_wish,
)
from steelsight.cli.next_step import export_of
from steelsight.cli.output import console, counting, finish, shown_progress, with_options
from steelsight.cli.retyped_command import again
from steelsight.core.errors import UserError
from steelsight.dataset.model import Layout
from steelsight.dataset.split_by_time import LATER_SHARE

if TYPE_CHECKING:
    from steelsight.cluster.lay_out import ClusterConfig, ClusterLayout
    from steelsight.recipe import Member, Recipe
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.selection.decision import Decision
    from steelsight.selection.histograms import MakeHistograms
    from steelsight.training.cost_plan import Cost
    from steelsight.training.device_config import DeviceConfig
    from steelsight.training.job_layout import Arrangement
    from steelsight.verdicts.policy import Limits


def train(
    data: Annotated[Path, typer.Argument(help="Folder of labelled images.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder of the run; it must not hold another run. Only --plan does without.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="paper, lite, demo, or a YAML file.")] = "lite",
    layout: Annotated[Layout | None, typer.Option("--layout", help="Layout of DATA; detected if left out.")] = None,
    boxes: BoxesOption = None,
    bits: Bits = None,
    ignore_class: IgnoreClass = None,
    roi: RoiOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change a field: key.sub=value. Members go by name, phases by number from 1 or by name, "
            "* stands for all.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Minutes instead of hours, to see that everything works: two folds, the smallest network of each step, "
            "few epochs, small images, 120 of them unless --limit says otherwise. Its figures say little.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Train on at most so many images: whole groups, each combination of classes in its share."
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print jobs, time and disk; train nothing.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Run only this job: member:fold, or member.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")] = False,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Leave faulty images out, and list them.")] = False,
    groups: Groups = None,
    split_by_time: SplitByTime = None,
    later: Later = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    devices: Annotated[
        int | None, typer.Option(min=1, help="How many GPUs, or cores of a processor; all if left out.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Loader processes for each device.")] = None,
    parallel: Annotated[
        str, typer.Option("--parallel", help="Jobs side by side: a number, or auto: one on every core or GPU.")
    ] = "auto",
    cluster: Cluster = None,
    ship_data: ShipData = False,
    retries: Retries = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard logs.")] = False,
    max_escape: MaxEscape = None,
    escape_among: EscapeAmong = None,
    max_overkill: MaxOverkill = None,
    overkill_among: OverkillAmong = None,
    confidence: Confidence = None,
    defect_share: DefectShare = None,
    never_miss: NeverMiss = None,
    cost_escape: CostEscape = None,
    cost_review: CostReview = None,
    cost_overkill: CostOverkill = None,
    cost_escape_of: CostEscapeOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a recipe in cross-validation on DATA, then decide members, rule and verdicts, and write the report.

    Exit status 3 if images of DATA were left out, unless --skip-faulty allows for it.
    """
    wish = make_wish(
        partial(former_limits, out),
        max_escape=max_escape,
        escape_among=escape_among,
        max_overkill=max_overkill,
        overkill_among=overkill_among,
        confidence=confidence,
        defect_share=defect_share,
        never_miss=never_miss,
        cost_escape=cost_escape,
        cost_review=cost_review,
        cost_overkill=cost_overkill,
        cost_escape_of=cost_escape_of,
    )
    check_split(groups, split_by_time, later)
    # until run_jobs nothing imports torch: what is wrong is told at once
    from steelsight.recipe import choose_jobs, load_recipe
    from steelsight.recipe.quick import QUICK_IMAGES
    from steelsight.run.run import Run
    from steelsight.training.device_config import DeviceConfig, require_device
    from steelsight.training.start import check_groups, check_recipe, check_start, check_unchanged

    wanted = load_recipe(
        recipe, [*(overrides or []), *([] if roi is None else [f"roi={json.dumps(roi)}"])], quick=quick
    )
    choose_jobs(wanted, only or [])
    machine = DeviceConfig(device, devices or "auto", workers, _at_once(parallel))
    if cluster is None:
        require_device(machine)
    _check_cluster(cluster, ship_data=ship_data, retries=retries, devices=devices)
    most = QUICK_IMAGES if quick and limit is None else limit
    share = LATER_SHARE if later is None else later
    labelled = partial(read_labelled, data, layout, boxes, ignore_class, skip_faulty=skip_faulty, bits=bits)
    run = None if out is None else Run(out)
    if run is not None:
        check_start(run, wanted, resume=resume or plan)
    if plan:
        check_recipe(wanted)
        from steelsight.cli.plan import planned_run, show_plan

        with planned_run(labelled(), wanted, groups, most, split_by_time, share) as evidence:
            times = partial(_times, machine, cluster, ship_data, retries)
            show_plan(evidence, only or [], times, has_out=out is not None, as_json=as_json)
        return
    if run is None:
        raise UserError("--out is missing: a training is written into a folder; name one, as in --out run")
    goes_on, left_out = run.is_started, False
    if goes_on:
        evidence = _go_on(data, wanted, run)
        _say_kept(evidence, {"--layout": layout, "--boxes": boxes, "--limit": limit, "--later": later})
        check_groups(evidence, groups, split_by_time)
        _check_wish(wish, evidence.record.classes)
        _check_bits(evidence, bits)
        _check_ignored(evidence, ignore_class or ())
    else:
        dataset = labelled()
        _check_wish(wish, dataset.classes)
        evidence, left_out = (
            begin_run(dataset, wanted, run, groups, most, split_by_time, share),
            bool(dataset.left_out),
        )
    _say_small(evidence)
    jobs = choose_jobs(evidence.recipe, only or [])
    if goes_on:
        with console.status("checking that the images are still the same"):
            check_unchanged(evidence, jobs)
    if cluster is None:
        from steelsight.training.experiment import run_jobs

        run_jobs(evidence, jobs, machine, tensorboard=tensorboard, worded=with_options)
        decision = _decided(evidence, wish, None)
    else:
        decision = _on_cluster(
            cluster, evidence, jobs, machine, wish, tensorboard, ship_data=ship_data, retries=retries
        )
    _end(evidence, decision, as_json)
    if left_out and not skip_faulty:
        raise typer.Exit(3)


def _at_once(parallel: str) -> "int | Literal['auto']":
    """What --parallel says."""
    if parallel == "auto":
        return "auto"
    if not (parallel.isdecimal() and len(parallel) < 6 and int(parallel) > 0):
        raise UserError(
            f"--parallel {parallel[:20]}: how many jobs train side by side, from 1 on; give a number, or auto"
        )
    return int(parallel)


def _check_cluster(cluster: str | None, *, ship_data: bool, retries: int | None, devices: int | None) -> None:
    """What goes with --cluster, and whether there is one, told before images are read."""
    require_with_cluster(cluster, {"--ship-data": ship_data, "--retries": retries is not None})
    if cluster is None:
        return
    if devices is not None:
        raise UserError(f"--devices {devices} with --cluster: there each job has one device; leave out --devices")
    from steelsight.cluster.connect import require_cluster

    require_cluster(cluster)


def _times(
    machine: "DeviceConfig",
    cluster: str | None,
    ship_data: bool,
    retries: int | None,
    evidence: "OutOfFoldPredictions",
    jobs: "Sequence[tuple[Member, int]]",
) -> "tuple[Cost, Arrangement | ClusterLayout]":
    """What jobs will cost on this machine, or on a cluster."""
    if cluster is None:
        from steelsight.training.experiment import plan_jobs

        return plan_jobs(evidence, jobs, machine)
    from steelsight.cluster.connect import connected
    from steelsight.cluster.plan import plan_on_cluster

    with connected(cluster) as ray:
        return plan_on_cluster(ray, evidence, jobs, machine, _config(ship_data, retries))


def _config(ship_data: bool, retries: int | None) -> "ClusterConfig":
    from steelsight.cluster.lay_out import RETRIES, ClusterConfig

    return ClusterConfig(ship_data, RETRIES if retries is None else retries)


def _on_cluster(
    cluster: str,
    evidence: "OutOfFoldPredictions",
    jobs: "Sequence[tuple[Member, int]]",
    machine: "DeviceConfig",
    wish: "Limits | None",
    tensorboard: bool,
    *,
    ship_data: bool,
    retries: int | None,
) -> "Decision | None":
    """Jobs, and the histograms of the decision that follows."""
    from steelsight.cluster.connect import connected
    from steelsight.cluster.train import train_on_cluster

    config = _config(ship_data, retries)
    with connected(cluster) as ray:
        train_on_cluster(ray, evidence, jobs, machine, config, tensorboard=tensorboard, worded=with_options)
        return _decided(evidence, wish, count_on(ray, retries))


def _go_on(data: Path, wanted: "Recipe", run: "Run") -> "OutOfFoldPredictions":
    """The run that is there, with its images where DATA is."""
    from steelsight.recipe import is_resolved
    from steelsight.training.start import go_on

    with counting("comparing labels") as advance:
        evidence = go_on(run, wanted, data, note=lambda said: say_notes([with_options(said)]), progress=advance)
    sizes = [sample.size for sample in evidence.record.samples]
    if not is_resolved(wanted, evidence.recipe, evidence.record.classes, sizes):
        console.print(
            f"{run.recipe_file} is kept as the run began; other values of --recipe, --roi and --set are ignored",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    elif _has_changed(wanted.roi, evidence):
        say_notes([f"{wanted.roi} has changed since: the run keeps the region of interest that it began with"])
    return evidence


def _say_kept(evidence: "OutOfFoldPredictions", wished: Mapping[str, object]) -> None:
    """Tell which options a run that goes on has no use for: its images were chosen, and their labels read, when it began.

    Args:
        wished: what each of them says; None where it was not given.
    """
    record = evidence.record
    same = {"--layout": record.layout, "--limit": len(record.samples) if record.of_images is not None else None}
    given = [name for name, value in wished.items() if value is not None and value != same.get(name)]
    if given:
        options = " and ".join(filter(None, [", ".join(given[:-1]), given[-1]]))
        say_notes([f"images and labels are kept as the run began; other values of {options} are ignored"])


def _has_changed(roi: str, evidence: "OutOfFoldPredictions") -> bool:
    """Whether the file of a region holds another one; the run needs it no more, and it may be gone."""
    from steelsight.imaging.roi import choose_roi

    try:
        return choose_roi(roi) != evidence.record.roi
    except UserError:
        return False


def _check_bits(evidence: "OutOfFoldPredictions", bits: int | None) -> None:
    """See that a run that goes on reads 16-bit images as --bits says."""
    began = {member.preprocess.bits for member in evidence.recipe.members}
    if bits is not None and began != {bits}:
        said = ", ".join(sorted(map(str, began - {None}))) or "all 16"
        raise UserError(
            f"--bits {bits}: the run in {evidence.run} began with {said} bits of 16-bit images; go on without --bits, or "
            "choose another --out"
        )


def _check_ignored(evidence: "OutOfFoldPredictions", ignore_class: Sequence[str]) -> None:
    """See that a run that goes on ignores what --ignore-class says: its labels were read when it began."""
    missing = [name for name in ignore_class if name not in evidence.record.ignored_classes]
    if missing:
        raise UserError(
            f"--ignore-class {missing[0]}: the run in {evidence.run} began with {missing[0]!r} as what it learns, or without "
            "it; leave the option out, or choose another --out"
        )


def _check_wish(wish: "Limits | None", classes: tuple[str, ...]) -> None:
    """A class that there is not is told before a run is begun, and hours are spent."""
    if wish is not None:
        from steelsight.verdicts.thresholds import check_wish

        check_wish(wish, classes)


def _say_small(evidence: "OutOfFoldPredictions") -> None:
    """Tell that a run is quick, or that its images are limited."""
    from steelsight.recipe.quick import smallness

    for sentence in smallness(evidence.recipe, len(evidence.record.samples), evidence.record.of_images):
        console.print(f"note: {sentence}", highlight=False, soft_wrap=True, markup=False)


def _open_jobs(evidence: "OutOfFoldPredictions") -> list[str]:
    return [
        f"{member.name}:{fold}"
        for member in evidence.recipe.members
        for fold in range(evidence.recipe.folds)
        if not evidence.is_done(member, fold)
    ]


def _decided(
    evidence: "OutOfFoldPredictions", wish: "Limits | None", make: "MakeHistograms | None"
) -> "Decision | None":
    """The decision where every job is done."""
    from steelsight.selection.decide import decide

    if _open_jobs(evidence):
        return None
    with shown_progress() as tell:
        return decide(evidence.run, wish=wish, progress=tell, make=make)


def _end(evidence: "OutOfFoldPredictions", decision: "Decision | None", as_json: bool) -> None:
    """Report where it is decided; otherwise say which jobs are not done."""
    run = evidence.run
    if decision is None:
        open_jobs = _open_jobs(evidence)
        of_one = ["--only", *open_jobs[:1]] if open_jobs else []  # another process may have done the last one since
        following = again(without=["--only="], add=["--resume", *of_one])
        finish([run.path], following, as_json=as_json, figures={"open_jobs": open_jobs})
        return
    from steelsight.cli.decision_tables import say_uneven_votes, say_unfound, show, show_policy
    from steelsight.report.build import build_report

    if not as_json:
        show(decision)
        show_policy(decision.policy, decision.classes)
        say_uneven_votes(decision)
        say_unfound(decision, run.path)
    with console.status("writing the report"):
        page = build_report(run)
    figures = {"decision": decision.model_dump(mode="json")}
    finish([run.decision_file, page], export_of(run.path), as_json=as_json, figures=figures, look_at=page)
