"""`steelsight bench`: how fast an inspector is on this machine."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from steelsight.cli.inspect import Device, InspectorFolder, Threads
from steelsight.cli.judging import AsJson, Images
from steelsight.cli.output import console, finish, results
from steelsight.core.arguments import check_length
from steelsight.core.formatting import percent

if TYPE_CHECKING:
    from steelsight.inspector.benchmark import Speed


def bench(
    inspector: InspectorFolder,
    images: Images,
    mm_per_pixel: Annotated[
        float | None,
        typer.Option(min=1e-6, help="Size of a pixel along the strip in mm, to tell metres of strip a second."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time to measure, after a warm-up.")] = 30.0,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Measure an INSPECTOR on images like yours: images a second, time of a single image, memory.

    The images are judged again and again, so a few dozen are enough: half of the time as a stream, half one by one. The speed
    depends much on how many of them pass the gate, or go to a person.
    """
    from steelsight.cascade.sources import find_sources
    from steelsight.inspector.benchmark import measure
    from steelsight.inspector.inspector import Inspector

    if mm_per_pixel is not None:
        check_length("mm_per_pixel", mm_per_pixel, "the size of a pixel")
    opened = Inspector.open(inspector, device=device, threads=threads)
    sources = find_sources(images)
    with console.status(f"measuring for {seconds:g} s"):
        speed = measure(opened, sources, seconds)
    metres = None if mm_per_pixel is None else speed.metres_per_second(mm_per_pixel)
    if not as_json:
        _show(speed, len(sources), mm_per_pixel)
    figures = {**speed.as_dict(), "different_images": len(sources), "metres_per_second": metres}
    command = f"steelsight inspect {shlex.quote(str(inspector))} {shlex.join(images)} --out DIR"
    finish([], command, as_json=as_json, figures=figures)


def _show(speed: "Speed", different: int, mm_per_pixel: float | None) -> None:
    table = Table(
        title=f"{speed.images} images in {speed.seconds:.1f} s ({different} different ones)", show_header=False
    )
    rows = {
        "images a second, as a stream": f"{speed.images_per_second:.1f}",
        f"one image at a time ({speed.singles} of them): median": f"{speed.p50_ms:.1f} ms",
        "95 % of them within": f"{speed.p95_ms:.1f} ms",
        "99 % of them within": f"{speed.p99_ms:.1f} ms",
        "passed the gate": percent(speed.passed_share, 1),
        "were segmented, as is every image that does not pass": percent(speed.segmented_share, 1),
        "memory at most": "not known here" if speed.peak_memory_mb is None else f"{speed.peak_memory_mb:.0f} MB",
    }
    if speed.unjudged_share:
        rows["got no probability from a network, and go to a person"] = percent(speed.unjudged_share, 1)
    if mm_per_pixel is not None:
        along = f"strip along the width of {speed.mean_width:.0f} pixels, {mm_per_pixel:g} mm each"
        rows[along] = f"{speed.metres_per_second(mm_per_pixel):.2f} m/s"
    for name, value in rows.items():
        table.add_row(name, value)
    results.print(table)
