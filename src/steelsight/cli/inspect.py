"""`steelsight inspect`: judge images with an exported inspector."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steelsight.cli.cluster import Cluster, Retries, ShipData, require_with_cluster, say
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
from steelsight.cli.labelled import say_notes
from steelsight.cli.next_step import quoted
from steelsight.cli.output import console
from steelsight.cli.sign import Trust, signature_text
from steelsight.core.commands import command

if TYPE_CHECKING:
    from steelsight.cascade.judge import Prediction
    from steelsight.cascade.sources import Source
    from steelsight.cluster.inspect import InspectionConfig

InspectorFolder = Annotated[Path, typer.Argument(metavar="INSPECTOR", help="Folder that `steelsight export` wrote.")]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="auto: a CUDA device if ONNX Runtime runs on one, else the processor."),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of the processor.", show_default="all that the process may use")
]


def inspect(
    inspector: InspectorFolder,
    images: Images,
    out: Out,
    masks: Masks = False,
    overlays: Overlays = False,
    labels: Labels = None,
    class_ids: ClassIds = "data",
    layout: Layout = "long",
    device: Device = "auto",
    threads: Threads = None,
    trust: Trust = None,
    resume: Resume = False,
    cluster: Cluster = None,
    ship_data: ShipData = False,
    retries: Retries = None,
    as_json: AsJson = False,
) -> None:
    """Judge images with an exported INSPECTOR: pass, review or reject; exit status 3 if some images could not be judged."""
    require_with_cluster(cluster, {"--ship-data": ship_data, "--retries": retries is not None})
    from steelsight.cascade.sources import find
    from steelsight.inspector.inspector import Inspector
    from steelsight.results.writer import ResultWriter

    config = None if cluster is None else _config(cluster, device, threads, overlays, ship_data, retries)
    opened = Inspector.open(inspector, device=device, threads=threads, trust=trust or ())
    signature, fingerprint = opened.signature, opened.checksums.fingerprint
    if trust and not as_json:
        console.print(signature_text(signature), markup=False, highlight=False, soft_wrap=True)
    policy = opened.card.policy
    if policy is not None and policy.pass_at is None and policy.reject_at is None and policy.severity is None:
        why = "the images that it was tested on do not support the limits that were asked for"
        say_notes([f"Every image goes to review, since {why}; see {command('report', inspector)}"])
    found = find(images, results=out)
    writer = ResultWriter(
        out,
        opened.classes,
        found.sources,
        class_ids=class_ids,
        layout=layout,
        masks=masks,
        overlays=overlays,
        resume=resume,
        made_by=fingerprint,
        options={"device": device},
        batch=opened.engine("throughput").batch if config is None else config.batch,
    )
    judge_and_write(
        writer,
        opened.stream
        if cluster is None or config is None
        else partial(_on_cluster, cluster, inspector, fingerprint, config),
        left_out=found.left_out,
        labels=labels,
        as_json=as_json,
        figures={"inspector": str(inspector), "signature": asdict(signature)},
        following=" ".join(["steelsight serve", quoted(inspector), *(f"--trust {quoted(key)}" for key in trust or ())]),
    )


def _config(
    cluster: str, device: Device, threads: int | None, overlays: bool, ship_data: bool, retries: int | None
) -> "InspectionConfig":
    """How images are judged on a cluster, which is seen to be there before networks are loaded."""
    from steelsight.cluster.connect import require_cluster
    from steelsight.cluster.inspect import RETRIES, InspectionConfig
    from steelsight.inspector.choose_engine import batch_of
    from steelsight.inspector.onnxruntime import has_cuda

    require_cluster(cluster)
    cuda = device == "cuda" or (device == "auto" and has_cuda())
    return InspectionConfig(
        cuda, threads, batch_of(cuda=cuda), overlays, ship_data, RETRIES if retries is None else retries
    )


def _on_cluster(
    cluster: str, inspector: Path, fingerprint: str, config: "InspectionConfig", sources: "Sequence[Source]"
) -> "Iterator[Prediction]":
    from steelsight.cluster.connect import connected
    from steelsight.cluster.inspect import inspect_on_cluster

    if sources:
        with connected(cluster) as ray:
            yield from inspect_on_cluster(ray, inspector, fingerprint, sources, config, say)
