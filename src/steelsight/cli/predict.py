"""`steelsight predict`: judge images with a run's own networks."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steelsight.cli.judging import (
    AsJson,
    ClassIds,
    Images,
    Labels,
    Layout,
    Masks,
    Out,
    Overlays,
    Resume,
    judge_and_write,
)
from steelsight.cli.next_step import export_of
from steelsight.cli.output import fail

if TYPE_CHECKING:
    from steelsight.networks.torch_engine import TorchEngine
    from steelsight.run.run import Run
    from steelsight.selection.decision import Decision


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `steelsight train --out` wrote.")],
    images: Images,
    out: Out,
    folds: Annotated[str, typer.Option(help="`all`: networks of every fold together; or one fold's number.")] = "all",
    masks: Masks = False,
    overlays: Overlays = False,
    labels: Labels = None,
    class_ids: ClassIds = "data",
    layout: Layout = "long",
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Judge images with the networks, the rule and the policy of RUN; exit status 3 if some images could not be judged."""
    from steelsight.cascade.judge import judge
    from steelsight.cascade.sources import find
    from steelsight.export.card import measure_familiar
    from steelsight.export.images import are_there
    from steelsight.recipe import choose_folds
    from steelsight.results.writer import ResultWriter
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.selection.decision import read_decision
    from steelsight.selection.run_policy import of_folds

    trained = Run(run)
    chosen = choose_folds(folds, trained.recipe.folds)
    decision = read_decision(trained)
    found = find(images, results=out)
    record = trained.record
    deployed = of_folds(OutOfFoldPredictions.of(trained), decision, chosen)
    policy, rule = None if deployed is None else deployed[1], decision.rule_of(chosen)
    engine = _load(trained, decision, chosen)
    writer = ResultWriter(
        out,
        decision.classes,
        found.sources,
        class_ids=class_ids,
        layout=layout,
        masks=masks,
        overlays=overlays,
        resume=resume,
        made_by=hashlib.sha256(trained.decision_file.read_bytes()).hexdigest(),
        options={"folds": folds},
        batch=engine.batch,
    )
    flags = measure_familiar(record, (), engine).flags if are_there(record) else None
    if flags is None:
        fail(f"the images of {run} are gone, so these images cannot be compared with them: no image is flagged")
    figures = {"classifiers": len(engine.classifiers), "segmenters": len(engine.segmenters)}
    judge_and_write(
        writer,
        lambda remaining: judge(remaining, engine, rule, flags=flags, policy=policy),
        left_out=found.left_out,
        labels=labels,
        as_json=as_json,
        figures=figures,
        following=export_of(run),
    )


def _load(run: "Run", decision: "Decision", folds: Sequence[int]) -> "TorchEngine":
    from steelsight.networks.torch_engine import load_engine

    return load_engine(run, run.recipe, decision.classes, *decision.jobs_of(folds))
