"""`steelsight decide`: choose members, rule and limits again, from stored predictions."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steelsight.cli.cluster import Cluster, Retries, count_on_address, require_with_cluster, say
from steelsight.cli.groups import Groups, known_groups, say_groups, say_times
from steelsight.cli.labelled import BoxesOption, IgnoreClass, RoiOption
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
from steelsight.cli.output import console, counting, fail, finish, shown_progress
from steelsight.core.errors import UserError
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Layout, Sample
from steelsight.inspector.artifact import CARD
from steelsight.rule.objective import Objective, ObjectiveName, chosen_objective

if TYPE_CHECKING:
    from steelsight.imaging.roi import Roi
    from steelsight.inspector.inspector import Inspector
    from steelsight.run.run import Run
    from steelsight.selection.histograms import MakeHistograms
    from steelsight.verdicts.evaluated import EvaluationSet
    from steelsight.verdicts.policy import Limits, Unchanged
    from steelsight.verdicts.severity import Severity


_SHOWN_ALIKE = 10
_NOT_RECOGNISED = (
    "each image is compared with the training images by its file, its pixels and its likeness; this does not recognise "
    "another crop (by more than about 5 %), another scale, strong editing, or a new photograph of the same surface"
)


def decide(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN|INSPECTOR", help="Folder of `steelsight train`, or of `steelsight export`.")
    ],
    gate: Annotated[
        float | None,
        typer.Option(help="For a RUN: search the rule at this gate alone, a probability. Default: the recipe's gates."),
    ] = None,
    objective: Annotated[
        ObjectiveName | None,
        typer.Option(
            help="For a RUN: what the rule is searched for. competition: mean Dice over every image and class, empty ones "
            "too. pooled: Dice of the pixels of all images. defects: Dice of the images and classes that have a defect, at "
            "no more false alarms than --max-false-alarms. Default: the recipe's."
        ),
    ] = None,
    max_false_alarms: Annotated[
        float | None,
        typer.Option(
            help="With --objective defects: share of the empty pairs of image and class in which something may be marked, "
            "from 0 to 1. Default: the recipe's."
        ),
    ] = None,
    rule: Annotated[
        Literal["searched", "each-class", "plain", "published"],
        typer.Option(
            help="For a RUN: searched takes the best kind of rule, and each-class thresholds for each class, whatever the "
            "others are worth; plain takes the plain rule, and published the one that the recipe states, without a search."
        ),
    ] = "searched",
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
    roi: RoiOption = None,
    severity: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none", help="Rules on class, area, count and position of defects.", rich_help_panel="Verdicts"
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="For an INSPECTOR: labelled images that its networks did not see. Its bounds rest on them from then on.",
            rich_help_panel="Verdicts",
        ),
    ] = None,
    layout: Annotated[Layout | None, typer.Option(help="Layout of DATA; detected if left out.")] = None,
    boxes: BoxesOption = None,
    ignore_class: IgnoreClass = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Leave faulty images of DATA out, and list them.")
    ] = False,
    groups: Groups = None,
    cluster: Cluster = None,
    retries: Retries = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Choose thresholds and pass/reject limits again, without retraining.

    For a RUN: members, rule and limits; with an option on verdicts only the limits. For an INSPECTOR: its limits, from the
    test images that it carries or from fresh ones.
    """
    wish = make_wish(
        partial(former_limits, folder),
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
    if groups is not None and calibrate is None:
        raise UserError(
            f"--groups {groups}: a run and an inspector keep the groups that they were made with; use it with "
            "--calibrate DATA, or with `steelsight train`"
        )
    if calibrate is None:
        _refuse_without_data(
            {
                "--layout": layout,
                "--boxes": boxes,
                "--ignore-class": ", ".join(ignore_class or ()),
                "--skip-faulty": skip_faulty,
            }
        )
    require_with_cluster(cluster, {"--retries": retries is not None})
    if (folder / CARD).is_file():
        if cluster is not None:
            raise UserError(
                f"--cluster {cluster}: {folder} is an inspector, whose limits take seconds to find; decide it without a "
                "cluster, or the run it is made of"
            )
        if gate is not None:
            raise UserError(
                f"--gate {gate}: {folder} is an inspector, whose rule is fixed; decide the run it is made of"
            )
        for option, given in (("--objective", objective), ("--max-false-alarms", max_false_alarms)):
            if given is not None:
                raise UserError(
                    f"{option} {given}: {folder} is an inspector, whose rule is fixed; decide the run it is made of"
                )
        if rule != "searched":
            raise UserError(
                f"--rule {rule}: {folder} is an inspector, whose rule is fixed; decide the run it is made of"
            )
        _decide_inspector(
            folder, wish, severity, roi, calibrate, layout, boxes, ignore_class, skip_faulty, groups, as_json
        )
        return
    if calibrate is not None:
        raise UserError(
            f"--calibrate {calibrate}: {folder} is no inspector, and a run has its own evidence; export the run first"
        )
    if gate is not None and not 0 <= gate <= 1:
        raise UserError(f"--gate {gate}: a gate is a probability; give a number from 0 to 1")
    from steelsight.run.run import Run

    if roi is not None:
        raise UserError(
            f"--roi {roi}: {folder} is a run, whose networks learned with the region that it has; train with --roi, or give "
            "one to the inspector that is exported from it"
        )
    run = Run(folder)
    aimed = (
        chosen_objective(run.recipe.search, objective, max_false_alarms)
        if objective or max_false_alarms is not None
        else None
    )
    if cluster is not None:
        from steelsight.cluster.connect import require_cluster

        require_cluster(cluster)
    _decide_run(
        run, gate, aimed, rule, wish, severity, None if cluster is None else count_on_address(cluster, retries), as_json
    )


def _refuse_without_data(given: Mapping[str, str | bool | None]) -> None:
    for option, value in given.items():
        if value:
            wish = option if value is True else f"{option} {value}"
            raise UserError(
                f"{wish}: says how DATA is read, and no labelled images are given; use it with --calibrate DATA, or leave "
                "it out"
            )


def _decide_run(
    run: "Run",
    gate: float | None,
    objective: Objective | None,
    rule: Literal["searched", "each-class", "plain", "published"],
    wish: "Limits | None",
    severity: str | None,
    make: "MakeHistograms | None",
    as_json: bool,
) -> None:
    from steelsight.cli.decision_tables import say_uneven_votes, say_unfound, show, show_policy
    from steelsight.selection.decide import decide as decide_all
    from steelsight.selection.decision import read_decision
    from steelsight.selection.run_policy import decide_verdicts

    rule_as_it_is = gate is None and objective is None and rule == "searched"
    verdicts_alone = rule_as_it_is and (wish is not None or severity is not None) and run.decision_file.is_file()
    if verdicts_alone and make is not None:
        say("the cluster is not used: limits alone are decided, from the rule that stands, which takes seconds here")
    with shown_progress() as tell:
        rules = _severity(severity, read_decision(run).classes if verdicts_alone else run.record.classes)
        decided = (
            decide_verdicts(run, wish, rules, progress=tell)
            if verdicts_alone
            else decide_all(
                run, gate=gate, objective=objective, rule=rule, wish=wish, severity=rules, progress=tell, make=make
            )
        )
    if not as_json:
        if not verdicts_alone:
            show(decided)
        show_policy(decided.policy, decided.classes)
        if not verdicts_alone:
            say_uneven_votes(decided)
            say_unfound(decided, run.path)
    finish(
        [run.decision_file],
        f"steelsight report {shlex.quote(str(run))}",
        as_json=as_json,
        figures={"decision": decided.model_dump(mode="json")},
    )


def _decide_inspector(
    folder: Path,
    wish: "Limits | None",
    severity: str | None,
    roi: str | None,
    calibrate: Path | None,
    layout: Layout | None,
    boxes: Boxes | None,
    ignore_class: Sequence[str] | None,
    skip_faulty: bool,
    groups: str | None,
    as_json: bool,
) -> None:
    from steelsight.cli.decision_tables import show_policy
    from steelsight.imaging.roi import choose_roi, count_alike
    from steelsight.inspector.decide_policy import decide_inspector
    from steelsight.inspector.inspector import Inspector

    inspector = Inspector.open(folder)
    region: Roi | Unchanged | None = "keep" if roi is None else choose_roi(roi)
    if region != "keep" and not count_alike(region, inspector.card.roi):
        inspector = replace(inspector, card=inspector.card.with_roi(region))
    rules = _severity(severity, inspector.classes)
    fresh = (
        None if calibrate is None else _fresh(inspector, calibrate, layout, boxes, ignore_class, skip_faulty, groups)
    )
    was_signed = inspector.signature.state != "unsigned"
    card = decide_inspector(folder, wish, rules, fresh, region)
    if was_signed:
        fail(
            f"{folder}: its signature was of what it was before, and is gone; the holder of the key looks at it and runs "
            f"`steelsight sign {folder} --key KEY`"
        )
    if not as_json:
        show_policy(card.policy, card.classes)
    policy = None if card.policy is None else card.policy.model_dump(mode="json")
    finish(
        [folder],
        f"steelsight report {shlex.quote(str(folder))}",
        as_json=as_json,
        figures={"inspector": str(folder), "policy": policy},
    )


def _fresh(
    inspector: "Inspector",
    data: Path,
    layout: Layout | None,
    boxes: Boxes | None,
    ignore_class: Sequence[str] | None,
    skip_faulty: bool,
    wish: str | None,
) -> "EvaluationSet":
    from steelsight.cli.labelled import read_labelled, say_labels_alone
    from steelsight.dataset.depth import KIND
    from steelsight.dataset.groups import join_groups, named_kinds
    from steelsight.dataset.twins import find_twins
    from steelsight.inspector.calibrate import judge_fresh
    from steelsight.inspector.training_images import read_prints

    unsaid = (KIND,)  # what is white was fixed when the inspector was trained
    dataset = read_labelled(
        data,
        layout,
        boxes,
        ignore_class,
        skip_faulty=skip_faulty,
        unsaid=unsaid,
        of_inspector=inspector.classes,
    )
    say_labels_alone(dataset, inspector.card.roi)
    known = known_groups(wish, dataset)
    if read_prints(inspector.folder) is None:
        fail(
            f"{inspector.folder}: was exported before images were known by their pixels: a training image that was "
            "saved anew is not recognised; export the run again to recognise it"
        )
    else:
        console.print(_NOT_RECOGNISED, soft_wrap=True, highlight=False)
    with counting("looking for twins") as advance:
        every = (*dataset.samples, *dataset.without_masks)
        groups = join_groups(find_twins([sample.path for sample in every], progress=advance), known)
    say_groups(known, groups)
    say_times(known)
    with counting("judging fresh images") as advance:
        return judge_fresh(inspector, dataset, groups, advance, _say_left_out, grouped_by=named_kinds(known))


def _say_left_out(alike: Sequence[Sample]) -> None:
    """Tell which fresh images are not judged."""
    names = ", ".join(sample.image_id for sample in alike[:_SHOWN_ALIKE])
    more = f" and {len(alike) - _SHOWN_ALIKE} more" if len(alike) > _SHOWN_ALIKE else ""
    console.print(
        f"note: left out, since they look like images that it was trained on: {names}{more}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _severity(given: str | None, classes: tuple[str, ...]) -> "Severity | Unchanged | None":
    from steelsight.verdicts.severity import read_severity

    if given is None:
        return "keep"
    return None if given == "none" else read_severity(Path(given), classes)
