"""`steelsight inspect`: judge images with an exported inspector."""

from pathlib import Path
from typing import Annotated, Literal

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
from steelsight.cli.next_step import quoted

InspectorFolder = Annotated[Path, typer.Argument(metavar="INSPECTOR", help="Folder that `steelsight export` wrote.")]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="auto: a CUDA device if ONNX Runtime's GPU build finds one, else the processor."),
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
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Judge images with an exported INSPECTOR: pass, review or reject; exit status 3 if some images could not be judged."""
    from steelsight.cascade.sources import find
    from steelsight.inspector.artifact import fingerprint
    from steelsight.inspector.inspector import Inspector
    from steelsight.results.writer import ResultWriter

    opened = Inspector.open(inspector, device=device, threads=threads)
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
        made_by=fingerprint(inspector),
        options={"device": device},
        batch=opened.engine("throughput").batch,
    )
    judge_and_write(
        writer,
        opened.stream,
        left_out=found.left_out,
        labels=labels,
        as_json=as_json,
        figures={"inspector": str(inspector)},
        following=f"steelsight serve {quoted(inspector)}",
    )
