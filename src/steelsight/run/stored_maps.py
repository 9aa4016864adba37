"""A segmenter's stored maps: a zarr array of exactly the kind that is written here, and opened only where it is one.

A RUN may come from strangers, and zarr reads far more than maps: arrays of an older format whose filters unpickle Python
objects, codecs of any package, chunks of any size. So its description is read and compared here, before zarr sees it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError

SHARD = 32
"""Images that a shard holds: few files, yet one image can be read alone. Best written together."""
_CODECS, _INDEX_CODECS = ["bytes", "zstd"], ["bytes", "crc32c"]
_DESCRIPTION = "zarr.json"

Frame = tuple[int, int, int]
"""Classes, height and width of one image's map."""


def create_maps(folder: Path, count: int, frame: Frame, image_ids: Sequence[str]) -> Any:
    """A new array for the maps of `count` images: uint8 (count, *frame), a chunk for each image."""
    return zarr.create_array(
        store=folder,
        shape=(count, *frame),
        chunks=(1, *frame),
        shards=(SHARD, *frame),
        dtype="uint8",
        zarr_format=3,
        attributes={"image_ids": list(image_ids)},
    )


def shard_files(folder: Path, start: int, stop: int) -> Iterator[Path]:
    """The files that the maps of some images lie in, with what describes the array: those images can be read where these are
    alone. A shard of maps of nothing has no file."""
    yield folder / _DESCRIPTION
    for shard in range(start // SHARD, -(-stop // SHARD)):
        file = folder / "c" / str(shard) / "0" / "0" / "0"
        if file.is_file():
            yield file


def open_maps(folder: Path, count: int, frame: Frame) -> Any:
    """Open what `create_maps` made, for reading.

    Raises:
        UserError: it is another array, or damaged.
    """
    _check(folder, _description(folder), count, frame)
    try:
        return zarr.open_array(store=folder, mode="r", zarr_format=3)
    except Exception as error:  # zarr and its codecs have errors of many kinds
        raise UserError(f"{folder}: zarr cannot open it ({_first_line(error)}); {_again(folder)}") from error


def read_map(array: Any, row: int, folder: Path) -> NDArray[np.uint8]:
    """The map of one image: uint8 (classes, height, width).

    Raises:
        UserError: its chunk is damaged.
    """
    try:
        stored: NDArray[np.uint8] = array[row]
    except Exception as error:  # see above
        raise UserError(
            f"{folder}: the map of image {row} is damaged ({_first_line(error)}); {_again(folder)}"
        ) from error
    return stored


def _description(folder: Path) -> dict[str, Any]:
    path = folder / _DESCRIPTION
    if not path.is_file():
        raise UserError(
            f"{path}: not found, and maps are read in zarr format 3 alone, which steelsight writes; {_again(folder)}"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({_first_line(error)}); {_again(folder)}") from error
    return content if isinstance(content, dict) else {}


def _check(folder: Path, found: dict[str, Any], count: int, frame: Frame) -> None:
    """Every field that decides what zarr does with the bytes is the one that is written."""
    sharding = _named(found.get("codecs"), 0)
    settings = sharding.get("configuration")
    inner: dict[str, Any] = settings if isinstance(settings, dict) else {}
    grid = found.get("chunk_grid")
    facts: tuple[tuple[str, object, object], ...] = (
        ("zarr_format", found.get("zarr_format"), 3),
        ("node_type", found.get("node_type"), "array"),
        ("data_type", found.get("data_type"), "uint8"),
        ("shape", found.get("shape"), [count, *frame]),
        ("fill_value", found.get("fill_value"), 0),
        ("chunk_grid", grid, {"name": "regular", "configuration": {"chunk_shape": [SHARD, *frame]}}),
        ("storage_transformers", found.get("storage_transformers", []), []),
        ("codecs", _names(found.get("codecs")), ["sharding_indexed"]),
        ("the chunks in a shard", inner.get("chunk_shape"), [1, *frame]),
        ("codecs in a shard", _names(inner.get("codecs")), _CODECS),
        ("codecs of a shard's index", _names(inner.get("index_codecs")), _INDEX_CODECS),
    )
    for what, value, expected in facts:
        if value != expected or isinstance(value, bool):
            raise UserError(
                f"{folder / _DESCRIPTION}: {what} is {str(value)[:80]}, but steelsight writes {expected} for this member "
                f"and fold, so it is not read; {_again(folder)}"
            )
    ids = found["attributes"].get("image_ids") if isinstance(found.get("attributes"), dict) else None
    if not isinstance(ids, list):
        raise UserError(f"{folder / _DESCRIPTION}: it does not name its images; {_again(folder)}")


def _names(codecs: Any) -> list[str]:
    """Codecs by name; zarr may write one without settings as its name alone."""
    if not isinstance(codecs, list):
        return []
    return [str(_named(codecs, place).get("name")) for place in range(len(codecs))]


def _named(codecs: Any, place: int) -> dict[str, Any]:
    one = codecs[place] if isinstance(codecs, list) and len(codecs) > place else None
    if isinstance(one, str):
        return {"name": one}
    return one if isinstance(one, dict) else {}


def _again(folder: Path) -> str:
    return f"delete {folder} and train its job again with `{command('train', resume=True)}`"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
