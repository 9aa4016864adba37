"""The readers by name."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from fuzzing import data_doors, file_doors, station_doors, trained_doors
from fuzzing.reader import Reader
from fuzzing.seeds import IMAGES_OF, WRITTEN

FOLDERS = (*IMAGES_OF, *(f"own-{name}" for name in WRITTEN), "class-folders", "mvtec", "colour-masks", "image-labels")
"""Of labelled images, as `seeds.datasets` names them."""


def readers(work: Path) -> dict[str, Callable[[], Reader]]:
    """How each reader is made ready, in a folder that it may use; none is before it is wanted."""
    made: dict[str, Callable[[], Reader]] = {}
    for name in FOLDERS:
        made[f"data:{name}"] = partial(data_doors.dataset, name)
    for kind in ("jpeg", "png", "tiff", "bmp"):
        made[f"image:{kind}"] = partial(data_doors.images, kind)
    made |= {
        "recipe": file_doors.recipe,
        "severity": file_doors.severity,
        "groups": lambda: file_doors.groups(work),
        "score": file_doors.score,
        "inspector": lambda: trained_doors.inspector(work),
        "results": lambda: trained_doors.results(work),
        "run": trained_doors.run,
        "checkpoint": lambda: trained_doors.checkpoint(work),
        "names": lambda: station_doors.names(work),
        "watch": lambda: station_doors.watch(work),
        "log": lambda: station_doors.log(work),
        "http": lambda: station_doors.http(work),
        "corrections": lambda: station_doors.corrections(work),
    }
    return made


def some(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Names that begin like one of those that are wanted; all where none is."""
    chosen = tuple(wanted)
    return [name for name in names if not chosen or name.startswith(chosen)]
