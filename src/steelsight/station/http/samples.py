"""The images that the page offers to try: those of a folder, or strips drawn when they are first asked for."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from starlette.responses import FileResponse, Response

from steelsight.imaging.read import list_images
from steelsight.inspector.ready import DIFFICULTY
from steelsight.station.log.values import written
from steelsight.strips import as_jpeg, draw_strip

_COUNT = 12
_SEED = 41
"""Of whose first strips four are good, and the others show all classes but the rare second."""

DRAWN = tuple(f"made-up-{index + 1:02}.jpg" for index in range(_COUNT))
"""Names of the strips that are drawn."""

Offered = Mapping[str, Callable[[], Response | None]]
"""Of an image's name: what answers a request for it; None where it has gone meanwhile."""


def offered(folder: Path | None) -> Offered:
    """The images to try by name.

    Args:
        folder: None: strips that the project draws; the names say that they are made up.
    """
    if folder is not None:
        return {written(path.name): partial(_stored, path) for path in list_images(folder)}  # a name may be no text
    return {name: partial(_drawn, index) for index, name in enumerate(DRAWN)}


def _stored(path: Path) -> Response | None:
    return FileResponse(path) if path.is_file() else None


def _drawn(index: int) -> Response:
    return Response(_strip(index), media_type="image/jpeg")


@cache
def _strip(index: int) -> bytes:
    return as_jpeg(draw_strip(_SEED, index, defective=0.6, difficulty=DIFFICULTY, strips_per_coil=1).image)
