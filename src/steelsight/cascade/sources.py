"""Which images a user means: files, folders, patterns, here or in an object store, each with a name of its own."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from steelsight.core.errors import UserError
from steelsight.core.files import resolved
from steelsight.dataset.masks_beside import masks_beside
from steelsight.dataset.model import Sample
from steelsight.imaging.folders import LeftOut, group_by_folder, look_below, look_below_url
from steelsight.imaging.object_store import (
    ImagePath,
    StoredObject,
    has_magic,
    image_path,
    is_stored_object,
    is_url,
    matching,
    refuse_password,
)
from steelsight.imaging.read import is_image_name

STANDARD_INPUT = "-"
_MASKS = "each has the name and size of an image, and few values; to have one judged, name the file itself"
MASKS, OVERLAYS = PICTURES = ("masks", "overlays")
"""Folders of the results with pictures in them."""


@dataclass(frozen=True)
class Source:
    """One image to be judged.

    Attributes:
        image_id: unique; the file's name, or its path inside the folder that was given, with forward slashes.
        path: the file, or the object.
    """

    image_id: str
    path: ImagePath

    @classmethod
    def of(cls, file: ImagePath | str) -> Self:
        """A file or an URL, named as its last part."""
        path = image_path(file)
        return cls(path.name, path)

    @property
    def file(self) -> Path:
        """Where it lies on this machine, for what reads images again and again.

        Raises:
            UserError: it is in an object store.
        """
        if isinstance(self.path, StoredObject):
            raise UserError(
                f"{self.path}: in an object store, where images can be judged but not learned from; copy them here"
            )
        return self.path


@dataclass(frozen=True)
class FoundSources:
    """The images that a user means, and what of their folders is left out."""

    sources: tuple[Source, ...]
    left_out: tuple[LeftOut, ...]


def find_sources(given: Sequence[str], *, results: Path | None = None) -> tuple[Source, ...]:
    """The images of `find`, whatever is left out."""
    return find(given, results=results).sources


def find(given: Sequence[str], *, results: Path | None = None) -> FoundSources:
    """Resolve files, folders (with what is below them) and patterns such as `line2/*.jpg`, in the order given, or the same in
    an object store, such as `s3://archive/line2/*.jpg`; `-` stands for a list of these on standard input, one a line.

    A file that is named twice counts once. A file that is named directly is taken whatever its suffix. Of a folder, hidden
    and linked folders, those that may not be read, images in other formats, and masks of its images (see
    `steelsight.dataset.masks_beside`) are left out and named. An object that is named directly and ends like an image is not
    looked for: reading tells whether it is there, and a list may have a million.

    Args:
        results: where masks and overlays will go; those of an earlier run are no images of a folder around them.

    Raises:
        UserError: nothing is there, or two images would have the same name; or an object store does not answer.
    """
    pictures = [resolved(results / name) for name in PICTURES] if results else []
    sources: dict[str, Source] = {}
    left_out: list[LeftOut] = []
    for text in _with_standard_input(given):
        for source in _resolve(text, pictures, left_out):
            sources.setdefault(_one_place(source.path), source)
    by_name: dict[str, Source] = {}
    for source in sources.values():
        other = by_name.setdefault(source.image_id, source)
        if other is not source:
            raise UserError(
                f"{source.path} and {other.path} would both be named {source.image_id!r} in the results; give the folder "
                "that holds both, or take them one after the other"
            )
    return FoundSources(tuple(sources.values()), tuple(dict.fromkeys(left_out)))


def _one_place(path: ImagePath) -> str:
    """The same for two ways to write one file; links are not followed: two names of one file are two images, as in a store of
    links to contents."""
    return path.url if isinstance(path, StoredObject) else os.path.normcase(os.path.abspath(path))  # noqa: PTH100


def _with_standard_input(given: Sequence[str]) -> Iterator[str]:
    for text in given:
        if text != STANDARD_INPUT:
            yield text
            continue
        listed = list(_lines(sys.stdin.buffer))
        if not listed:
            raise UserError(
                f"{STANDARD_INPUT}: standard input held no path; pipe in one path a line, or name the images"
            )
        yield from listed


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Lines that are not blank; bytes that are no UTF-8 are kept as the file system's names keep them."""
    for number, content in enumerate(stream):
        text = content.decode("utf-8", "surrogateescape").rstrip("\r\n")
        text = text.removeprefix("\ufeff") if number == 0 else text
        if text.strip():
            yield text


def _resolve(text: str, pictures: Sequence[Path], left_out: list[LeftOut]) -> Iterator[Source]:
    if is_url(text):
        refuse_password(text)
        yield from _resolve_url(text, left_out)
        return
    path = Path(text)
    if path.is_dir():
        apart = [folder for folder in pictures if folder.is_relative_to(resolved(path)) and folder != resolved(path)]
        found, passed_over = look_below(path, apart)
        if not found:
            why = f" ({passed_over[0].sentence})" if passed_over else ""
            raise UserError(
                f"{text}: no image in this folder or below it; name a folder with JPEG, PNG, BMP or TIFF{why}"
            )
        masks = set(masks_beside(path, found))
        left_out += [*passed_over, *group_by_folder(masks, _MASKS, are_masks=True)]
        yield from (Source(inside.relative_to(path).as_posix(), inside) for inside in found if inside not in masks)
    elif path.is_file() or path.is_symlink():
        yield Source(path.name, path)
    else:
        matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        files = [Path(match) for match in matches if not Path(match).is_dir()]
        if not files:
            raise UserError(f"{text}: no such file or folder, and as a pattern it matches nothing; correct the path")
        yield from (Source(file.name, file) for file in files)


def _resolve_url(url: str, left_out: list[LeftOut]) -> Iterator[Source]:
    if not url.partition("://")[2].strip("/"):
        raise UserError(
            f"{url}: names no place in the object store; write a bucket and a prefix, as in s3://archive/2026"
        )
    if (is_image_name(PurePosixPath(url)) and not has_magic(url)) or is_stored_object(url):
        yield Source.of(url)
        return
    found, passed_over = look_below_url(url)
    if passed_over and not found:
        raise UserError(
            f"{url}: no image below this prefix; name one with JPEG, PNG, BMP or TIFF ({passed_over[0].sentence})"
        )
    left_out += passed_over
    base = url.rstrip("/")
    yield from (Source(inside, StoredObject(f"{base}/{inside}")) for inside in found)
    if not found:
        matches = matching(url)
        if not matches:
            raise UserError(
                f"{url}: the object store has no image there, and as a pattern it matches nothing; correct the address"
            )
        yield from map(Source.of, matches)


def sources_of(samples: Sequence[Sample]) -> tuple[Source, ...]:
    """Samples as the cascade takes them."""
    return tuple(Source(sample.image_id, sample.path) for sample in samples)
