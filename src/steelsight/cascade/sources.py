"""Which images a user means: files, folders, patterns, each with a name of its own."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steelsight.errors import UserError
from steelsight.images import is_image_name


@dataclass(frozen=True)
class Source:
    """One image to be judged.

    Attributes:
        image_id: unique; the file's name, or its path inside the folder that was given, with forward slashes.
        path: the file.
    """

    image_id: str
    path: Path


def find_sources(given: Sequence[str]) -> tuple[Source, ...]:
    """Resolve files, folders (with what is below them) and patterns such as `line2/*.jpg`, in the order given.

    A file that is named twice counts once. A file that is named directly is taken whatever its suffix.

    Raises:
        UserError: nothing is there, or two images would have the same name.
    """
    sources: dict[Path, Source] = {}
    for text in given:
        for source in _resolve(text):
            sources.setdefault(source.path.resolve(), source)
    by_name: dict[str, Source] = {}
    for source in sources.values():
        other = by_name.setdefault(source.image_id, source)
        if other is not source:
            raise UserError(
                f"{source.path} and {other.path} would both be named {source.image_id!r} in the results; give the folder "
                "that holds both, or predict them one after the other"
            )
    return tuple(sources.values())


def _resolve(text: str) -> Iterator[Source]:
    path = Path(text)
    if path.is_dir():
        found = sorted(inside for inside in path.rglob("*") if is_image_name(inside) and inside.is_file())
        if not found:
            raise UserError(f"{text}: no image in this folder or below it; name a folder with JPEG, PNG, BMP or TIFF")
        yield from (Source(inside.relative_to(path).as_posix(), inside) for inside in found)
    elif path.is_file():
        yield Source(path.name, path)
    else:
        matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        files = [Path(match) for match in matches if Path(match).is_file()]
        if not files:
            raise UserError(f"{text}: no such file or folder, and as a pattern it matches nothing; correct the path")
        yield from (Source(file.name, file) for file in files)
